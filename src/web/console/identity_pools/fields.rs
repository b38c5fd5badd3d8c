//! The fields of a pool's form, named as errors of pools name the settings.

use maud::{Markup, html};
use model::{
    account::{OneTimeCodeSettings, PasswordPolicy, PasswordStrength},
    identity_pool::{AuthenticationMechanism, IdentityPool, OtpSetting},
};
use strum::VariantArray as _;

use super::labels;
use crate::{
    app::accounts::schemas::Schema,
    web::{
        console::{identity_schemas, kit::durations},
        kit::forms::{Choice, FormValues, FormView},
    },
};

pub(super) const NAME: &str = "name";
pub(super) const DESCRIPTION: &str = "description";
pub(super) const BADGE_COLOR: &str = "badge_color";
pub(super) const FIRST_FACTORS: &str = "authentication_mechanisms";
pub(super) const PREFERRED: &str = "preferred_authentication_mechanism";
pub(super) const SECOND_FACTORS: &str = "second_factor_authentication_mechanisms";
pub(super) const PREFERRED_SECOND: &str = "second_factor_preferred_authentication_mechanism";
/// Whether everybody has a second step: whether the threshold is above zero.
pub(super) const SECOND_FOR_ALL: &str = "second_factor_threshold";
pub(super) const CASE_INSENSITIVE: &str = "identifier_case_insensitive";
pub(super) const REGISTRATION: &str = "public_registration_allowed";
pub(super) const SELF_RESET: &str = "self_reset_allowed";
pub(super) const PAYLOAD_SCHEMA: &str = "payload_schema_id";
pub(super) const METADATA_SCHEMA: &str = "metadata_schema_id";
pub(super) const BUSINESS_SCHEMA: &str = "business_metadata_schema_id";
pub(super) const MIN_LENGTH: &str = "password_policy.min_length";
pub(super) const CAPITAL_LETTERS: &str = "password_policy.capital_letters";
pub(super) const LOWERCASE_LETTERS: &str = "password_policy.lowercase_letters";
pub(super) const DIGITS: &str = "password_policy.digits";
pub(super) const SPECIAL_CHARACTERS: &str = "password_policy.special_characters";
pub(super) const NOT_USED_SINCE: &str = "password_policy.not_used_since";
pub(super) const STRENGTH: &str = "password_policy.strength";
pub(super) const EXPIRES_AFTER: &str = "password_settings.expires_after";

/// The settings of one-time codes that count: what they are for, and the fields of their length and lifetime.
pub(super) const CODES: [(OtpSetting, &str, &str); 5] = [
    (OtpSetting::Activation, "otp_settings.activation.length", "otp_settings.activation.ttl"),
    (OtpSetting::VerifyAddress, "otp_settings.verify_address.length", "otp_settings.verify_address.ttl"),
    (OtpSetting::ResetPassword, "otp_settings.reset_password.length", "otp_settings.reset_password.ttl"),
    (OtpSetting::ResetTotp, "otp_settings.reset_totp.length", "otp_settings.reset_totp.ttl"),
    (OtpSetting::EnrollWebauthn, "otp_settings.enroll_webauthn.length", "otp_settings.enroll_webauthn.ttl"),
];

/// The settings of a pool as the values of the form.
pub(in crate::web::console) fn values(pool: &IdentityPool) -> FormValues {
    let policy = pool.password_policy();
    let characters = policy.characters();
    let number = |number: usize| if number == 0 { String::new() } else { number.to_string() };
    let preferred =
        |preferred: Option<AuthenticationMechanism>| preferred.map_or("", AuthenticationMechanism::as_str);
    let business = pool.business_metadata_schema.map(|schema| schema.to_string()).unwrap_or_default();
    let values = FormValues::new()
        .with(NAME, &pool.name)
        .with(DESCRIPTION, &pool.description)
        .with(BADGE_COLOR, pool.badge_color.map(|color| color.to_string()).unwrap_or_default())
        .with(PREFERRED, preferred(pool.first_factors.preferred))
        .with(PREFERRED_SECOND, preferred(pool.second_factors.preferred))
        .with_flag(SECOND_FOR_ALL, pool.requires_second_factor())
        .with_flag(CASE_INSENSITIVE, pool.identifier_case_insensitive)
        .with_flag(REGISTRATION, pool.public_registration_allowed)
        .with_flag(SELF_RESET, pool.self_reset_allowed)
        .with(PAYLOAD_SCHEMA, pool.payload_schema)
        .with(METADATA_SCHEMA, pool.metadata_schema)
        .with(BUSINESS_SCHEMA, business)
        .with(MIN_LENGTH, policy.min_length())
        .with(STRENGTH, policy.strength().as_str())
        .with(CAPITAL_LETTERS, number(characters.capital_letters))
        .with(LOWERCASE_LETTERS, number(characters.lowercase_letters))
        .with(DIGITS, number(characters.digits))
        .with(SPECIAL_CHARACTERS, number(characters.special_characters))
        .with(NOT_USED_SINCE, number(policy.former_passwords()))
        .with(EXPIRES_AFTER, pool.password_rules.expires_after.map(durations::words).unwrap_or_default());
    let factors = [(FIRST_FACTORS, &pool.first_factors), (SECOND_FACTORS, &pool.second_factors)];
    let values = factors.into_iter().fold(values, |values, (field, mechanisms)| {
        mechanisms.allowed.iter().fold(values, |values, one| values.with(field, one.as_str()))
    });
    CODES.iter().fold(values, |values, (setting, length, ttl)| {
        let made = pool.otp_settings.get(*setting);
        values
            .with(length, made.map(|made| made.length().to_string()).unwrap_or_default())
            .with(ttl, made.map(|made| durations::words(made.lifetime())).unwrap_or_default())
    })
}

/// The schemas among which one is chosen: ids and names.
pub(in crate::web::console) fn schema_choices(schemas: &[Schema]) -> Vec<(String, String)> {
    let choice = |schema: &Schema| match schema {
        Schema::System(system) => (system.as_str().to_owned(), format!("{} (built in)", system.name())),
        Schema::Own(own) => (own.id.to_string(), identity_schemas::list::name(schema)),
    };
    schemas.iter().map(choice).collect()
}

/// The fields.
pub(in crate::web::console) fn view(view: &FormView<'_>, schemas: &[(String, String)]) -> Markup {
    html! {
        (view.text(NAME, "Name").hint("What you and your colleagues call it."))
        (view.textarea(DESCRIPTION, "What it is for", 2).optional())
        (view.text(BADGE_COLOR, "Colour of its badge").code().optional()
            .hint("Such as #1f4fc4. It tells pools apart here."))
        (factors(view))
        (passwords(view))
        (codes(view))
        (accounts(view))
        (profiles(view, schemas))
    }
}

fn mechanism_choices(mechanisms: &[AuthenticationMechanism]) -> Vec<Choice<'static>> {
    let choice = |mechanism: &AuthenticationMechanism| {
        let hint = if mechanism.is_offered() { "" } else { "Kept, and not offered to anybody yet." };
        Choice::new(mechanism.as_str(), mechanism.label(), hint)
    };
    mechanisms.iter().map(choice).collect()
}

fn factors(view: &FormView<'_>) -> Markup {
    let choices = mechanism_choices(AuthenticationMechanism::VARIANTS);
    let mut preferred = vec![("", "no preference")];
    preferred.extend(choices.iter().map(|choice| (choice.value, choice.label)));
    html! {
        fieldset.group {
            legend { "How people sign in" }
            (view.checkboxes(FIRST_FACTORS, "Allowed", &choices))
            (view.select(PREFERRED, "Offered first", &preferred).hint("One of those that are allowed."))
        }
        fieldset.group {
            legend { "Second step" }
            (view.checkboxes(SECOND_FACTORS, "Allowed as a second step", &choices)
                .hint("What somebody can be asked for after the first step."))
            (view.select(PREFERRED_SECOND, "Offered first as a second step", &preferred).hint("One of those that are allowed."))
            (view.checkbox(SECOND_FOR_ALL, "Everybody needs a second step")
                .hint("Who signs in by password sets up an authenticator app at the next sign-in, where that is allowed above. Otherwise only those are asked who have set one up."))
        }
    }
}

fn passwords(view: &FormView<'_>) -> Markup {
    let strengths: Vec<(&str, &str)> =
        PasswordStrength::VARIANTS.iter().map(|one| (one.as_str(), labels::strength(*one))).collect();
    let lengths = PasswordPolicy::MIN_LENGTHS;
    let length =
        format!("Characters, from {} to {}. Twelve or more are recommended.", lengths.start(), lengths.end());
    let former = format!(
        "How many of the last ones, the present one among them: up to {}.",
        PasswordPolicy::MAX_FORMER_PASSWORDS
    );
    html! {
        fieldset.group {
            legend { "Passwords" }
            (view.text(MIN_LENGTH, "Minimum length").hint(&length))
            (view.select(STRENGTH, "How hard to guess", &strengths))
            (view.text(CAPITAL_LETTERS, "Capital letters at least").optional())
            (view.text(LOWERCASE_LETTERS, "Small letters at least").optional())
            (view.text(DIGITS, "Digits at least").optional())
            (view.text(SPECIAL_CHARACTERS, "Special characters at least").optional().hint("Neither letters nor digits."))
            (view.text(NOT_USED_SINCE, "Former passwords that are refused").optional().hint(&former))
            (view.text(EXPIRES_AFTER, "Good for").optional()
                .hint("Such as 90 days; then another one must be set. Empty: for as long as nobody changes it, which is recommended."))
        }
    }
}

fn codes(view: &FormView<'_>) -> Markup {
    let default = labels::code_settings(OneTimeCodeSettings::DEFAULT);
    let (lengths, concerned) = (
        OneTimeCodeSettings::LENGTHS,
        CODES.iter().any(|(_, length, ttl)| view.concerns(length) || view.concerns(ttl)),
    );
    let digits = format!("From {} to {}.", lengths.start(), lengths.end());
    html! {
        details open[concerned] {
            summary { "One-time codes" }
            div.stack {
                p.soft { "By themselves codes have " (default) ". Leave empty what is to stay so." }
                @for (setting, length, ttl) in &CODES {
                    fieldset.group {
                        legend { (labels::code(*setting)) }
                        (view.text(length, "Digits").optional().hint(&digits))
                        (view.text(ttl, "Good for").optional().hint("From a minute to 30 days, such as 15 minutes."))
                    }
                }
            }
        }
    }
}

fn accounts(view: &FormView<'_>) -> Markup {
    html! {
        fieldset.group {
            legend { "Accounts" }
            (view.checkbox(CASE_INSENSITIVE, "Capital and small letters are the same in user names")
                .hint("Then nobody can be Dana beside dana. In e-mail addresses they always are."))
            (view.checkbox(REGISTRATION, "People may register themselves")
                .hint("Otherwise only you, your programs and the organization’s administrators make accounts."))
            (view.checkbox(SELF_RESET, "People may reset their credentials themselves")
                .hint("By a code to an address of theirs that is verified."))
        }
    }
}

fn profiles(view: &FormView<'_>, schemas: &[(String, String)]) -> Markup {
    let choices: Vec<(&str, &str)> = schemas.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
    let mut optional = vec![("", "none")];
    optional.extend(&choices);
    html! {
        fieldset.group {
            legend { "Profiles" }
            (view.select(PAYLOAD_SCHEMA, "Schema of the profile", &choices)
                .hint("What people say of themselves, and change."))
            (view.select(METADATA_SCHEMA, "Schema of the metadata", &choices)
                .hint("What you and your programs keep about them."))
            (view.select(BUSINESS_SCHEMA, "Schema of the business metadata", &optional)
                .hint("What the organization’s own administrators keep about them."))
        }
    }
}
