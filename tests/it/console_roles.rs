//! Roles in the console: of the vendor, and in an organization, where the vendor's are given and not changed.

use model::administrator::Role;
use ostiary::app::applications::ApplicationChange;

use crate::{both, wso2};

both! {
    async fn a_role_is_made_given_taken_and_deleted(app: TestApp) {
        let environment = app.environment("prod").await;
        let client = wso2::application(&app, &environment, "all", &["orders:read"]).await;
        let organization = wso2::organization(&app, &environment).await;
        app.user(&environment, Some(organization.id), "bob@bestcar.test").await;
        let console = app.console(Role::Admin, &environment).await;
        // The vendor makes the role.
        console.page("/applications").await.says("Roles");
        console.page("/roles").await.says("No role yet.").says("Create the first role");
        let unnamed = console.post("/roles/new", &[("displayName", " "), ("audience", "")]).await;
        assert_eq!(unnamed.status, 422);
        let unknown = [("displayName", "App Admin"), ("audience", ""), ("permissions", "orders:read")];
        let unknown = console.post("/roles/new", &unknown).await;
        assert_eq!(unknown.status, 422, "the organization has no such scope");
        let application = client.id.to_string();
        let fields = [("displayName", "App <Admin>"), ("audience", application.as_str()), ("permissions", "orders:read\r\ninternal_org_role_mgt_view\r\n")];
        let made = console.done("/roles/new", &fields).await;
        made.says("App <Admin>").says("orders:read").says("Application “B2B App”").says("Nobody has this role themselves.");
        assert!(!made.body.contains("App <Admin>"));
        let original = made.id("role_");
        let taken = console.post("/roles/new", &[("displayName", "app  <ADMIN>"), ("audience", &application)]).await;
        assert_eq!(taken.status, 422);
        taken.says("Another role for the same has this name");
        console.page(&format!("/roles?application={application}")).await.says("App <Admin>");

        // The organization gives it to its people, and changes nothing else.
        let place = format!("/organizations/{}", organization.id);
        console.page(&place).await.says("Roles");
        let list = console.page(&format!("{place}/roles")).await;
        list.says("App <Admin>").says("The vendor’s");
        let shared = list.first_id("role_");
        assert_ne!(shared, original);
        let at = format!("{place}/roles/{shared}");
        console.page(&at).await.says("This role is the vendor’s.").does_not_say("Edit App");
        let members = format!("{at}/members");
        for (fields, said) in [
            ([("user", ""), ("group", "")], "User: Is required."),
            ([("user", "nobody@bestcar.test"), ("group", "")], "Names nobody in this organization"),
            ([("user", ""), ("group", "Admins")], "No group of this organization has this name"),
        ] {
            let refused = console.post(&members, &fields).await;
            assert_eq!(refused.status, 422, "{fields:?}");
            refused.says(said);
        }
        let given = console.done(&members, &[("user", "bob@bestcar.test"), ("group", "")]).await;
        given.says("bob@bestcar.test").says("Remove");
        let user = given.first_id("usr_");
        console.done(&members, &[("remove", &user)]).await.says("Nobody has this role themselves.");
        let renamed = console.post(&format!("{at}/edit"), &[("displayName", "Mine")]).await;
        assert_eq!(renamed.status, 422);
        let deleted = console.post(&format!("{at}/delete"), &[("confirm", "App <Admin>")]).await;
        assert_eq!(deleted.status, 422);
        // Its own is its own.
        let own = console.done(&format!("{place}/roles/new"), &[("displayName", "Editor"), ("audience", ""), ("permissions", "")]).await;
        let own = format!("{place}/roles/{}", own.id("role_"));
        console.done(&format!("{own}/edit"), &[("displayName", "Writer"), ("permissions", "internal_org_role_mgt_view")]).await.says("Writer");
        console.done(&format!("{own}/delete"), &[("confirm", "Writer")]).await.does_not_say("Writer</a>");
        // What the vendor changes is so at once, and what it does not share any more is gone.
        console.done(&format!("/roles/{original}/edit"), &[("displayName", "Owner"), ("permissions", "")]).await;
        console.page(&at).await.says("Owner").says("It permits nothing yet.");
        let change = ApplicationChange { shared: Some("none".to_owned()), ..ApplicationChange::default() };
        let operator = ostiary::app::principal::Principal::operator(environment.id);
        ostiary::app::resource::update::<model::application::Application>(&app.state, &operator, client.id, None, &change)
            .await
            .unwrap();
        assert_eq!(console.get(&at).await.status, 404);
    }

    async fn a_viewer_looks_at_roles_and_changes_none(app: TestApp) {
        let environment = app.environment("prod").await;
        let viewer = app.console(Role::Viewer, &environment).await;
        viewer.page("/roles").await.says("No role yet.").does_not_say("Create the first role");
        assert_eq!(viewer.get("/roles/new").await.status, 403);
        assert_eq!(viewer.post("/roles/new", &[("displayName", "X")]).await.status, 403);
    }
}
