//! What is kept of the person in an assertion, and logins whose request is replaced while they are answered.

use base::secret::Digest;
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use model::login_flow::PendingRequest;
use ostiary::store::login_flows;
use reqwest::Method;
use saml::{
    identifiers::name_id_format,
    sign::{SignatureAlgorithm, sign_element},
};

use crate::{
    both,
    support::{Browser, IdentityProvider, Request, Tenant, TestApp},
};

const DANA: &str = "Dana@acme.example";

struct Fixture<'a> {
    app: &'a TestApp,
    tenant: Tenant,
    key: String,
    browser: Browser,
}

impl<'a> Fixture<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        Self { app, key: app.api_key(&environment, true).await, tenant, browser: app.browser() }
    }

    /// A login; `change` makes its response.
    async fn login(&self, change: impl FnOnce(&mut ostiary::test_idp::response::ResponseSpec)) {
        let request = self.app.begin(&self.browser, &self.key, &self.tenant).await;
        let idp = IdentityProvider::get();
        let mut spec = idp.response(&self.tenant, Some(&request.id), DANA, self.app.now());
        change(&mut spec);
        let answer = request.answer(&self.browser, &self.tenant, &idp.sign(&spec)).await;
        assert_eq!(answer.status, 303, "{answer:#?}");
    }

    /// The stored names: NameID, format, qualifiers and the id of ours, session, address, how long known.
    async fn names(&self) -> Vec<String> {
        let mut conn = self.app.state.db.read().await.unwrap();
        let rows: Vec<(String,)> = conn
            .sql(
                "SELECT subject || ' ' || COALESCE(format, '-') || ' ' || COALESCE(name_qualifier, '-') || ' ' \
                 || COALESCE(sp_name_qualifier, '-') || ' ' || COALESCE(sp_provided_id, '-') || ' ' \
                 || COALESCE(session_index, '-') || ' ' || email || ' ' || email_key || ' ' \
                 || CAST(last_login_at - created_at AS TEXT) FROM federated_identities ORDER BY created_at",
            )
            .all()
            .await
            .unwrap();
        rows.into_iter().map(|(row,)| row).collect()
    }
}

both! {
    async fn a_login_keeps_how_the_identity_provider_names_the_person(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let email = || ("mail".to_owned(), vec![DANA.to_owned()]);
        fixture.login(|spec| spec.session_index = Some("s-1".into())).await;
        app.advance(std::time::Duration::from_millis(1000));
        fixture.login(|spec| spec.session_index = Some("s-2".into())).await;
        fixture.login(|spec| {
            spec.name_id = Some("00u1".into());
            spec.name_id_format = Some(name_id_format::PERSISTENT.into());
            spec.name_id_attributes = vec![
                ("NameQualifier", "idp".into()), ("SPNameQualifier", "sp".into()), ("SPProvidedID", "7".into()),
            ];
            spec.attributes = vec![email()];
            spec.session_index = None;
        }).await;
        let expected = [
            format!("{DANA} {} - - - s-2 {DANA} dana@acme.example 1000", name_id_format::EMAIL),
            format!("00u1 {} idp sp 7 - {DANA} dana@acme.example 0", name_id_format::PERSISTENT),
        ];
        assert_eq!(fixture.names().await, expected);

        // Names for one session and endless ones are not kept.
        fixture.login(|spec| {
            spec.name_id_format = Some(name_id_format::TRANSIENT.into());
        }).await;
        fixture.login(|spec| {
            spec.name_id = Some("n".repeat(1025));
            spec.name_id_format = None;
            spec.attributes = vec![email()];
        }).await;
        assert_eq!(fixture.names().await.len(), 2);

        let path = format!("/v1/saml-connections/{}", fixture.tenant.connection.id);
        assert_eq!(app.api(&fixture.key, Method::DELETE, &path, None).await.status, 200);
        assert!(fixture.names().await.is_empty(), "they are removed with their connection");
    }

    async fn people_whom_an_attribute_names_are_not_one_identity_for_want_of_a_name_id(app: TestApp) {
        let mut fixture = Fixture::new(&app).await;
        fixture.tenant.connection.email_attribute = Some("mail".to_owned());
        app.update_connection(&fixture.tenant.connection).await;
        let idp = IdentityProvider::get();
        for person in ["dana@acme.example", "eve@acme.example"] {
            let request = app.begin(&fixture.browser, &fixture.key, &fixture.tenant).await;
            let mut spec = idp.response(&fixture.tenant, Some(&request.id), person, app.now());
            spec.attributes = vec![("mail".to_owned(), vec![person.to_owned()])];
            let xml = spec.unsigned();
            let (before, rest) = xml.split_once("<saml:NameID").unwrap();
            let (_, after) = rest.split_once("</saml:NameID>").unwrap();
            let (keys, algorithm) = (&idp.keys, SignatureAlgorithm::RsaSha256);
            let signed = sign_element(&[before, after].concat(), &spec.assertion_id, &keys.key, &keys.certificate, algorithm);
            let answer = request.answer(&fixture.browser, &fixture.tenant, &BASE64.encode(signed.unwrap())).await;
            assert_eq!(answer.status, 303, "{answer:#?}");
        }
        assert!(fixture.names().await.is_empty(), "{:?}", fixture.names().await);
    }

    async fn an_answer_to_a_request_that_is_being_replaced_is_refused(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let request: Request = app.begin(&fixture.browser, &fixture.key, &fixture.tenant).await;
        let idp = IdentityProvider::get();
        let response = idp.sign(&idp.response(&fixture.tenant, Some(&request.id), DANA, app.now()));
        // Another browser opens the link; its transaction has not ended when the answer comes.
        let mut tx = app.state.db.write().await.unwrap();
        let connection = fixture.tenant.connection.id;
        let flow = login_flows::find_by_request(&mut tx, connection.into(), &request.id).await.unwrap().unwrap();
        let pending = flow.request.unwrap();
        let replaced = PendingRequest { id: "_other".into(), browser: Digest::of("other"), expires_at: pending.expires_at };
        assert!(login_flows::update_request(&mut tx, flow.id, &replaced, app.now()).await.unwrap());
        let writes = app.state.db.requested_writes();
        let answer = request.answer(&fixture.browser, &fixture.tenant, &response);
        let release = async {
            app.write_blocked(writes).await;
            tx.commit().await.unwrap();
        };
        let (answer, ()) = tokio::join!(answer, release);
        assert_eq!(answer.reason(), Some("request_already_used"), "{}", answer.body);
        let mut conn = app.state.db.read().await.unwrap();
        let flow = login_flows::find_by_request(&mut conn, connection.into(), "_other").await.unwrap().unwrap();
        assert!(flow.answered_at.is_none() && flow.email.is_none());
    }
}
