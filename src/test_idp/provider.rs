//! The test identity provider: its keys and users, and the service providers that it answers.

use std::{future::Future, pin::Pin, sync::Arc};

use base::{random::Random, time::Clock};
use saml::key_pair::KeyPair;
use test_idp_protocol::parties::{ServiceProvider, TestUser};

use crate::links::Links;

/// The test identity provider. It signs anyone in as any user, so it is for tests only.
pub struct TestIdp {
    /// Its signing key and certificate.
    pub keys: KeyPair,
    /// The addresses of the server that serves it.
    pub links: Links,
    /// The users on its list.
    pub users: Vec<TestUser>,
    /// The service providers that it answers.
    pub service_providers: Arc<dyn ServiceProviders>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub random: Arc<dyn Random>,
}

/// What [`ServiceProviders::list`] returns.
pub type ServiceProvidersFuture<'a> = Pin<Box<dyn Future<Output = Vec<ServiceProvider>> + Send + 'a>>;

/// Lists the service providers: the connections that are marked as tests.
pub trait ServiceProviders: Send + Sync {
    /// All of them at present.
    fn list(&self) -> ServiceProvidersFuture<'_>;
}

impl ServiceProviders for Vec<ServiceProvider> {
    fn list(&self) -> ServiceProvidersFuture<'_> {
        Box::pin(std::future::ready(self.clone()))
    }
}

impl TestIdp {
    /// Its entity id: the address of its metadata.
    pub fn entity_id(&self) -> String {
        self.links.test_idp_metadata().into()
    }

    /// Its single sign-on address.
    pub fn sso_url(&self) -> String {
        self.links.test_idp_sso().into()
    }

    /// The service provider to answer at `acs_url`. Only connections that are marked as tests are answered:
    /// this identity provider signs any content, so an answer to others could forge logins.
    pub async fn service_provider(&self, entity_id: &str, acs_url: Option<&str>) -> Option<ServiceProvider> {
        let known = self.service_providers.list().await;
        let found = match acs_url {
            Some(url) => known
                .iter()
                .find(|sp| sp.acs_url == url && sp.sp_entity_id == entity_id)
                .or_else(|| known.iter().find(|sp| sp.acs_url == url)),
            None => known.iter().find(|sp| sp.sp_entity_id == entity_id),
        };
        found.map(|found| ServiceProvider { sp_entity_id: entity_id.to_owned(), ..found.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{
        random::SeededRandom,
        time::{ManualClock, Timestamp},
    };
    use saml::key_pair::KeyKind;

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

    fn sp() -> ServiceProvider {
        ServiceProvider {
            name: "Acme".into(),
            sp_entity_id: "https://sp.example/saml".into(),
            acs_url: "https://sp.example/acs".into(),
            encryption_certificate: None,
            domains: vec!["acme.example".into()],
        }
    }

    fn idp() -> TestIdp {
        TestIdp {
            keys: KeyPair::generate(KeyKind::P256, "IdP", NOW, &SeededRandom::new(1)).unwrap(),
            links: Links::new(&"http://localhost:8080".parse().unwrap()).unwrap(),
            users: Vec::new(),
            service_providers: Arc::new(vec![sp()]),
            clock: Arc::new(ManualClock::at(NOW)),
            random: Arc::new(SeededRandom::new(2)),
        }
    }

    #[actix_web::test]
    async fn only_known_addresses_are_answered() {
        let idp = idp();
        let own = "http://localhost:8080/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g/acs";
        for (entity, url, answered) in [
            ("https://sp.example/saml", Some("https://sp.example/acs"), true),
            ("https://sp.example/saml", None, true),
            ("https://other.example/saml", None, false),
            ("x", Some(own), false),
            ("https://sp.example/saml", Some("https://evil.example/acs"), false),
            ("https://sp.example/saml", Some("https://sp.example/acs?x"), false),
            ("https://sp.example/saml", Some("javascript:alert(1)"), false),
        ] {
            let found = idp.service_provider(entity, url).await;
            assert_eq!(found.is_some(), answered, "{entity} {url:?}");
        }
        let other_audience = idp.service_provider("x", Some("https://sp.example/acs")).await.unwrap();
        assert_eq!(other_audience.sp_entity_id, "x");
    }
}
