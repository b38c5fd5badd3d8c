//! SAML connections and SCIM directories in the console.

use std::time::Duration;

use model::administrator::Role;
use reqwest::Method;

use crate::{
    both,
    support::{IdentityProvider, TestApp, console::seen_in},
};

/// The metadata that the identity provider of the tests would publish.
fn metadata(idp: &IdentityProvider) -> String {
    let pem = idp.keys.certificate_pem().expect("a certificate");
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    format!(
        r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{}"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{base64}</X509Certificate></X509Data></KeyInfo></KeyDescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{}"/></IDPSSODescriptor></EntityDescriptor>"#,
        idp.entity_id, idp.sso_url
    )
}

/// The status of a SCIM request with this token.
async fn token_status(app: &TestApp, directory: &str, token: &str) -> u16 {
    let browser = app.browser();
    let request = browser.request(Method::GET, &app.url(&format!("/v1/scim/{directory}/Users")));
    browser.send(request.bearer_auth(token)).await.status.as_u16()
}

both! {
    async fn a_connection_is_made_from_metadata_seen_changed_and_deleted(app: TestApp) {
        let idp = IdentityProvider::get();
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let console = app.console(Role::Admin, &environment).await;
        let new = format!("/organizations/{}/saml-connections/new", tenant.organization.id);
        console.page(&new).await.says("Metadata URL").says("Or by single values");

        let hostile = br#"<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><EntityDescriptor>&e;</EntityDescriptor>"#;
        let refused = console.upload(&new, &[("idpEntityId", "typed <before>")], ("idpMetadata", "idp.xml", hostile)).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert_eq!(refused.input("idpEntityId").as_deref(), Some("typed &lt;before&gt;"));
        assert!(refused.body.contains("id=\"idpMetadata-error\""), "{}", refused.body);

        let made = console.upload(&new, &[("idpEntityId", ""), ("idpRedirectUrl", ""), ("idpCertificate", ""), ("idpMetadataUrl", "")], ("idpMetadata", "idp.xml", metadata(idp).as_bytes())).await;
        assert_eq!(made.status, 303, "{}", made.body);
        let id = made.id("saml_conn_");
        let page = console.browser.get(made.location().as_str()).await;
        page.says("SAML connection created.").says("Ready").says(&idp.entity_id).says("REDIRECT").says("valid until");
        page.says(&app.url(&format!("/v1/saml/{id}/acs"))).says(&app.url(&format!("/v1/saml/{id}/metadata")));
        page.says("No metadata URL is set");

        let edit = format!("/saml-connections/{id}/edit");
        let refused = console.post(&edit, &[("idpEntityId", "x"), ("idpRedirectUrl", "javascript:alert(1)"), ("idpBinding", "POST")]).await;
        assert_eq!(refused.status, 422);
        refused.says("Sign-on address: Must be an absolute http or https URL");
        let certificate = idp.keys.certificate_pem().unwrap().replace('\n', "\r\n");
        let changed = console
            .done(&edit, &[
                ("idpMetadataUrl", ""),
                ("idpEntityId", "https://other.example/idp"),
                ("idpRedirectUrl", "https://other.example/sso"),
                ("idpCertificate", &certificate),
                ("idpBinding", "POST"),
                ("idpInitiated", "ALLOW"),
                ("emailAttribute", "mail"),
                ("allowSha1", "true"),
                ("assertionEncryption", "true"),
            ])
            .await;
        changed.says("SAML connection saved.").says("https://other.example/sso").says("from the attribute mail");
        changed.says("Certificate to encrypt assertions to").says("other.example");
        let stored = app.state.db.read().await.unwrap();
        let mut stored = stored;
        let found = ostiary::store::table::find::<model::saml_connection::SamlConnection>(&mut stored, environment.id, id.parse().unwrap()).await.unwrap().unwrap();
        assert!(found.allow_sha1 && found.assertion_encryption && !found.force_authn && !found.primary);
        assert_eq!(found.idp_certificates.len(), 1);
        drop(stored);

        // New metadata in the form of an existing connection wins over the old values in the other fields.
        let again = console
            .upload(&edit, &[
                ("idpMetadataUrl", ""),
                ("idpEntityId", "https://other.example/idp"),
                ("idpRedirectUrl", "https://other.example/sso"),
                ("idpCertificate", &certificate),
                ("idpBinding", "POST"),
                ("idpInitiated", ""),
                ("emailAttribute", ""),
            ], ("idpMetadata", "idp.xml", metadata(idp).replace("https://idp.example", "https://renamed.example").as_bytes()))
            .await;
        assert_eq!(again.status, 303, "{}", again.body);
        console.page(&format!("/saml-connections/{id}")).await.says("https://renamed.example/metadata");

        let delete = format!("/saml-connections/{id}/delete");
        let asked = console.page(&delete).await;
        asked.says("Company acme.example");
        console.done(&delete, &[("confirm", "renamed.example")]).await.says("SAML connection deleted.").says("Company acme.example");
        assert_eq!(console.get(&format!("/saml-connections/{id}")).await.status, 404);
    }

    async fn an_empty_connection_tells_what_is_missing(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let console = app.console(Role::Admin, &environment).await;
        let new = format!("/organizations/{}/saml-connections/new", tenant.organization.id);
        let made = console.done(&new, &[]).await;
        made.says("Nobody can sign in through it yet");
        made.says("its entity ID, its sign-on address and its signing certificate");
        made.does_not_say("Test login");
    }

    async fn a_directory_is_made_given_tokens_changed_and_deleted(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let console = app.console(Role::Admin, &environment).await;
        let made = console.post(&format!("/organizations/{}/scim-directories/new", tenant.organization.id), &[]).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let id = made.first_id("scim_directory_");
        let first = made.secret();
        assert_eq!(token_status(&app, &id, &first).await, 200);

        let path = format!("/scim-directories/{id}");
        let page = console.page(&path).await;
        page.says("Directory of Company acme.example").says(&app.url(&format!("/v1/scim/{id}"))).says("current");
        assert!(!page.body.contains(&first));
        app.advance(Duration::from_secs(1));
        let second = console.post(&format!("{path}/rotate"), &[("overlapSeconds", "86400")]).await.secret();
        assert_eq!((token_status(&app, &id, &first).await, token_status(&app, &id, &second).await), (200, 200));
        let page = console.page(&path).await;
        page.says("replaced, works until");
        let end = format!("{path}/end-overlap");
        let version = seen_in(&page, &end)[0].1.clone();
        console.done(&end, &[("version", &version)]).await.says("Replaced tokens ended.").does_not_say("replaced, works");
        assert_eq!((token_status(&app, &id, &first).await, token_status(&app, &id, &second).await), (401, 200));
        let refused = console.post(&format!("{path}/rotate"), &[("overlapSeconds", "999999999")]).await;
        assert!(refused.status == 422 || refused.status == 400, "{}", refused.status);

        console
            .done(&format!("{path}/edit"), &[("primary", "true"), ("refuseInactiveLogins", ""), ("requireProvisionedLogins", "true")])
            .await
            .says("SCIM directory saved.")
            .says("Let in only people it knows yes")
            .says("inactive no");
        let delete = format!("{path}/delete");
        console.page(&delete).await.says("Logins are no longer checked against it");
        assert_eq!(console.post(&delete, &[("confirm", "no")]).await.status, 422);
        console.done(&delete, &[("confirm", "Company acme.example")]).await.says("SCIM directory deleted.");
        assert_eq!(token_status(&app, &id, &second).await, 404);
    }
}
