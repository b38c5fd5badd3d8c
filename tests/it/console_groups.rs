//! Groups of users in the console: made, filled, looked at from both sides, changed and deleted; and who may do so.

use base::id::UserId;
use model::{administrator::Role, environment::Environment, user::User};
use ostiary::app::{
    accounts::groups::{self, GroupSettings},
    principal::Principal,
};

use crate::{both, support::TestApp};

async fn is_member(app: &TestApp, environment: &Environment, user: &User, group: &str) -> bool {
    let of = (user.pool_id, group.parse().unwrap(), user.id);
    groups::is_member(&app.state, &Principal::operator(environment.id), of).await.unwrap()
}

both! {
    async fn a_group_is_made_filled_changed_and_deleted(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let organization = Some(tenant.organization.id);
        let dana = app.user(&environment, organization, "dana@acme.example").await;
        let other = app.user(&environment, organization, "otto@acme.example").await;
        assert_eq!(dana.pool_id, other.pool_id);
        let console = app.console(Role::Admin, &environment).await;
        let pool = format!("/identity-pools/{}", dana.pool_id);
        console.page(&pool).await.says("Groups").says("New group").says("None. A group holds users of this pool");
        let list = format!("{pool}/groups");
        console.page(&list).await.says("No group yet.").says("Create the first group");

        let new = format!("{list}/new");
        let unnamed = console.post(&new, &[("name", " "), ("description", "x")]).await;
        assert_eq!(unnamed.status, 422);
        unnamed.says("Name: Is required.");
        let made = console.done(&new, &[("name", "Admins <b>"), ("description", "Who may everything")]).await;
        made.says("Group created.").says("Admins <b>").says("Who may everything").says("Nobody is in this group.");
        assert!(!made.body.contains("Admins <b>"));
        let id = made.id("group_");
        let at = format!("/user-groups/{id}");
        let taken = console.post(&new, &[("name", "ADMINS  <B>")]).await;
        assert_eq!(taken.status, 422);
        taken.says("Name: Another group of this pool has this name.");
        console.done(&new, &[("name", "Sales")]).await.says("Group created.");
        console.page(&list).await.says("Admins <b>").says("Sales");
        console.page(&format!("{list}?q=adm")).await.says("Admins <b>").does_not_say("Sales");
        console.page(&format!("{list}?q={id}")).await.says("Admins <b>").does_not_say("Sales");
        console.page(&format!("{list}?q=100%25")).await.says("Nothing here matches.");
        console.page(&pool).await.says("Admins <b>").says("All groups of this pool");

        let members = format!("{at}/members");
        for (text, said) in [
            ("", "User: Is required."),
            ("nobody@acme.example", "User: Names nobody in this pool."),
        ] {
            let refused = console.post(&members, &[("user", text)]).await;
            assert_eq!(refused.status, 422, "{text}");
            refused.says(said);
        }
        console.done(&members, &[("user", " DANA@acme.example ")]).await.says("Membership added.").says("dana@acme.example").says("Remove");
        console.done(&members, &[("user", &other.id.to_string())]).await.says("otto@acme.example");
        assert!(is_member(&app, &environment, &dana, &id).await);
        console.page("/audit-events").await.says("created group").says("to the group Admins <b>");
        console.done(&members, &[("remove", &other.id.to_string())]).await.says("Membership ended.").does_not_say("otto");
        // Somebody else was faster.
        console.done(&members, &[("remove", &other.id.to_string())]).await.says("Membership ended.");

        // From the other side.
        let user = format!("/users/{}", dana.id);
        console.page(&user).await.says("Groups").says("Admins <b>").says("Remove from this group").says("Add to a group");
        let choose = format!("{user}/groups");
        console.page(&choose).await.says("Add dana@acme.example to a group").says("Sales");
        let none = console.post(&choose, &[("group", "")]).await;
        assert_eq!(none.status, 422);
        none.says("Group: Is required.");
        assert_eq!(console.post(&choose, &[("group", "Nothing")]).await.status, 422);
        console.done(&choose, &[("group", "sales")]).await.says("Membership added.").says("Sales");
        console.done(&choose, &[("remove", &id)]).await.says("Membership ended.").does_not_say("Admins");
        assert!(!is_member(&app, &environment, &dana, &id).await);

        let edit = format!("{at}/edit");
        let changed = console.done(&edit, &[("name", "Owners"), ("description", "")]).await;
        changed.says("Group saved.").says("Owners").does_not_say("Who may everything");
        let refused = console.post(&edit, &[("name", "sales")]).await;
        assert_eq!(refused.status, 422);
        refused.says("Another group of this pool has this name");

        let delete = format!("{at}/delete");
        console.page(&delete).await.says("Its members stay users of the pool");
        assert_eq!(console.post(&delete, &[("confirm", "owner")]).await.status, 422);
        console.done(&delete, &[("confirm", "Owners")]).await.says("Group deleted.").does_not_say("Owners").says("Sales");
        assert_eq!(console.get(&at).await.status, 404);
    }

    async fn what_somebody_else_changed_meanwhile_is_told(app: TestApp) {
        let environment = app.environment("prod").await;
        let dana = app.user(&environment, None, "dana@acme.example").await;
        let id = app.group_of(&dana, "Admins").await;
        let console = app.console(Role::Admin, &environment).await;
        let edit = format!("/user-groups/{id}/edit");
        let settings = GroupSettings { name: "Owners".into(), description: "Theirs".into() };
        let principal = Principal::operator(environment.id);
        let seen = console.seen(&edit).await;
        groups::replace(&app.state, &principal, (dana.pool_id, id), None, &settings).await.unwrap();
        let mut stale: Vec<(&str, &str)> = seen.iter().map(|(name, value)| (*name, value.as_str())).collect();
        stale.extend([("name", "Mine"), ("description", "")]);
        let refused = console.post(&edit, &stale).await;
        assert_eq!(refused.status, 409, "{}", refused.text());
        // What was typed is kept, and what the other one wrote is in the field that was left alone.
        assert_eq!(refused.input("name").as_deref(), Some("Mine"));
        refused.says("Theirs");
        console.page(&format!("/user-groups/{id}")).await.says("Owners").says("Theirs");
    }

    async fn members_are_shown_page_by_page(app: TestApp) {
        let environment = app.environment("prod").await;
        let principal = Principal::operator(environment.id);
        let first = app.user(&environment, None, "user0@acme.example").await;
        let id = app.group_of(&first, "Many").await;
        let mut people: Vec<UserId> = vec![first.id];
        for at in 1..30 {
            people.push(app.user(&environment, None, &format!("user{at}@acme.example")).await.id);
        }
        for user in &people {
            groups::add_member(&app.state, &principal, (first.pool_id, id, *user), None).await.unwrap();
        }
        for at in 0..30 {
            app.group_of(&first, &format!("Group {at}")).await;
        }
        let console = app.console(Role::Viewer, &environment).await;
        let page = console.page(&format!("/user-groups/{id}")).await;
        page.says("Next").does_not_say("Remove").does_not_say("Add a member").does_not_say("Previous");
        let listed = |text: &str| (0..30).filter(|at| text.contains(&format!("user{at}@acme.example"))).count();
        assert_eq!(listed(&page.text()), 25);
        let list = console.page(&format!("/identity-pools/{}/groups", first.pool_id)).await;
        list.says("Next").does_not_say("New group");
        console.page(&format!("/users/{}", first.id)).await.says("Many").does_not_say("Add to a group");
    }

    async fn only_who_may_change_users_changes_groups(app: TestApp) {
        let environment = app.environment("prod").await;
        let dana = app.user(&environment, None, "dana@acme.example").await;
        let id = app.group_of(&dana, "Admins").await;
        let viewer = app.console(Role::Viewer, &environment).await;
        let user = dana.id.to_string();
        for (path, fields) in [
            (format!("/identity-pools/{}/groups/new", dana.pool_id), [("name", "A"), ("x", "")]),
            (format!("/user-groups/{id}/edit"), [("name", "A"), ("version", "1")]),
            (format!("/user-groups/{id}/delete"), [("confirm", "Admins"), ("x", "")]),
            (format!("/user-groups/{id}/members"), [("user", &*user), ("x", "")]),
            (format!("/users/{user}/groups"), [("group", "Admins"), ("x", "")]),
        ] {
            assert_eq!(viewer.post(&path, &fields).await.status, 403, "{path}");
        }
        assert!(!is_member(&app, &environment, &dana, &id.to_string()).await);
        // Another environment's.
        let other = app.environment("other").await;
        let stranger = app.user(&other, None, "eve@acme.example").await;
        let far = app.group_of(&stranger, "Far").await;
        let admin = app.console(Role::Admin, &environment).await;
        for path in [format!("/user-groups/{far}"), format!("/user-groups/{far}/edit"), format!("/identity-pools/{}/groups", stranger.pool_id)] {
            assert_eq!(admin.get(&path).await.status, 404, "{path}");
        }
        for (path, fields) in [
            (format!("/user-groups/{far}/members"), [("user", user.as_str())]),
            (format!("/user-groups/{id}/members"), [("user", &*stranger.id.to_string())]),
            (format!("/users/{user}/groups"), [("group", &*far.to_string())]),
        ] {
            let refused = admin.post(&path, &fields).await;
            assert!([404, 422].contains(&refused.status.as_u16()), "{path}: {}", refused.status);
        }
        let mut conn = app.state.db.read().await.unwrap();
        assert_eq!(conn.sql("SELECT COUNT(*) FROM user_group_members").one::<(i64,)>().await.unwrap().0, 0);
    }
}
