//! The setup instructions for each identity provider, step by step, in the words of that product's screens.
//!
//! Steps are data, one file a product. Names on the product's screens stand between `**`. Tests check that each
//! product gets every value that it needs, and none of the dynamic parts twice.

mod adfs;
pub mod choice;
mod entra;
mod google;
mod jumpcloud;
mod keycloak;
mod okta;
mod onelogin;
mod other;
mod ping;

use crate::model::idp_kind::IdpKind;

/// One product.
pub struct Provider {
    /// Its kind.
    pub kind: IdpKind,
    /// The name of its admin console, by which admins recognise it.
    pub screen: &'static str,
    /// The steps for single sign-on; the test is the last.
    pub saml: &'static [SetupStep],
    /// The steps for SCIM provisioning, if it can do that.
    pub scim: ScimSupport,
    /// What its admin does about login errors.
    pub remedies: &'static [Remedy],
}

/// Whether a product can provision people and groups by SCIM.
pub enum ScimSupport {
    /// It can; the live view of the first requests is the last step.
    Steps(&'static [SetupStep]),
    /// It cannot by itself: why, and what can be done.
    Unavailable(&'static str),
}

/// One step.
pub struct SetupStep {
    /// Its name in URLs.
    pub slug: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What to read, click and enter, in order.
    pub parts: &'static [StepPart],
}

/// One part of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepPart {
    /// An instruction, numbered.
    Do(&'static str),
    /// A value to enter, numbered: the screen's name of the field, and the value to copy.
    Enter(&'static str, SetupValue),
    /// An option to choose, numbered: the screen's name of the field, and the option.
    Choose(&'static str, &'static str),
    /// A note, not numbered.
    Note(&'static str),
    /// The download of our SP metadata.
    Download,
    /// The forms for the identity provider's metadata, in these ways; the first one is visible.
    Metadata(&'static [MetadataSource]),
    /// The test login.
    Test,
    /// The bearer token, created and shown once.
    Token,
    /// The live view of SCIM requests.
    Live,
}

/// A way to give us the identity provider's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetadataSource {
    /// By its URL.
    Url,
    /// As a file.
    File,
    /// As single values.
    Values,
}

/// A value to enter in the identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupValue {
    /// The ACS URL.
    AcsUrl,
    /// The ACS URL as a regular expression.
    AcsUrlPattern,
    /// The SP entity ID.
    EntityId,
    /// The URL of the SP metadata.
    MetadataUrl,
    /// The application's name.
    ApplicationName,
    /// The SCIM base URL.
    ScimBaseUrl,
}

/// What to do about login errors.
pub struct Remedy {
    /// The error codes.
    pub codes: &'static [&'static str],
    /// What to do, in the words of the product's screens.
    pub text: &'static str,
}

/// The errors that a wrong audience causes.
pub const AUDIENCE: &[&str] = &["assertion_audience", "audience_restriction_missing"];
/// The errors that a wrong ACS URL causes.
pub const ADDRESS: &[&str] =
    &["response_destination", "subject_confirmation_recipient", "subject_confirmation_missing"];
/// The errors that another identity provider or a renewed certificate causes.
pub const TRUST: &[&str] = &[
    "signature_mismatch",
    "signature_key_unsuitable",
    "response_issuer",
    "assertion_issuer",
    "certificate_missing",
];
/// The errors that a missing or wrong e-mail address causes.
pub const EMAIL: &[&str] =
    &["email_missing", "email_malformed", "email_ambiguous", "name_id_missing", "name_id_malformed"];
/// The error for a response in which the identity provider reports a failure.
pub const STATUS: &[&str] = &["response_status"];
/// The errors that a missing signature, an outdated algorithm or encryption causes.
pub const SIGNATURE: &[&str] = &[
    "signature_missing",
    "sha1_refused",
    "signature_algorithm_refused",
    "digest_algorithm_refused",
    "encryption_malformed",
    "encryption_algorithm_refused",
    "decryption_key_missing",
    "decryption_failed",
];

/// Every product, in the order in which they are offered.
pub static ALL: [&Provider; 9] = [
    &okta::PROVIDER,
    &entra::PROVIDER,
    &google::PROVIDER,
    &adfs::PROVIDER,
    &keycloak::PROVIDER,
    &onelogin::PROVIDER,
    &jumpcloud::PROVIDER,
    &ping::PROVIDER,
    &other::PROVIDER,
];

/// The product of this kind; the generic one where the kind is not known.
pub fn for_kind(kind: Option<IdpKind>) -> &'static Provider {
    ALL.iter().find(|provider| Some(provider.kind) == kind).copied().unwrap_or(&other::PROVIDER)
}

impl Provider {
    /// Its name within a sentence.
    pub fn in_text(&self) -> &'static str {
        if self.kind == IdpKind::Other { "your identity provider" } else { self.kind.name() }
    }

    /// What to do about an error, in this product's words, if there is a text for it.
    pub fn remedy(&self, code: &str) -> Option<&'static str> {
        self.remedies.iter().find(|remedy| remedy.codes.contains(&code)).map(|remedy| remedy.text)
    }

    /// The steps for SCIM provisioning; none where it cannot do that.
    pub fn scim_steps(&self) -> &'static [SetupStep] {
        match self.scim {
            ScimSupport::Steps(steps) => steps,
            ScimSupport::Unavailable(_) => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{app::login, saml};

    fn parts(steps: &[SetupStep]) -> Vec<StepPart> {
        steps.iter().flat_map(|step| step.parts.iter().copied()).collect()
    }

    #[test]
    fn every_product_that_is_offered_has_a_file() {
        let kinds: Vec<IdpKind> = ALL.iter().map(|provider| provider.kind).collect();
        assert_eq!(kinds, IdpKind::ALL);
        assert_eq!(for_kind(None).kind, IdpKind::Other);
        assert_eq!(for_kind(Some(IdpKind::Entra)).kind, IdpKind::Entra);
    }

    #[test]
    fn single_sign_on_needs_our_values_their_metadata_and_a_test() {
        for provider in ALL {
            let name = provider.kind.as_str();
            let all = parts(provider.saml);
            let enters =
                |value| all.iter().any(|part| matches!(part, StepPart::Enter(_, given) if *given == value));
            assert!(enters(SetupValue::AcsUrl), "{name} is never told where responses go");
            assert!(enters(SetupValue::EntityId), "{name} is never told who we are");
            let ways: Vec<&[MetadataSource]> = all
                .iter()
                .filter_map(|part| match part {
                    StepPart::Metadata(ways) => Some(*ways),
                    _ => None,
                })
                .collect();
            assert_eq!(ways.len(), 1, "{name}");
            assert_eq!(ways[0].iter().collect::<HashSet<_>>().len(), 3, "{name} takes every way once");
            assert_eq!(all.iter().filter(|part| **part == StepPart::Test).count(), 1, "{name}");
            assert_eq!(provider.saml.last().unwrap().slug, "test", "{name}");
            assert!(provider.saml.iter().any(|step| step.slug == "assign"), "{name}: who may sign in?");
        }
    }

    #[test]
    fn provisioning_needs_the_address_the_token_and_a_look_at_what_arrives() {
        for provider in ALL {
            let name = provider.kind.as_str();
            let ScimSupport::Steps(steps) = provider.scim else {
                let ScimSupport::Unavailable(why) = provider.scim else { unreachable!() };
                assert!(why.len() > 40 && why.ends_with('.'), "{name}");
                continue;
            };
            let all = parts(steps);
            assert!(
                all.iter().any(|part| matches!(part, StepPart::Enter(_, SetupValue::ScimBaseUrl))),
                "{name} is never told where to push"
            );
            for needed in [StepPart::Token, StepPart::Live] {
                assert_eq!(all.iter().filter(|part| **part == needed).count(), 1, "{name} {needed:?}");
            }
            assert_eq!(steps.last().unwrap().slug, "live", "{name}");
        }
    }

    #[test]
    fn steps_have_addresses_of_their_own_and_whole_sentences() {
        for provider in ALL {
            for steps in [provider.saml, provider.scim_steps()] {
                let mut slugs = HashSet::new();
                for step in steps {
                    let at = format!("{} {}", provider.kind.as_str(), step.slug);
                    assert!(slugs.insert(step.slug), "{at} is there twice");
                    assert!(step.slug.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{at}");
                    assert!(!["done", "sp-metadata.xml"].contains(&step.slug), "{at} is taken");
                    assert!(!step.title.ends_with('.') && !step.parts.is_empty(), "{at}");
                    for part in step.parts {
                        let (StepPart::Do(text) | StepPart::Note(text)) = part else { continue };
                        assert!(text.ends_with(['.', '?', ':']) && !text.contains("  "), "{at}: {text}");
                        assert_eq!(text.matches("**").count() % 2, 0, "{at}: {text}");
                    }
                }
            }
        }
    }

    #[test]
    fn remedies_are_of_refusals_that_there_are_and_cover_what_admins_get_wrong() {
        let known: HashSet<&str> = saml::Error::ALL
            .iter()
            .map(|rejection| rejection.code())
            .chain(login::Error::OWN.iter().map(|refusal| refusal.code()))
            .collect();
        for provider in ALL {
            let name = provider.kind.as_str();
            for remedy in provider.remedies {
                assert!(remedy.text.ends_with('.') && remedy.text.matches("**").count() % 2 == 0, "{name}");
                for code in remedy.codes {
                    assert!(known.contains(code), "{name}: no refusal is called {code}");
                }
            }
            for code in [AUDIENCE, ADDRESS, TRUST, EMAIL, STATUS, SIGNATURE].concat() {
                assert!(provider.remedy(code).is_some(), "{name} says nothing about {code}");
            }
        }
    }
}
