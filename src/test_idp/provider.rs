//! The test identity provider: its settings, its service providers, and the responses that it builds.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use openssl::x509::X509;

use super::protocol::{
    encrypt::Encryption,
    flaw::Flaw,
    response::{ResponseContext, ResponseSpec, Signing},
};
use crate::{
    links::Links,
    model::{
        random::Random,
        time::{Clock, Timestamp},
    },
    saml::{
        identifiers::name_id_format,
        key_pair::{KeyKind, KeyPair},
        sign::{SignatureAlgorithm, SigningError},
        xml_writer::escape_text,
    },
};

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

/// A user to sign in as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestUser {
    /// The e-mail address.
    pub email: String,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The groups.
    pub groups: Vec<String>,
}

/// A service provider of the test identity provider: a connection that is configured with it.
#[derive(Debug, Clone)]
pub struct ServiceProvider {
    /// Its display name: the organization's.
    pub name: String,
    /// Its entity id, the audience of what is sent to it.
    pub sp_entity_id: String,
    /// Its Assertion Consumer Service URL.
    pub acs_url: String,
    /// The certificate to encrypt for, when it accepts encrypted assertions.
    pub encryption_certificate: Option<X509>,
    /// The organization's domains: users with addresses in them may sign in.
    pub domains: Vec<String>,
}

impl ServiceProvider {
    /// Whether the address is in one of its domains. True for every address when it has no domains.
    pub fn has_domain_of(&self, email: &str) -> bool {
        let domain = email.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
        self.domains.is_empty() || self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain))
    }
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

/// The contents of a response, and how it is signed and broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseOptions {
    /// The NameID.
    pub name_id: String,
    /// The attributes, in order.
    pub attributes: Vec<(String, Vec<String>)>,
    /// What is signed.
    pub signing: Signing,
    /// The deliberate flaw.
    pub flaw: Option<Flaw>,
}

impl ResponseOptions {
    /// The contents for a user of the list.
    pub fn for_user(user: &TestUser) -> Self {
        let one = |name: &str, value: &str| (name.to_owned(), vec![value.to_owned()]);
        let mut attributes = vec![
            one("email", &user.email),
            one("firstName", &user.first_name),
            one("lastName", &user.last_name),
            ("groups".to_owned(), user.groups.clone()),
        ];
        attributes.retain(|(_, values)| values.iter().any(|value| !value.is_empty()));
        Self { name_id: user.email.clone(), attributes, signing: Signing::Assertion, flaw: None }
    }
}

/// Why no response can be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Encryption was requested, but the connection has no encryption certificate.
    #[error("the connection has no encryption certificate")]
    NoEncryptionCertificate,
    /// Signing failed.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

/// Builds the Response document. It makes a signature: do not call this on an async thread.
pub fn build_response(
    idp_entity_id: &str,
    keys: &KeyPair,
    to: &ServiceProvider,
    in_response_to: Option<&str>,
    options: &ResponseOptions,
    now: Timestamp,
    random: &dyn Random,
) -> Result<String, BuildError> {
    let context = ResponseContext {
        idp_entity_id,
        sp_entity_id: &to.sp_entity_id,
        acs_url: &to.acs_url,
        in_response_to,
    };
    let mut spec = ResponseSpec::valid(&context, &options.name_id, now, random);
    spec.attributes.clone_from(&options.attributes);
    spec.signing = options.signing;
    if !options.name_id.contains('@') {
        spec.name_id_format = Some(name_id_format::UNSPECIFIED.to_owned());
    }
    let mut other_keys = None;
    match options.flaw {
        Some(Flaw::Expired) => spec.shift(true, Duration::from_secs(3600)),
        Some(Flaw::Unsigned) => spec.signing = Signing::None,
        Some(Flaw::WrongAudience) => {
            spec.audience_restrictions = vec![vec!["https://another-service.example/saml".to_owned()]];
        }
        Some(Flaw::WrongIssuer) => spec.set_issuer("https://another-idp.example/metadata"),
        Some(Flaw::WrongRecipient) => {
            spec.recipient = Some("https://another-service.example/saml/acs".to_owned());
        }
        Some(Flaw::OtherKey) => {
            let pair = KeyPair::generate(KeyKind::Rsa(2048), "Somebody else", now, random);
            other_keys = Some(pair.map_err(SigningError::from)?);
        }
        Some(Flaw::Sha1) => {
            spec.algorithm = Some(match SignatureAlgorithm::for_key(&keys.key) {
                SignatureAlgorithm::EcdsaSha256 => SignatureAlgorithm::EcdsaSha1,
                _ => SignatureAlgorithm::RsaSha1,
            });
        }
        Some(Flaw::ForeignDomain) => use_foreign_domain(&mut spec, to),
        Some(Flaw::Encrypted) => {
            let certificate = to.encryption_certificate.clone().ok_or(BuildError::NoEncryptionCertificate)?;
            spec.encryption = Some(Encryption::new(certificate));
        }
        Some(Flaw::Tampered | Flaw::Replayed) | None => {}
    }
    let keys = other_keys.as_ref().unwrap_or(keys);
    let xml = spec.build(&keys.key, &keys.certificate, random)?;
    Ok(if options.flaw == Some(Flaw::Tampered) { tamper(&xml, &options.name_id) } else { xml })
}

/// Changes the addresses to a domain that is none of the service provider's.
fn use_foreign_domain(spec: &mut ResponseSpec, to: &ServiceProvider) {
    let foreign = |email: &str| {
        let known = !to.domains.is_empty() && !to.has_domain_of(email);
        let name = email.split('@').next().unwrap_or("somebody");
        if known { email.to_owned() } else { format!("{name}@intruder.example") }
    };
    spec.name_id = spec.name_id.as_deref().map(foreign);
    spec.name_id_format = Some(name_id_format::EMAIL.to_owned());
    for (name, values) in &mut spec.attributes {
        if name == "email" {
            for value in values {
                *value = foreign(value);
            }
        }
    }
}

/// Changes the NameID in a signed document.
fn tamper(xml: &str, name_id: &str) -> String {
    let mut signed = String::new();
    escape_text(name_id, &mut signed);
    let (name, domain) = name_id.split_once('@').unwrap_or((name_id, "example.com"));
    let forged = format!("{}@{domain}", if name == "admin" { "root" } else { "admin" });
    let mut escaped = String::new();
    escape_text(&forged, &mut escaped);
    xml.replacen(&format!(">{signed}</saml:NameID>"), &format!(">{escaped}</saml:NameID>"), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{random::SeededRandom, time::ManualClock};

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

    fn answered(flaw: Option<Flaw>, email: &str) -> Result<String, BuildError> {
        let user = TestUser {
            email: email.into(),
            first_name: "Dana".into(),
            last_name: String::new(),
            groups: vec!["R&D".into(), "admins".into()],
        };
        let options = ResponseOptions { flaw, ..ResponseOptions::for_user(&user) };
        build_response("idp", &idp().keys, &sp(), Some("_1"), &options, NOW, &SeededRandom::new(9))
    }

    #[test]
    fn each_flaw_changes_the_one_thing_it_names() {
        let good = answered(None, "dana@acme.example").unwrap();
        assert!(good.contains(">dana@acme.example</saml:NameID>") && good.contains("firstName"));
        assert!(!good.contains("lastName"), "an empty attribute is not sent");
        for (flaw, shows) in [
            (Flaw::Expired, "NotOnOrAfter=\"2026-09-21T13:18:20.000Z\""),
            (Flaw::WrongAudience, "<saml:Audience>https://another-service.example/saml<"),
            (Flaw::WrongIssuer, "<saml:Issuer>https://another-idp.example/metadata<"),
            (Flaw::WrongRecipient, "Recipient=\"https://another-service.example/saml/acs\""),
            (Flaw::Tampered, ">admin@acme.example</saml:NameID>"),
            (Flaw::Sha1, "ecdsa-sha1"),
            (Flaw::ForeignDomain, ">dana@intruder.example</saml:NameID>"),
        ] {
            assert!(!good.contains(shows), "{flaw:?}");
            assert!(answered(Some(flaw), "dana@acme.example").unwrap().contains(shows), "{flaw:?}");
        }
        let unsigned = answered(Some(Flaw::Unsigned), "dana@acme.example").unwrap();
        assert!(good.contains("SignatureValue") && !unsigned.contains("SignatureValue"));
        let certificate = |xml: &str| xml.split("X509Certificate>").nth(1).unwrap().to_owned();
        let other = answered(Some(Flaw::OtherKey), "dana@acme.example").unwrap();
        assert_ne!(certificate(&other), certificate(&good));
        let encrypted = answered(Some(Flaw::Encrypted), "dana@acme.example");
        assert!(matches!(encrypted, Err(BuildError::NoEncryptionCertificate)));
    }

    #[test]
    fn a_person_who_is_foreign_already_stays_who_he_is() {
        let xml = answered(Some(Flaw::ForeignDomain), "sam@globex.example").unwrap();
        assert!(xml.contains(">sam@globex.example</saml:NameID>"));
        let xml = answered(Some(Flaw::Tampered), "admin@acme.example").unwrap();
        assert!(xml.contains(">root@acme.example</saml:NameID>"));
    }

    #[test]
    fn each_flaw_meets_the_refusal_that_its_menu_names() {
        use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

        use crate::{
            saml::{CrossCheck, Trust, certificate::Certificate, verify},
            test_idp::flaw::ExpectedOutcome,
        };

        let pair =
            |name: &str| KeyPair::generate(KeyKind::Rsa(2048), name, NOW, &SeededRandom::new(1)).unwrap();
        let (idp, ours) = (pair("IdP"), pair("SP"));
        let to = ServiceProvider { encryption_certificate: Some(ours.certificate.clone()), ..sp() };
        let certificates: Vec<_> = Certificate::parse_pem_bundle(&idp.certificate_pem().unwrap())
            .unwrap()
            .into_iter()
            .map(Arc::new)
            .collect();
        let trust = Trust {
            idp_entity_id: "idp",
            certificates: &certificates,
            sp_entity_id: &to.sp_entity_id,
            acs_urls: std::slice::from_ref(&to.acs_url),
            allow_sha1: false,
            allow_cbc_encryption: false,
            decryption_keys: std::slice::from_ref(&ours.key),
            clock_skew: Duration::from_secs(60),
            cross_check: CrossCheck::Enforce,
        };
        let user = TestUser {
            email: "dana@acme.example".into(),
            first_name: "Dana".into(),
            last_name: "Okafor".into(),
            groups: vec!["R&D".into()],
        };
        for flaw in std::iter::once(None).chain(Flaw::ALL.map(Some)) {
            for signing in [Signing::Assertion, Signing::Response, Signing::Both] {
                let options = ResponseOptions { flaw, signing, ..ResponseOptions::for_user(&user) };
                let random = SeededRandom::new(9);
                let xml = build_response("idp", &idp, &to, Some("_1"), &options, NOW, &random).unwrap();
                let verdict = verify(&BASE64.encode(&xml), &trust, NOW);
                let code = verdict.outcome.as_ref().err().map(|rejection| rejection.code());
                let expected = match flaw.map(Flaw::expected_outcome) {
                    // The checks of the e-mail domain and of replays need the database and are not made here.
                    Some(ExpectedOutcome::Refused("email_outside_organization_domains")) => None,
                    Some(ExpectedOutcome::Refused(code)) => Some(code),
                    Some(ExpectedOutcome::Accepted | ExpectedOutcome::SecondRefused) | None => None,
                };
                assert_eq!(code, expected, "{flaw:?} {signing:?}");
            }
        }
    }
}
