//! The customer's identity provider: keys generated once per test run, and responses of any kind.

use std::sync::OnceLock;

use base::time::{Clock, SystemClock, Timestamp};
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use ostiary::test_idp::response::{ResponseContext, ResponseSpec};
use saml::{
    binding::inflate,
    key_pair::{KeyKind, KeyPair},
};

use super::{Answer, Browser, Tenant, query, random};

/// An identity provider.
pub struct IdentityProvider {
    pub entity_id: String,
    pub sso_url: String,
    pub keys: KeyPair,
}

impl IdentityProvider {
    /// The one that tenants of the tests trust.
    pub fn get() -> &'static Self {
        static IDP: OnceLock<IdentityProvider> = OnceLock::new();
        IDP.get_or_init(|| Self::named("https://idp.example/metadata"))
    }

    /// Another one with the same entity id, whose key no tenant trusts.
    pub fn other() -> &'static Self {
        static IDP: OnceLock<IdentityProvider> = OnceLock::new();
        IDP.get_or_init(|| Self::named("https://idp.example/metadata"))
    }

    fn named(entity_id: &str) -> Self {
        let keys = KeyPair::generate(
            KeyKind::Rsa(2048),
            "Identity provider of the tests",
            SystemClock.now(),
            random(),
        );
        Self {
            entity_id: entity_id.to_owned(),
            sso_url: "https://idp.example/sso?tenant=1".to_owned(),
            keys: keys.expect("a key pair"),
        }
    }

    /// A valid response for `name_id`, which may be changed before it is signed.
    pub fn response(
        &self,
        tenant: &Tenant,
        in_response_to: Option<&str>,
        name_id: &str,
        now: Timestamp,
    ) -> ResponseSpec {
        let context = ResponseContext {
            idp_entity_id: &self.entity_id,
            sp_entity_id: &tenant.connection.sp_entity_id,
            acs_url: tenant.acs_url(),
            in_response_to,
        };
        ResponseSpec::valid(&context, name_id, now, random())
    }

    /// Signs a response, as the form field's value.
    pub fn sign(&self, spec: &ResponseSpec) -> String {
        spec.build_base64(&self.keys.key, &self.keys.certificate, random()).expect("a signed response")
    }
}

/// An AuthnRequest, read from the page or the redirect to the identity provider.
#[derive(Debug, Clone)]
pub struct Request {
    pub id: String,
    pub xml: String,
    pub destination: String,
    pub relay_state: Option<String>,
}

impl Request {
    pub fn read(answer: &Answer) -> Self {
        let (xml, destination, relay_state) = match answer.status.as_u16() {
            200 => {
                let form = answer.form();
                let request =
                    form.field("SAMLRequest").unwrap_or_else(|| panic!("no SAMLRequest in {answer:#?}"));
                let xml = BASE64.decode(request).expect("base64");
                (xml, form.action.clone(), form.field("RelayState").map(str::to_owned))
            }
            303 => {
                let url = answer.location();
                let request = query(&url, "SAMLRequest").unwrap_or_else(|| panic!("no SAMLRequest in {url}"));
                let xml = inflate(&BASE64.decode(request).expect("base64"), 100_000).expect("deflated XML");
                (xml, url.as_str().to_owned(), query(&url, "RelayState"))
            }
            _ => panic!("no request for an identity provider: {answer:#?}"),
        };
        let xml = String::from_utf8(xml).expect("UTF-8");
        let (_, rest) = xml.split_once(" ID=\"").expect("an ID");
        let id = rest.split_once('"').expect("an ID").0.to_owned();
        Self { id, xml, destination, relay_state }
    }

    /// Posts a response to this request from `browser`, with the RelayState.
    pub async fn answer(&self, browser: &Browser, tenant: &Tenant, saml_response: &str) -> Answer {
        let mut fields = vec![("SAMLResponse", saml_response)];
        if let Some(relay_state) = &self.relay_state {
            fields.push(("RelayState", relay_state));
        }
        browser.post(tenant.acs_url(), &fields).await
    }
}
