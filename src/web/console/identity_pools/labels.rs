//! Words for the settings of identity pools.

use maud::{Markup, html};
use model::{
    account::{OneTimeCodeSettings, PasswordPolicy, PasswordStrength},
    identity_pool::{AuthenticationMechanism, IdentityPool, Mechanisms, OtpSetting},
};

use crate::web::console::kit::{durations, labels::count};

/// The name of a pool, behind a spot of its colour.
pub(super) fn name(pool: &IdentityPool) -> Markup {
    html! {
        @if let Some(color) = pool.badge_color {
            svg.swatch viewBox="0 0 12 12" aria-hidden="true" { rect width="12" height="12" rx="3" fill=(color) {} }
            " "
        }
        (pool.name)
    }
}

/// Mechanisms in words, with the one that is offered first.
pub(super) fn mechanisms(mechanisms: &Mechanisms, none: &str) -> Markup {
    html! {
        @if mechanisms.allowed.is_empty() { span.soft { (none) } }
        @else {
            ul.tags {
                @for mechanism in &mechanisms.allowed {
                    li {
                        span.tag { (mechanism.label()) }
                        @if mechanisms.preferred == Some(*mechanism) && mechanisms.allowed.len() > 1 {
                            span.soft.small { " first" }
                        }
                        @if !mechanism.is_offered() { span.soft.small { " not offered yet" } }
                    }
                }
            }
        }
    }
}

/// Mechanisms in a line.
pub(super) fn mechanisms_in_line(mechanisms: &Mechanisms) -> String {
    let labels = mechanisms.allowed.iter().map(|mechanism| mechanism.label());
    match labels.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "nothing".to_owned(),
        labels => labels,
    }
}

/// Whether nobody can sign in to a pool, because users are offered none of its mechanisms.
pub(super) fn admits_nobody(pool: &IdentityPool) -> bool {
    !pool.first_factors.allowed.iter().copied().any(AuthenticationMechanism::is_offered)
}

/// How hard to guess a password must be.
pub(super) const fn strength(strength: PasswordStrength) -> &'static str {
    match strength {
        PasswordStrength::Any => "It may be easy to guess",
        PasswordStrength::Weak => "Weak: a thousand guesses do not find it",
        PasswordStrength::Fair => "Fair: a million guesses do not find it",
        PasswordStrength::Strong => "Strong: a hundred million guesses do not find it",
        PasswordStrength::VeryStrong => "Very strong: ten thousand million guesses do not find it",
    }
}

/// What characters a password must have, in words.
pub(super) fn characters(policy: PasswordPolicy) -> String {
    let asked = policy.characters();
    let asked: Vec<String> = [
        (asked.capital_letters, "capital letter", "capital letters"),
        (asked.lowercase_letters, "small letter", "small letters"),
        (asked.digits, "digit", "digits"),
        (asked.special_characters, "special character", "special characters"),
    ]
    .into_iter()
    .filter(|(number, ..)| *number > 0)
    .map(|(number, one, several)| count(number, one, several))
    .collect();
    match asked.is_empty() {
        true => "any".to_owned(),
        false => format!("at least {}", crate::web::kit::components::join_with_and(&asked)),
    }
}

/// What one-time codes are for.
pub(super) const fn code(setting: OtpSetting) -> &'static str {
    match setting {
        OtpSetting::Activation => "To activate an account",
        OtpSetting::Authentication => "To sign in",
        OtpSetting::Challenge => "As a second step",
        OtpSetting::EnrollWebauthn => "To add a passkey",
        OtpSetting::ResetPassword => "To set another password",
        OtpSetting::ResetTotp => "To set up another authenticator app",
        OtpSetting::VerifyAddress => "To prove an address",
    }
}

/// How codes are made.
pub(super) fn code_settings(settings: OneTimeCodeSettings) -> String {
    format!(
        "{}, good for {}",
        count(settings.length(), "digit", "digits"),
        durations::words(settings.lifetime())
    )
}
