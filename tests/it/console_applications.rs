//! Applications and service clients in the console: made, given a new secret, switched off, deleted.

use model::administrator::Role;

use crate::{both, support::tokens::Client};

/// The text between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).expect("a text").0
}

/// The client that a page with its secret shows.
fn shown(body: &str) -> Client {
    let word = |prefix: &str| {
        let at = body.find(prefix).unwrap_or_else(|| panic!("{prefix} is not in {body}"));
        let end = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '/');
        body[at..].split(end).next().unwrap_or_default().to_owned()
    };
    let secret = word("app_secret_");
    // The address of its own page.
    let id = word("/applications/app_").trim_start_matches("/applications/").to_owned();
    Client { id: id.parse().expect("an id"), secret }
}

const SYSTEM: &str = "/prod/system/oauth2/token";

both! {
    async fn a_service_client_is_made_and_its_secret_is_shown_once(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        console.page("/applications").await.says("New service client");
        // Nothing chosen, nothing made.
        let new = "/applications/new-service-client";
        console.page(new).await.says("manage_organizations");
        let refused = console.post(new, &[("displayName", "Provisioning"), ("signingAlg", "ES256")]).await;
        assert_eq!(refused.status, 422);
        refused.says("Choose at least one");
        let unnamed = console.post(new, &[("displayName", ""), ("scopes", "identity"), ("signingAlg", "ES256")]).await;
        assert_eq!(unnamed.status, 422);
        let fields = [("displayName", "Provisioning"), ("scopes", "manage_organizations"), ("scopes", "identity"), ("signingAlg", "ES256")];
        let made = console.post(new, &fields).await;
        assert_eq!(made.status, 200, "{}", made.text());
        assert_eq!(made.header("cache-control"), "no-store");
        let client = shown(&made.body);
        assert_eq!(app.ask_token(SYSTEM, &client, None).await.json()["scope"], "manage_organizations identity");
        let at = format!("/applications/{}", client.id);
        let page = console.page(&at).await;
        page.says("Provisioning").says("/prod/system/oauth2/token");
        assert!(!page.body.contains(&client.secret));
        console.page("/applications").await.says("Provisioning").says("Service client");
        console.page("/audit-events").await.says("Provisioning");
        // Another secret, beside the first for an hour; then at once.
        console.page(&format!("{at}/rotate")).await.says("stays good for");
        let version = |body: &str| between(body, "name=\"version\" value=\"", "\"").to_owned();
        let seen = version(&console.page(&format!("{at}/rotate")).await.body);
        let newer = shown(&console.post(&format!("{at}/rotate"), &[("version", &seen), ("overlapSeconds", "3600")]).await.body);
        assert_eq!(app.ask_token(SYSTEM, &client, None).await.status, 200);
        assert_eq!(app.ask_token(SYSTEM, &newer, None).await.status, 200);
        console.page(&at).await.says("Replaced secret");
        // A page that was open meanwhile makes none.
        let late = console.post(&format!("{at}/rotate"), &[("version", &seen), ("overlapSeconds", "0")]).await;
        late.says("No secret was made");
        // Switched off, and away.
        let edit = console.page(&format!("{at}/edit")).await;
        let seen = version(&edit.body);
        let fields = [("version", &*seen), ("displayName", "Provisioning"), ("scopes", "identity"), ("signingAlg", "ES256"), ("disabled", "true")];
        assert_eq!(console.post(&format!("{at}/edit"), &fields).await.status, 303);
        assert_eq!(app.ask_token(SYSTEM, &newer, None).await.status, 400);
        console.page(&at).await.says("is switched off");
        assert_eq!(console.post(&format!("{at}/delete"), &[("confirm", "Provisioning")]).await.status, 303);
        assert_eq!(app.ask_token(SYSTEM, &newer, None).await.status, 401);
        assert_eq!(console.get(&at).await.status, 404);
    }

    async fn applications_of_every_kind_are_made_and_a_public_one_has_no_secret(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        let new = "/applications/new";
        let made = console.post(new, &[("displayName", "Billing"), ("kind", "service"), ("scopes", "invoices.read\r\ninvoices.write"), ("signingAlg", "RS256")]).await;
        let client = shown(&made.body);
        let answer = app.ask_token("/prod/root/oauth2/token", &client, None).await;
        assert_eq!(answer.json()["scope"], "invoices.read invoices.write");
        let fields = [("displayName", "Portal"), ("kind", "public"), ("redirectUris", "https://a.example/cb"), ("origins", "https://a.example"), ("signingAlg", "ES256")];
        let public = console.post(new, &fields).await;
        assert_eq!(public.status, 200, "{}", public.text());
        assert!(!public.body.contains("app_secret_"), "{}", public.text());
        let bad = console.post(new, &[("displayName", "x"), ("kind", "web"), ("redirectUris", "http://a.example/cb"), ("signingAlg", "ES256")]).await;
        assert_eq!(bad.status, 422);
        bad.says("Must begin with https://");
        assert_eq!(console.post(new, &[("displayName", "x"), ("kind", "saml"), ("signingAlg", "ES256")]).await.status, 422);
        console.page("/applications").await.says("Billing").says("Portal").says("Public app");
        // Who may only look is not offered any of it.
        let viewer = app.console(Role::Viewer, &environment).await;
        viewer.page("/applications").await.says("Billing").does_not_say("New application");
        assert_eq!(viewer.get("/applications/new-service-client").await.status, 403);
    }

    async fn what_an_application_may_is_chosen_shown_and_explained(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.console(Role::Admin, &environment).await;
        let form = console.page("/applications/new").await;
        form.says("Users, in an organization").says("Add and invite users").says("counts in it alone");
        let fields = [
            ("displayName", "B2B App"), ("kind", "service"), ("grantTypes", "client_credentials"), ("grantTypes", "organization_switch"),
            ("scopes", "internal_org_user_mgt_create"), ("scopes", "orders:read\r\norders:write"), ("roleAudience", "application"),
            ("signingAlg", "ES256"),
        ];
        let made = console.post("/applications/new", &fields).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let at = format!("/applications/{}", shown(&made.body).id);
        let page = console.page(&at).await;
        page.says("organization_switch").says("orders:write").says("Add and invite users").says("they count in this application alone");
        // Where its tokens come from: of its own people, and of an organization's.
        page.says(&app.url("/prod/root/.well-known/openid-configuration")).says(&app.url("/prod/{organization}"));
        // What is on the form is what it has.
        let edit = console.page(&format!("{at}/edit")).await;
        assert!(edit.body.contains("value=\"internal_org_user_mgt_create\" checked"), "{}", edit.body);
        assert!(edit.body.contains("orders:read\norders:write</textarea>"), "{}", edit.body);
        let organization = app.tenant(&environment, "acme.example").await.organization.id;
        let segment = format!("/prod/{:032x}", organization.bits());
        let page = console.page(&format!("/organizations/{organization}")).await;
        for rest in ["/account", "/admin", "/.well-known/openid-configuration"] {
            let address = app.url(&format!("{segment}{rest}"));
            assert!(page.body.contains(&format!("data-copy=\"{address}\"")), "{address}: {}", page.body);
        }
        assert_eq!(app.browser().get(&app.url(&format!("{segment}/.well-known/openid-configuration"))).await.status, 200);
        // All are all: one is not taken out.
        let sharing = format!("{at}/sharing");
        let shared = console.done(&sharing, &[("shared", "all")]).await;
        shared.says("Company acme.example");
        assert!(!shared.body.contains("End<"), "{}", shared.body);
        let refused = console.post(&sharing, &[("remove", &organization.to_string())]).await;
        assert_eq!(refused.status, 422);
        refused.says("cannot be taken from a single one").does_not_say("Organizations that do not have it");
        // What a program took out is seen.
        console.done(&sharing, &[("shared", "existing")]).await;
        let ended = console.done(&sharing, &[("remove", &organization.to_string())]).await;
        ended.says("Organizations that do not have it").says("No organization has it.");
        console.done(&sharing, &[("shared", "existing")]).await.does_not_say("Organizations that do not have it");
    }
}
