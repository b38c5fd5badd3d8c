//! Environments, API keys and OAuth clients in the console, and the audit log of all of it.

use model::administrator::Role;
use reqwest::Method;

use crate::both;

both! {
    async fn an_environment_is_made_by_an_owner_of_everything_changed_and_deleted(app: TestApp) {
        let environment = app.environment("prod").await;
        let owner = app.console(Role::Owner, &environment).await;
        owner.page("/console").await.does_not_say("New environment");
        assert_eq!(owner.get("/console/environments/new").await.status, 403);

        let everywhere = app.administrator(Role::Owner, None).await;
        let home = everywhere.get(&app.url("/console")).await;
        home.says("New environment");
        let token = home.input("form_token").unwrap();
        let url = app.url("/console/environments/new");
        let refused = everywhere.post(&url, &[("form_token", &token), ("slug", "Staging!"), ("displayName", "Staging")]).await;
        assert_eq!(refused.status, 422);
        refused.says("Slug: Must be 1 to 63 lower-case letters");
        assert_eq!(refused.input("slug").as_deref(), Some("Staging!"));
        let made = everywhere
            .post(&url, &[
                ("form_token", &token),
                ("slug", "staging"),
                ("displayName", "Staging"),
                ("oauthRedirectUris", "https://a.example/cb\r\nhttps://b.example/cb"),
                ("idpInitiated", "REFUSE"),
            ])
            .await;
        let page = everywhere.get(made.location().as_str()).await;
        page.says("Environment created.").says("https://b.example/cb").says("Refuse them");

        let id = made.id("env_");
        let delete = app.url(&format!("/console/{id}/delete"));
        let deleted = everywhere.post(&delete, &[("form_token", &token), ("confirm", "Staging")]).await;
        assert_eq!(deleted.location().path(), "/console");
        everywhere.get(deleted.location().as_str()).await.says("Environment deleted.").does_not_say("Staging");

        // An environment with organizations is not deleted.
        app.tenant(&environment, "acme.example").await;
        let kept = owner.post("/delete", &[("confirm", "Environment prod")]).await;
        assert_eq!(kept.status, 422);
        kept.says("This environment still has organizations; delete them first.");
        owner
            .done("/settings/edit", &[("slug", "prod"), ("displayName", "Production"), ("redirectUrl", ""), ("idpInitiated", "ALLOW")])
            .await
            .says("Environment saved.")
            .says("Not set: logins through the REST API end on a page");
    }

    async fn an_api_key_is_shown_once_works_and_is_deleted(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        let made = console.post("/api-keys/new", &[("displayName", "backend <1>"), ("hasManagementApiAccess", "true")]).await;
        assert_eq!(made.status, 200, "{}", made.body);
        made.says("it is not shown again").says("backend <1>");
        let secret = made.secret();
        assert_eq!(app.api(&secret, Method::GET, "/v1/organizations", None).await.status, 200);
        let list = console.page("/api-keys").await;
        list.says("backend <1>").says("sign in and manage");
        assert!(!list.body.contains(&secret), "a secret is shown once");

        let id = list.first_id("api_key_");
        let delete = format!("/api-keys/{id}/delete");
        console.page(&delete).await.says("It was last used");
        assert_eq!(console.post(&delete, &[("confirm", "backend")]).await.status, 422);
        console.done(&delete, &[("confirm", "backend <1>")]).await.says("API key deleted.");
        assert_eq!(app.api(&secret, Method::GET, "/v1/organizations", None).await.status, 401);

        let login = console.post("/api-keys/new", &[("displayName", ""), ("hasManagementApiAccess", "")]).await.secret();
        assert_eq!(app.api(&login, Method::GET, "/v1/organizations", None).await.status, 401);
    }

    async fn an_oauth_client_is_made_shown_changed_given_a_secret_and_deleted(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        let refused = console
            .post("/oauth-clients/new", &[("displayName", "App"), ("idTokenAlg", "none"), ("initiateLoginUri", "")])
            .await;
        assert_eq!(refused.status, 422);
        refused.says("Must be RS256, ES256 or EdDSA.");
        let made = console
            .post("/oauth-clients/new", &[("displayName", "App"), ("idTokenAlg", "ES256"), ("initiateLoginUri", "")])
            .await;
        let first = made.secret();
        let id = made.first_id("saml_oauth_client_");
        let page = console.page(&format!("/oauth-clients/{id}")).await;
        page.says("signed with ES256").says("import NextAuth").says("https://prod.app.example/oauth/callback");
        assert!(!page.body.contains(&first));

        let rotate = format!("/oauth-clients/{id}/rotate");
        console.page(&rotate).await.says("The present secret stops working at once");
        let second = console.post(&rotate, &[]).await.secret();
        assert_ne!(first, second);
        let token = async |secret: &str| {
            let request = app.browser().request(Method::POST, &app.url("/v1/oauth/token")).basic_auth(&id, Some(secret));
            let body = "grant_type=authorization_code&code=x&redirect_uri=https://prod.app.example/oauth/callback";
            let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
            app.browser().send(request).await.json()["error"].clone()
        };
        assert_eq!(token(&first).await, "invalid_client");
        assert_eq!(token(&second).await, "invalid_grant", "the new secret is known; the code is not");

        console
            .done(&format!("/oauth-clients/{id}/edit"), &[("displayName", "Other"), ("idTokenAlg", "RS256"), ("initiateLoginUri", "https://app.example/start")])
            .await
            .says("OAuth client saved.")
            .says("https://app.example/start");
        console.done(&format!("/oauth-clients/{id}/delete"), &[("confirm", "Other")]).await.says("OAuth client deleted.");
        assert_eq!(token(&second).await, "invalid_client");
    }

    async fn the_audit_log_tells_who_did_what_and_is_exported(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        let id = console.done("/organizations/new", &[("displayName", "Acme")]).await.id("org_");
        app.advance(std::time::Duration::from_millis(5));
        console.done(&format!("/organizations/{id}/edit"), &[("displayName", "Acme <AG>")]).await;
        app.advance(std::time::Duration::from_millis(5));
        let secret = console.post("/api-keys/new", &[("displayName", "backend"), ("scope", "login")]).await.secret();

        let log = console.page("/audit-events").await;
        log.says("created API key backend").says("changed organization Acme <AG>").says("created organization");
        log.says("displayName Acme Acme <AG>").says("admin-").says("from 127.0.0.1");
        console.page("/audit-events?action=organization.updated").await.says("changed organization").does_not_say("API key");
        console.page(&format!("/audit-events?organizationId={id}")).await.says("created organization").does_not_say("API key");
        console.page("/audit-events?targetId=org_nobody").await.says("Nothing here matches.");
        console.page("/audit-events?until=2000-01-01").await.says("Nothing here matches.");
        let wrong = console.get("/audit-events?since=yesterday").await;
        assert_eq!(wrong.status, 422);
        wrong.says("since: Must be a day such as 2026-11-21.");

        let export = console.page("/audit-events/export").await;
        assert_eq!(export.header("content-type"), "application/x-ndjson");
        assert!(export.header("content-disposition").starts_with("attachment; filename=\"audit-prod-"));
        let lines: Vec<serde_json::Value> = export.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let actions: Vec<_> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["api_key.created", "organization.updated", "organization.created"]);
        assert_eq!(lines[1]["before"]["displayName"], "Acme");
        assert_eq!(lines[1]["after"]["displayName"], "Acme <AG>");
        assert!(!export.body.contains(&secret), "no secret is in the log");
    }
}
