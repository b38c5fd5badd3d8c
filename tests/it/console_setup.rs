//! The console's pages for a customer's IT admin: domains, setup links, branding, and a
//! test of the connection.

use model::administrator::Role;

use crate::{
    both,
    support::{IdentityProvider, Request},
};

/// A picture of one pixel.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82";

both! {
    async fn a_domain_waits_until_it_is_approved_and_is_taken_out(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let console = app.console(Role::Admin, &environment).await;
        let domains = format!("/organizations/{}/domains", tenant.organization.id);
        let refused = console.post(&domains, &[("domain", "not a domain")]).await;
        assert_eq!(refused.status, 422);
        assert_eq!(refused.input("domain").as_deref(), Some("not a domain"));
        let added = console.done(&domains, &[("domain", "Labs.acme-two.example")]).await;
        added.says("Domain added.").says("Waits for approval or proof").says("sso-domain-verification=");
        added.says("_sso-challenge.labs.acme-two.example");
        let path = format!("{domains}/labs.acme-two.example");
        console.done(&format!("{path}/approve"), &[]).await.says("Domain approved.").says("Counts: you approved it");
        console.page(&format!("/organizations/{}", tenant.organization.id)).await.says("labs.acme-two.example");
        let shown = console.page(&path).await;
        shown.says("Lead people to this organization").does_not_say("Make users members");
        let saved = console.done(&path, &[("routingEnabled", "")]).await;
        saved.says("Domain saved.");
        assert!(!app.organization_domain(environment.id, "labs.acme-two.example").await.routing_enabled);
        let delete = format!("{path}/delete");
        console.page(&delete).await.says("can no longer sign in to Company acme.example");
        let gone = console.done(&delete, &[("confirm", "labs.acme-two.example")]).await;
        // The latest changes below still name it, without a link.
        assert!(!gone.body.contains(&format!("{path}\"")), "{}", gone.body);
        assert_eq!(console.get(&path).await.status, 404);
    }

    async fn a_setup_link_is_shown_once_listed_and_revoked(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let console = app.console(Role::Admin, &environment).await;
        let links = format!("/organizations/{}/setup-links", tenant.organization.id);
        console.page(&links).await.says("Create a link");
        let nothing = console.post(&format!("{links}/new"), &[("lifetimeSeconds", "86400")]).await;
        assert_eq!(nothing.status, 422, "{}", nothing.body);
        nothing.says("at least one of the three");
        let made = console
            .post(&format!("{links}/new"), &[
                ("canManageSaml", "true"),
                ("canManageDomains", "true"),
                ("lifetimeSeconds", "86400"),
            ])
            .await;
        assert_eq!(made.status, 200, "{}", made.body);
        made.says("can set up SAML and domains of Company acme.example");
        let address = made.secret();
        assert!(address.starts_with(&app.url("/setup")), "{address}");
        let list = console.page(&links).await;
        list.says("SAML and domains").says("waits to be opened");
        let token = address.rsplit(['=', '/']).next().unwrap().to_owned();
        assert!(!list.body.contains(&token), "a link is shown once");
        let id = list.first_id("setup_link_");
        console.done(&format!("/setup-links/{id}/revoke"), &[]).await.says("Setup link revoked.").does_not_say("waits to be opened");
        console.page("/audit-events").await.says("revoked setup link").says("created setup link");
    }

    async fn branding_is_kept_and_a_logo_is_a_picture(app: TestApp) {
        let environment = app.environment("prod").await;
        let owner = app.console(Role::Owner, &environment).await;
        let refused = owner.post("/branding", &[("applicationName", "Ledger <b>line</b>"), ("accentColor", "blue")]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.body.contains("id=\"accentColor-error\""), "{}", refused.body);
        assert_eq!(refused.input("accentColor").as_deref(), Some("blue"));

        let fields = [("applicationName", "Ledger <b>line</b>"), ("accentColor", "#1f4fc4"), ("returnUrl", ""), ("supportContact", "it@ledgerline.example")];
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
        let refused = owner.upload("/branding", &fields, ("logo", "logo.png", svg)).await;
        assert_eq!(refused.status, 422);
        refused.says("no SVG: it can hold script");
        let saved = owner.upload("/branding", &fields, ("logo", "logo.png", PNG)).await;
        assert_eq!(saved.status, 303, "{}", saved.body);
        let page = owner.page("/branding").await;
        page.says("Branding saved.").says("Present logo");
        let preview = owner.page("/branding/preview").await;
        preview.says("Ledger <b>line</b>").says("it@ledgerline.example");
        assert!(!preview.body.contains("<b>line"), "{}", preview.body);
        for address in [preview.attribute("<img class=\"logo\" src"), preview.attribute("<main id=\"content\" class=\"page narrow\"><link rel=\"stylesheet\" href")] {
            let file = app.browser().get(&app.url(&address)).await;
            assert_eq!(file.status, 200, "{address}");
        }
        let admin = app.console(Role::Admin, &environment).await;
        admin.page("/branding").await.says("Owners of the environment can change it.");
        assert_eq!(admin.post("/branding", &[("applicationName", "X")]).await.status, 403);
        owner.done("/branding", &[("applicationName", ""), ("accentColor", ""), ("removeLogo", "true")]).await.does_not_say("Present logo");
    }

    async fn a_test_login_goes_to_the_identity_provider_and_ends_on_its_timeline(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let console = app.console(Role::Admin, &environment).await;
        let path = format!("/saml-connections/{}", tenant.connection.id);
        let page = console.page(&path).await;
        page.says("Test login");
        // Its form goes to another site, by a redirect or a page that posts.
        assert!(!page.header("content-security-policy").contains("form-action"));
        let begun = console.post(&format!("{path}/test"), &[]).await;
        let request = Request::read(&begun);
        let idp = IdentityProvider::get();
        let response = idp.sign(&idp.response(&tenant, Some(&request.id), "dana@acme.example", app.now()));
        let answered = request.answer(&console.browser, &tenant, &response).await;
        assert_eq!(answered.status, 303, "{}", answered.body);
        let flow = answered.location();
        assert!(flow.path().starts_with(&format!("/console/{}/flows/saml_flow_", environment.id)), "{flow}");
        console.page(flow.path()).await.says("dana@acme.example");
        let viewer = app.console(Role::Viewer, &environment).await;
        viewer.page(&path).await.does_not_say("Test login");
        assert_eq!(viewer.post(&format!("{path}/test"), &[]).await.status, 403);
    }
}
