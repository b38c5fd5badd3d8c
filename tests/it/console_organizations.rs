//! Organizations in the console: created, found, shown, changed, deleted; and who may do so.

use std::time::Duration;

use model::administrator::Role;

use crate::both;

both! {
    async fn an_organization_is_made_found_changed_and_deleted(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        console.page("/organizations").await.says("Create the first one");

        let made = console
            .done("/organizations/new", &[
                ("displayName", "Acme <b>Holding</b>"),
                ("externalId", "customer-7"),
                ("domains", "acme.example\r\n\r\nACME.co.uk"),
            ])
            .await;
        made.says("Organization created.").says("Acme <b>Holding</b>").says("customer-7").says("acme.co.uk");
        assert!(!made.body.contains("<b>Holding"), "names are escaped");
        let id = made.id("org_");
        // The notice of a change is shown once.
        console.page(&format!("/organizations/{id}")).await.does_not_say("Organization created.");

        for words in ["acme", "customer-7", "acme.co.uk", "hold", &id] {
            console.page(&format!("/organizations?q={words}")).await.says("Acme <b>Holding</b>");
        }
        console.page("/organizations?q=globex").await.says("Nothing here matches.").does_not_say("Acme");

        let edit = format!("/organizations/{id}/edit");
        let form = console.page(&edit).await;
        assert_eq!(form.input("externalId").as_deref(), Some("customer-7"));
        let changed = console
            .done(&edit, &[("displayName", "Acme AG"), ("externalId", ""), ("domains", "acme.example")])
            .await;
        changed.says("Organization saved.").says("Acme AG").does_not_say("customer-7").does_not_say("acme.co.uk");
        // The same page shows the entry of the audit log, with a link to the resource.
        changed.says("changed organization Acme AG");

        let delete = format!("/organizations/{id}/delete");
        console.page(&delete).await.says("Nobody of this customer can sign in any more").says("0 SAML connections");
        let refused = console.post(&delete, &[("confirm", "acme")]).await;
        assert_eq!(refused.status, 422);
        refused.says("Type Acme AG to confirm.");
        console.done(&delete, &[("confirm", " Acme AG ")]).await.says("Organization deleted.");
        assert_eq!(console.get(&format!("/organizations/{id}")).await.status, 404);
    }

    async fn errors_stand_beside_their_fields_and_what_was_typed_stays(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        console.done("/organizations/new", &[("displayName", "First"), ("externalId", "taken")]).await;

        let refused = console
            .post("/organizations/new", &[
                ("displayName", "Second \"quoted\""),
                ("externalId", "taken"),
                ("domains", "second.example"),
            ])
            .await;
        assert_eq!(refused.status, 422);
        refused.says("External ID: Another organization already has this.");
        assert!(refused.body.contains("<a href=\"#externalId\">"), "{}", refused.body);
        assert!(refused.body.contains("id=\"externalId-error\""), "{}", refused.body);
        assert_eq!(refused.input("displayName").as_deref(), Some("Second &quot;quoted&quot;"));
        assert!(refused.body.contains("second.example</textarea>"), "{}", refused.body);

        let refused =
            console.post("/organizations/new", &[("displayName", "X"), ("domains", "gmail.com")]).await;
        assert_eq!(refused.status, 422);
        refused.says("is a free-mail provider");
        console.page("/organizations").await.does_not_say("Second");
    }

    async fn pages_of_a_long_list_lead_on_and_back(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Viewer, &environment).await;
        for number in 0..60 {
            let change = ostiary::app::organizations::OrganizationChange {
                display_name: Some(format!("Customer {number:02}")),
                ..Default::default()
            };
            let operator = ostiary::app::principal::Principal::operator(environment.id);
            ostiary::app::organizations::create(&app.state, &operator, &change).await.unwrap();
            app.advance(Duration::from_millis(1));
        }
        let link = |page: &crate::support::Answer, rel: &str| {
            let (_, rest) = page.body.split_once(&format!("rel=\"{rel}\" href=\"")).expect("a link");
            rest.split_once('"').unwrap().0.replace("&amp;", "&")
        };
        let first = console.page("/organizations").await;
        first.says("Customer 59").says("Customer 35").does_not_say("Customer 34");
        let second = console.page(&link(&first, "next")).await;
        second.says("Customer 34").says("Customer 10").does_not_say("Customer 35");
        let third = console.page(&link(&second, "next")).await;
        third.says("Customer 00").does_not_say("Next");
        console.page(&link(&third, "prev")).await.says("Customer 34").does_not_say("Customer 35");
        console.page(&link(&second, "prev")).await.says("Customer 59");
        // An invalid page token is refused.
        assert_eq!(console.get("/organizations?page_token=x").await.status, 400);
    }

    async fn a_viewer_sees_everything_and_changes_nothing(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let console = app.console(Role::Viewer, &environment).await;
        let (organization, connection) = (tenant.organization.id, tenant.connection.id);
        for path in [
            "/organizations".to_owned(),
            format!("/organizations/{organization}"),
            format!("/saml-connections/{connection}"),
            "/settings".to_owned(),
            "/api-keys".to_owned(),
            "/webhooks".to_owned(),
            "/audit-events".to_owned(),
        ] {
            let page = console.page(&path).await;
            page.says("Your role here is viewer");
            for button in ["New ", ">Edit<", ">Delete<", "Create the first one"] {
                let main = page.body.split_once("<main").unwrap().1;
                assert!(!main.contains(button), "{path} offers {button}: {main}");
            }
        }
        for path in [
            "/organizations/new".to_owned(),
            format!("/organizations/{organization}/edit"),
            format!("/organizations/{organization}/delete"),
            format!("/saml-connections/{connection}/edit"),
            "/api-keys/new".to_owned(),
        ] {
            for answer in [
                console.get(&path).await,
                console.post(&path, &[("displayName", "X"), ("confirm", "Company acme.example")]).await,
            ] {
                assert_eq!(answer.status, 403, "{path}");
                answer.says("Your role does not allow this");
            }
        }
        let log = console.page("/audit-events").await;
        log.says("was refused");
        assert!(!log.text().contains("changed organization") && !log.text().contains("created"), "{}", log.text());
        let admin = app.console(Role::Admin, &environment).await;
        assert_eq!(admin.get("/settings/edit").await.status, 403, "only owners change the environment");
    }
}
