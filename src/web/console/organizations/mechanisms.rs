//! How the people of an organization may authenticate: as checkboxes, and in words.

use maud::{Markup, html};
use model::identity_pool::AuthenticationMechanism;
use strum::VariantArray as _;

use crate::web::kit::forms::{Choice, FormValues, FormView};

const FIELD: &str = "authenticationMechanisms";

/// What is said of one that is kept and not offered.
const NOT_OFFERED: &str = "Kept for your programs; nobody is offered it yet.";

/// Adds those that are permitted to the values of a form.
pub(super) fn values(permitted: Option<&[AuthenticationMechanism]>, values: FormValues) -> FormValues {
    permitted.unwrap_or_default().iter().fold(values, |values, one| values.with(FIELD, one.as_str()))
}

/// The checkboxes.
pub(super) fn field(view: &FormView<'_>) -> Markup {
    let choice = |one: &AuthenticationMechanism| {
        let hint = if one.is_offered() { "" } else { NOT_OFFERED };
        Choice::new(one.as_str(), one.label(), hint)
    };
    let choices: Vec<Choice<'_>> = AuthenticationMechanism::VARIANTS.iter().map(choice).collect();
    html! {
        (view.checkboxes(FIELD, "How people may sign in", &choices)
            .hint("For accounts that are kept here. None ticked: whatever their identity pool allows."))
    }
}

/// Those that are permitted, in words.
pub(in crate::web::console) fn words(permitted: Option<&[AuthenticationMechanism]>) -> Markup {
    html! {
        @match permitted {
            None => span.soft { "whatever their identity pool allows" },
            Some([]) => span.soft { "none" },
            Some(all) => ul.tags { @for one in all { li { span.tag { (one.label()) } } } },
        }
    }
}
