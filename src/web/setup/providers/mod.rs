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
pub mod provider;

use model::idp_kind::IdpKind;
use provider::Provider;

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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use strum::VariantArray;

    use super::{
        provider::{
            ADDRESS, AUDIENCE, EMAIL, MetadataSource, SIGNATURE, STATUS, ScimSupport, SetupStep, SetupValue,
            StepPart, TRUST,
        },
        *,
    };
    use crate::app::login;

    fn parts(steps: &[SetupStep]) -> Vec<StepPart> {
        steps.iter().flat_map(|step| step.parts.iter().copied()).collect()
    }

    #[test]
    fn every_product_that_is_offered_has_a_file() {
        let kinds: Vec<IdpKind> = ALL.iter().map(|provider| provider.kind).collect();
        assert_eq!(kinds, IdpKind::VARIANTS);
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
