//! What the admin of each identity provider does, step by step, in the words of that product's screens.
//!
//! Steps are data, one file a product. What a screen calls a thing stands between `**`. A test holds that
//! every product is told everything it needs and nothing twice.

mod adfs;
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
    /// Which one.
    pub kind: IdpKind,
    /// Where its admin works, to be recognised by.
    pub screen: &'static str,
    /// How single sign-on is set up in it; the test comes last.
    pub saml: &'static [Step],
    /// How it is told to push people; nothing where it cannot.
    pub scim: Scim,
    /// What its admin does about a refused login.
    pub remedies: &'static [Remedy],
}

/// Whether a product can push people and groups.
pub enum Scim {
    /// It can; the first people arriving come last.
    Steps(&'static [Step]),
    /// It cannot by itself, and why, and what can be done.
    Unavailable(&'static str),
}

/// One thing to do.
pub struct Step {
    /// Its name in addresses.
    pub slug: &'static str,
    /// What it is.
    pub title: &'static str,
    /// What to read, click and enter, in order.
    pub parts: &'static [Part],
}

/// One part of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Something to do, numbered.
    Do(&'static str),
    /// Something to enter, numbered: the screen's name of the field, and what to copy into it.
    Enter(&'static str, Value),
    /// Something to choose, numbered: the screen's name of the field, and the choice.
    Choose(&'static str, &'static str),
    /// Something to know.
    Note(&'static str),
    /// Our metadata, to be downloaded.
    Download,
    /// The identity provider's metadata, to be given to us, in these ways; the first one is in sight.
    Metadata(&'static [Way]),
    /// The test login.
    Test,
    /// The bearer token, to be made and shown once.
    Token,
    /// What arrives.
    Live,
}

/// How the identity provider's metadata gets to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// By its address.
    Url,
    /// As a file.
    File,
    /// As single values.
    Values,
}

/// A value of ours that a screen asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// Where responses go.
    AcsUrl,
    /// The same as a regular expression.
    AcsUrlPattern,
    /// Who we are.
    EntityId,
    /// Where our metadata is.
    MetadataUrl,
    /// What the application is called.
    ApplicationName,
    /// Where SCIM requests go.
    ScimBaseUrl,
}

/// What to do about refusals.
pub struct Remedy {
    /// Their codes.
    pub codes: &'static [&'static str],
    /// What to do, in the words of the product's screens.
    pub text: &'static str,
}

/// The refusals that a wrong audience makes.
pub const AUDIENCE: &[&str] = &["assertion_audience", "audience_restriction_missing"];
/// Those that a wrong address makes.
pub const ADDRESS: &[&str] =
    &["response_destination", "subject_confirmation_recipient", "subject_confirmation_missing"];
/// Those that another or a renewed identity provider makes.
pub const TRUST: &[&str] = &[
    "signature_mismatch",
    "signature_key_unsuitable",
    "response_issuer",
    "assertion_issuer",
    "certificate_missing",
];
/// Those that a missing or wrong e-mail address makes.
pub const EMAIL: &[&str] =
    &["email_missing", "email_malformed", "email_ambiguous", "name_id_missing", "name_id_malformed"];
/// What the identity provider itself refuses.
pub const STATUS: &[&str] = &["response_status"];
/// Those that a missing or old signature makes.
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

/// Every product, in the order in which a person is offered them.
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

/// The product of this kind; the general one where it is not known.
pub fn of(kind: Option<IdpKind>) -> &'static Provider {
    ALL.iter().find(|provider| Some(provider.kind) == kind).copied().unwrap_or(&other::PROVIDER)
}

impl Provider {
    /// Its name in the middle of a sentence.
    pub fn in_text(&self) -> &'static str {
        if self.kind == IdpKind::Other { "your identity provider" } else { self.kind.name() }
    }

    /// What to do about a refusal, in this product's words, if it has some.
    pub fn remedy(&self, code: &str) -> Option<&'static str> {
        self.remedies.iter().find(|remedy| remedy.codes.contains(&code)).map(|remedy| remedy.text)
    }

    /// The steps of pushing people; none where it cannot.
    pub fn scim_steps(&self) -> &'static [Step] {
        match self.scim {
            Scim::Steps(steps) => steps,
            Scim::Unavailable(_) => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{app::sign_in::Refusal, saml::Rejection};

    fn parts(steps: &[Step]) -> Vec<Part> {
        steps.iter().flat_map(|step| step.parts.iter().copied()).collect()
    }

    #[test]
    fn every_product_that_is_offered_has_a_file() {
        let kinds: Vec<IdpKind> = ALL.iter().map(|provider| provider.kind).collect();
        assert_eq!(kinds, IdpKind::ALL);
        assert_eq!(of(None).kind, IdpKind::Other);
        assert_eq!(of(Some(IdpKind::Entra)).kind, IdpKind::Entra);
    }

    #[test]
    fn single_sign_on_needs_our_values_their_metadata_and_a_test() {
        for provider in ALL {
            let name = provider.kind.as_str();
            let all = parts(provider.saml);
            let enters =
                |value| all.iter().any(|part| matches!(part, Part::Enter(_, given) if *given == value));
            assert!(enters(Value::AcsUrl), "{name} is never told where responses go");
            assert!(enters(Value::EntityId), "{name} is never told who we are");
            let ways: Vec<&[Way]> = all
                .iter()
                .filter_map(|part| match part {
                    Part::Metadata(ways) => Some(*ways),
                    _ => None,
                })
                .collect();
            assert_eq!(ways.len(), 1, "{name}");
            assert_eq!(ways[0].iter().collect::<HashSet<_>>().len(), 3, "{name} takes every way once");
            assert_eq!(all.iter().filter(|part| **part == Part::Test).count(), 1, "{name}");
            assert_eq!(provider.saml.last().unwrap().slug, "test", "{name}");
            assert!(provider.saml.iter().any(|step| step.slug == "assign"), "{name}: who may sign in?");
        }
    }

    #[test]
    fn provisioning_needs_the_address_the_token_and_a_look_at_what_arrives() {
        for provider in ALL {
            let name = provider.kind.as_str();
            let Scim::Steps(steps) = provider.scim else {
                let Scim::Unavailable(why) = provider.scim else { unreachable!() };
                assert!(why.len() > 40 && why.ends_with('.'), "{name}");
                continue;
            };
            let all = parts(steps);
            assert!(
                all.iter().any(|part| matches!(part, Part::Enter(_, Value::ScimBaseUrl))),
                "{name} is never told where to push"
            );
            for needed in [Part::Token, Part::Live] {
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
                        let (Part::Do(text) | Part::Note(text)) = part else { continue };
                        assert!(text.ends_with(['.', '?', ':']) && !text.contains("  "), "{at}: {text}");
                        assert_eq!(text.matches("**").count() % 2, 0, "{at}: {text}");
                    }
                }
            }
        }
    }

    #[test]
    fn remedies_are_of_refusals_that_there_are_and_cover_what_admins_get_wrong() {
        let known: HashSet<&str> = Rejection::ALL
            .iter()
            .map(|rejection| rejection.code())
            .chain(Refusal::OWN.iter().map(|refusal| refusal.code()))
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
