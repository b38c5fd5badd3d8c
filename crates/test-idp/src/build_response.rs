//! The response for a user, with its deliberate flaw.

use std::time::Duration;

use base::{random::Random, time::Timestamp};
use saml::{
    identifiers::name_id_format,
    key_pair::{KeyKind, KeyPair},
    sign::{SignatureAlgorithm, SigningError},
    xml_writer::escape_text,
};

use crate::{
    encrypt::Encryption,
    flaw::Flaw,
    parties::{ServiceProvider, TestUser},
    response::{ResponseContext, ResponseSpec, Signing},
};

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
    use std::sync::Arc;

    use super::*;
    use base::random::SeededRandom;

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

    fn answered(flaw: Option<Flaw>, email: &str) -> Result<String, BuildError> {
        let user = TestUser {
            email: email.into(),
            first_name: "Dana".into(),
            last_name: String::new(),
            groups: vec!["R&D".into(), "admins".into()],
        };
        let options = ResponseOptions { flaw, ..ResponseOptions::for_user(&user) };
        let keys = KeyPair::generate(KeyKind::P256, "IdP", NOW, &SeededRandom::new(1)).unwrap();
        build_response("idp", &keys, &sp(), Some("_1"), &options, NOW, &SeededRandom::new(9))
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

        use crate::flaw::ExpectedOutcome;
        use saml::{CrossCheck, Trust, certificate::Certificate, verify};

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
            name_id_optional: false,
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
