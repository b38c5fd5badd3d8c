//! The choice of an identity provider's product.

use maud::{Markup, html};

use super::provider::Provider;
use crate::web::{
    kit::components::{Icon, shape},
    setup::providers,
};

/// The products to choose from; `note` replaces the description of one.
pub fn provider_choice(
    action: &str,
    question: &str,
    csrf: &Markup,
    note: impl Fn(&Provider) -> Option<&'static str>,
) -> Markup {
    html! {
        section.card {
            h2 { (question) }
            form method="post" action=(action) {
                (csrf)
                ul.choices {
                    @for provider in providers::ALL {
                        li {
                            button type="submit" name="idpKind" value=(provider.kind.as_str()) {
                                span.text { (provider.kind.name()) small { (note(provider).unwrap_or(provider.screen)) } }
                                (shape(Icon::Forward))
                            }
                        }
                    }
                }
            }
        }
    }
}
