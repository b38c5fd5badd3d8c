//! The settings of a pool as they were typed.

use std::time::Duration;

use base::id::{IdKind as _, IdentitySchemaKind};
use model::{
    account::{OneTimeCodeSettings, PasswordPolicy, PasswordStrength, RequiredCharacters},
    color::Color,
    identity_pool::{AuthenticationMechanism, IdentityPool, Mechanisms, OtpSettings},
    identity_schema::SchemaRef,
};
use serde_json::Number;
use strum::VariantArray as _;

use super::fields as field;
use crate::{
    app::{Error, Result, accounts::pools::PoolChange},
    web::{
        console::kit::durations,
        kit::{
            error::PageError,
            forms::{FormErrors, FormValues},
        },
    },
};

/// Reads fields, and collects what cannot be read.
struct Reader<'a> {
    typed: &'a FormValues,
    errors: FormErrors,
}

/// A change to these settings, of a pool that has others `now`.
pub(super) fn read(typed: &FormValues, now: &IdentityPool) -> std::result::Result<PoolChange, FormErrors> {
    let mut reader = Reader { typed, errors: FormErrors::none() };
    let policy = reader.policy();
    let change = PoolChange {
        name: Some(typed.text(field::NAME).to_owned()),
        description: Some(typed.text(field::DESCRIPTION).trim().replace("\r\n", "\n")),
        badge_color: Some(reader.color()),
        first_factors: Some(reader.mechanisms(field::FIRST_FACTORS, field::PREFERRED)),
        second_factors: Some(reader.mechanisms(field::SECOND_FACTORS, field::PREFERRED_SECOND)),
        identifier_case_insensitive: Some(typed.flag(field::CASE_INSENSITIVE)),
        public_registration_allowed: Some(typed.flag(field::REGISTRATION)),
        self_reset_allowed: Some(typed.flag(field::SELF_RESET)),
        payload_schema: reader.schema(field::PAYLOAD_SCHEMA),
        metadata_schema: reader.schema(field::METADATA_SCHEMA),
        business_metadata_schema: Some(reader.schema(field::BUSINESS_SCHEMA)),
        password_policy: policy,
        password_expires_after: Some(reader.duration(field::EXPIRES_AFTER)),
        otp_settings: Some(reader.codes(&now.otp_settings)),
        second_factor_threshold: second_factor_threshold(typed, now),
        // What the form has no field for.
        mfa_session_ttl: None,
        metadata: None,
        hashing_method: None,
    };
    if reader.errors.is_empty() { Ok(change) } else { Err(reader.errors) }
}

/// The threshold above which a risk asks for a second factor: the form says only whether it is above zero, and a number that says
/// so already stays.
fn second_factor_threshold(typed: &FormValues, now: &IdentityPool) -> Option<Option<Number>> {
    match typed.flag(field::SECOND_FOR_ALL) {
        wanted if wanted == now.requires_second_factor() => None,
        true => Some(Some(Number::from(1))),
        false => Some(None),
    }
}

/// The errors of a form whose change was refused.
pub(super) fn errors(error: Error, typed: &FormValues) -> std::result::Result<FormErrors, PageError> {
    match error {
        Error::NotFound { kind, id } if kind == IdentitySchemaKind::NOUN => {
            let fields = [field::PAYLOAD_SCHEMA, field::METADATA_SCHEMA, field::BUSINESS_SCHEMA];
            let at = fields.into_iter().find(|field| typed.text(field) == id).unwrap_or_default();
            Ok(FormErrors::one(at, "this schema is not there any more; choose another one"))
        }
        error => FormErrors::from_error(error),
    }
}

impl Reader<'_> {
    fn refuse(&mut self, field: &str, reason: &str) {
        self.errors = std::mem::take(&mut self.errors).and(field, reason);
    }

    /// A value, or the error of its field.
    fn accept<T>(&mut self, read: Result<T>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(Error::Invalid { field, reason }) => {
                self.refuse(&field, &reason);
                None
            }
            Err(other) => {
                self.refuse("", &other.to_string());
                None
            }
        }
    }

    fn color(&mut self) -> Option<Color> {
        let text = self.typed.text(field::BADGE_COLOR).trim();
        let color = Color::parse(text);
        if color.is_none() && !text.is_empty() {
            self.refuse(field::BADGE_COLOR, "must be a colour such as #1f4fc4");
        }
        color
    }

    fn mechanisms(&mut self, allowed: &str, preferred: &str) -> Mechanisms {
        let chosen = AuthenticationMechanism::VARIANTS.iter().copied();
        let chosen = chosen.filter(|one| self.typed.has(allowed, one.as_str()));
        Mechanisms { allowed: chosen.collect(), preferred: self.typed.text(preferred).parse().ok() }
    }

    fn schema(&mut self, field: &str) -> Option<SchemaRef> {
        let text = self.typed.text(field);
        let schema = text.parse().ok();
        if schema.is_none() && !text.is_empty() {
            self.refuse(field, "choose one of the list");
        }
        schema
    }

    fn duration(&mut self, field: &'static str) -> Option<Duration> {
        self.accept(durations::parse(field, self.typed.text(field))).flatten()
    }

    /// A whole number; `otherwise` where there is nothing.
    fn number(&mut self, field: &'static str, otherwise: usize) -> Option<usize> {
        match self.typed.text(field).trim() {
            "" => Some(otherwise),
            text => {
                let number = text.parse().map_err(|_| Error::invalid(field, "must be a whole number"));
                self.accept(number)
            }
        }
    }

    fn policy(&mut self) -> Option<PasswordPolicy> {
        let default = PasswordPolicy::DEFAULT;
        let min_length = self.number(field::MIN_LENGTH, default.min_length());
        let characters =
            [field::CAPITAL_LETTERS, field::LOWERCASE_LETTERS, field::DIGITS, field::SPECIAL_CHARACTERS]
                .map(|field| self.number(field, 0));
        let former = self.number(field::NOT_USED_SINCE, 0);
        let strength: PasswordStrength =
            self.typed.text(field::STRENGTH).parse().unwrap_or(default.strength());
        let policy = PasswordPolicy::new(min_length?, strength);
        if policy.is_none() {
            let lengths = PasswordPolicy::MIN_LENGTHS;
            let reason = format!("must be from {} to {}", lengths.start(), lengths.end());
            self.refuse(field::MIN_LENGTH, &reason);
        }
        let [Some(capital_letters), Some(lowercase_letters), Some(digits), Some(special_characters)] =
            characters
        else {
            return None;
        };
        let wanted = RequiredCharacters { capital_letters, lowercase_letters, digits, special_characters };
        let with_characters = policy?.with_characters(wanted);
        if with_characters.is_none() {
            let most = PasswordPolicy::MAX_LENGTH;
            let reason = format!("all of these together are more than the {most} characters of a password");
            self.refuse(field::CAPITAL_LETTERS, &reason);
        }
        let complete = with_characters?.with_former_passwords(former?);
        if complete.is_none() {
            let reason = format!("must be at most {}", PasswordPolicy::MAX_FORMER_PASSWORDS);
            self.refuse(field::NOT_USED_SINCE, &reason);
        }
        complete
    }

    /// How codes are made; what the form does not show stays as it is `now`.
    fn codes(&mut self, now: &OtpSettings) -> OtpSettings {
        let default = OneTimeCodeSettings::DEFAULT;
        let mut settings = now.clone();
        for (setting, length_field, ttl_field) in field::CODES {
            let length = self.number(length_field, default.length());
            let lifetime = self.duration(ttl_field).unwrap_or(default.lifetime());
            let Some(length) = length else { continue };
            if OneTimeCodeSettings::new(length, default.lifetime()).is_none() {
                let lengths = OneTimeCodeSettings::LENGTHS;
                self.refuse(length_field, &format!("must be from {} to {}", lengths.start(), lengths.end()));
            }
            if OneTimeCodeSettings::new(default.length(), lifetime).is_none() {
                self.refuse(ttl_field, "must be from a minute to 30 days");
            }
            let made = OneTimeCodeSettings::new(length, lifetime);
            settings.set(setting, made.filter(|made| *made != default));
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use base::{id::Id, time::Timestamp};

    use super::*;

    fn pool() -> IdentityPool {
        let now = Timestamp::from_millis(0);
        IdentityPool {
            name: "Users".into(),
            ..IdentityPool::new(Id::from_bits(1), Id::from_bits(2), Id::from_bits(3), now)
        }
    }

    /// The values of a pool with some of the fields typed over.
    fn typed(over: &[(&str, &str)]) -> FormValues {
        let own = field::values(&pool());
        let values = over.iter().fold(FormValues::new(), |values, (name, value)| values.with(name, value));
        let rest =
            [field::NAME, field::MIN_LENGTH, field::STRENGTH, field::PAYLOAD_SCHEMA, field::METADATA_SCHEMA];
        let rest = rest.into_iter().filter(|name| over.iter().all(|(other, _)| other != name));
        rest.fold(values, |values, name| values.with(name, own.text(name)))
    }

    #[test]
    fn what_the_form_shows_is_what_it_reads() {
        let change = read(&field::values(&pool()), &pool()).unwrap();
        let now = pool();
        assert_eq!(change.name.as_deref(), Some("Users"));
        assert_eq!(change.first_factors, Some(now.first_factors));
        assert_eq!(change.password_policy, Some(now.password_rules.policy));
        assert_eq!(change.password_expires_after, Some(None));
        assert_eq!(change.otp_settings, Some(now.otp_settings));
        assert_eq!(change.payload_schema, Some(now.payload_schema));
        assert_eq!(change.business_metadata_schema, Some(None));
        assert_eq!(change.identifier_case_insensitive, Some(true));
    }

    #[test]
    fn what_the_form_has_no_field_for_stays() {
        let mut now = pool();
        let own = OneTimeCodeSettings::new(8, Duration::from_secs(60));
        now.otp_settings.set(model::identity_pool::OtpSetting::Challenge, own);
        let change = read(&field::values(&now), &now).unwrap();
        assert_eq!(change.otp_settings.unwrap().get(model::identity_pool::OtpSetting::Challenge), own);
        assert!(
            change.metadata.is_none() && change.mfa_session_ttl.is_none() && change.hashing_method.is_none()
        );
    }

    #[test]
    fn a_second_step_for_everybody_is_a_threshold_above_zero() {
        let half = Number::from_f64(0.5);
        let ticked = IdentityPool { second_factor_threshold: half, ..pool() };
        assert_eq!(read(&field::values(&ticked), &ticked).unwrap().second_factor_threshold, None, "it stays");
        assert_eq!(
            read(&field::values(&ticked), &pool()).unwrap().second_factor_threshold,
            Some(Some(Number::from(1)))
        );
        assert_eq!(read(&field::values(&pool()), &ticked).unwrap().second_factor_threshold, Some(None));
    }

    #[test]
    fn what_cannot_be_read_is_told_at_its_field() {
        for (name, value) in [
            (field::BADGE_COLOR, "red"),
            (field::MIN_LENGTH, "7"),
            (field::MIN_LENGTH, "many"),
            (field::DIGITS, "-1"),
            (field::CAPITAL_LETTERS, "129"),
            (field::NOT_USED_SINCE, "25"),
            (field::EXPIRES_AFTER, "90"),
            (field::PAYLOAD_SCHEMA, "nothing"),
            ("otp_settings.activation.length", "5"),
            ("otp_settings.reset_totp.ttl", "31 days"),
        ] {
            let errors = read(&typed(&[(name, value)]), &pool()).unwrap_err();
            assert!(errors.of(name).is_some(), "{name} {value}: {errors:?}");
        }
        let gone = Error::not_found(IdentitySchemaKind::NOUN, "schema_x");
        let told = errors(gone, &typed(&[(field::METADATA_SCHEMA, "schema_x")])).unwrap();
        assert!(told.of(field::METADATA_SCHEMA).is_some(), "{told:?}");
    }
}
