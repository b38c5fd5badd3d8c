//! What callers send about identity pools.

use std::time::Duration;

use base::id::{Id, IdKind as _, IdentityPoolId, IdentitySchemaKind};
use model::{
    account::{OneTimeCodeSettings, PasswordPolicy, PasswordStrength, RequiredCharacters},
    color::Color,
    identity_pool::{AuthenticationMechanism, IdentityPool, Mechanisms, OtpSetting, OtpSettings},
    identity_schema::SchemaRef,
};
use serde::Deserialize;
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;

use crate::{
    app::{Error, Result, accounts::pools::PoolChange, input::quoted},
    http::secureauth::{
        durations,
        names::{named, optional},
    },
};

/// What is asked of new passwords.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthPasswordPolicyInput)]
pub struct PasswordPolicyBody {
    /// How many characters there are at the least: 8 to 128, 12 unless said.
    min_length: Option<usize>,
    /// How many capital letters.
    capital_letters: Option<usize>,
    /// How many lower-case letters.
    lowercase_letters: Option<usize>,
    /// How many digits.
    digits: Option<usize>,
    /// How many characters that are neither letters nor digits.
    special_characters: Option<usize>,
    /// How many of the passwords before cannot be used again: up to 24.
    not_used_since: Option<usize>,
    /// How hard it is to guess: `any`, `weak`, `fair` (unless said), `strong` or `very_strong`.
    #[schema(example = "fair")]
    strength: Option<String>,
}

impl PasswordPolicyBody {
    fn parse(&self) -> Result<PasswordPolicy> {
        let default = PasswordPolicy::DEFAULT;
        let strength: Option<PasswordStrength> =
            optional("password_policy.strength", self.strength.as_deref())?;
        let lengths = PasswordPolicy::MIN_LENGTHS;
        let policy = PasswordPolicy::new(
            self.min_length.unwrap_or(default.min_length()),
            strength.unwrap_or(default.strength()),
        );
        let policy = policy.ok_or_else(|| {
            let reason = format!("must be from {} to {}", lengths.start(), lengths.end());
            Error::invalid("password_policy.min_length", reason)
        })?;
        let characters = RequiredCharacters {
            capital_letters: self.capital_letters.unwrap_or(0),
            lowercase_letters: self.lowercase_letters.unwrap_or(0),
            digits: self.digits.unwrap_or(0),
            special_characters: self.special_characters.unwrap_or(0),
        };
        let policy = policy.with_characters(characters).ok_or_else(|| {
            let reason =
                format!("asks for more than the {} characters of a password", PasswordPolicy::MAX_LENGTH);
            Error::invalid("password_policy", reason)
        })?;
        policy.with_former_passwords(self.not_used_since.unwrap_or(0)).ok_or_else(|| {
            let reason = format!("must be at most {}", PasswordPolicy::MAX_FORMER_PASSWORDS);
            Error::invalid("password_policy.not_used_since", reason)
        })
    }
}

/// How passwords are kept.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = SecureauthPasswordSettingsInput)]
pub struct PasswordSettingsBody {
    /// `argon2`, `bcrypt`, `pbkdf2` or `sha`: kept and shown only.
    hashing_method: Option<String>,
    /// How long a password can be used; `0s` for as long as it is not changed.
    #[schema(example = "2160h")]
    expires_after: Option<String>,
}

/// How one-time codes for something are made.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthOtpConfigInput)]
pub struct OtpBody {
    /// How many digits: 6 to 32, 6 unless said.
    length: Option<usize>,
    /// How long they are good: a minute to 30 days, 15 minutes unless said.
    #[schema(example = "15m")]
    ttl: Option<String>,
}

impl OtpBody {
    /// The settings; `None` where they are the default ones.
    fn parse(&self, of: OtpSetting) -> Result<Option<OneTimeCodeSettings>> {
        let field = format!("otp_settings.{}", of.as_str());
        let default = OneTimeCodeSettings::DEFAULT;
        let ttl = durations::parse(format!("{field}.ttl"), self.ttl.as_deref().unwrap_or_default())?;
        let length = self.length.filter(|length| *length > 0).unwrap_or(default.length());
        let settings = OneTimeCodeSettings::new(length, ttl.unwrap_or(default.lifetime()));
        let settings = settings.ok_or_else(|| {
            let (lengths, times) = (OneTimeCodeSettings::LENGTHS, OneTimeCodeSettings::LIFETIMES);
            let written = |time: &Duration| durations::written(Some(*time));
            let reason = format!(
                "must have {} to {} digits and be good for {} to {}",
                lengths.start(),
                lengths.end(),
                written(times.start()),
                written(times.end())
            );
            Error::invalid(field, reason)
        })?;
        Ok(Some(settings).filter(|settings| *settings != default))
    }
}

/// How one-time codes are made.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthOtpSettingsInput)]
pub struct OtpSettingsBody {
    activation: Option<OtpBody>,
    /// Kept and shown only.
    authentication: Option<OtpBody>,
    /// Kept and shown only.
    challenge: Option<OtpBody>,
    enroll_webauthn: Option<OtpBody>,
    reset_password: Option<OtpBody>,
    reset_totp: Option<OtpBody>,
    verify_address: Option<OtpBody>,
}

impl OtpSettingsBody {
    fn parse(&self) -> Result<OtpSettings> {
        let mut settings = OtpSettings::default();
        for (setting, body) in [
            (OtpSetting::Activation, &self.activation),
            (OtpSetting::Authentication, &self.authentication),
            (OtpSetting::Challenge, &self.challenge),
            (OtpSetting::EnrollWebauthn, &self.enroll_webauthn),
            (OtpSetting::ResetPassword, &self.reset_password),
            (OtpSetting::ResetTotp, &self.reset_totp),
            (OtpSetting::VerifyAddress, &self.verify_address),
        ] {
            if let Some(body) = body {
                settings.set(setting, body.parse(setting)?);
            }
        }
        Ok(settings)
    }
}

/// What users may do about their credentials.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthResetCredentialsSettingsInput)]
pub struct ResetSettingsBody {
    /// Whether they may not reset them themselves.
    do_not_allow_users_to_self_reset_credentials: Option<bool>,
}

/// The settings of an identity pool. Those that are absent get their defaults.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthPoolInput)]
pub struct PoolBody {
    /// Of a new pool: 32 hexadecimal digits that you choose; random if absent.
    pub(super) id: Option<String>,
    /// Of a new pool: the organization that it belongs to; none if absent.
    pub(super) workspace_id: Option<String>,
    /// Its name.
    #[schema(example = "Customers", required = true)]
    name: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// The colour of its badge: `#rrggbb`, or empty.
    #[schema(example = "#007fff")]
    badge_color: Option<String>,
    /// First factors: `password`, `webauthn`, `totp`, `otp`, `email_otp`, `sms_otp`; the first two unless said. Users are
    /// offered the first three.
    #[schema(example = json!(["password", "webauthn"]))]
    authentication_mechanisms: Option<Vec<String>>,
    /// The one that is offered first: the password unless said.
    #[schema(example = "password")]
    preferred_authentication_mechanism: Option<String>,
    /// Second factors.
    second_factor_authentication_mechanisms: Option<Vec<String>>,
    /// The one that is offered first.
    second_factor_preferred_authentication_mechanism: Option<String>,
    /// Above 0 a second factor is asked of everybody: there are no risk scores here that it is compared with.
    #[schema(value_type = Option<f64>)]
    second_factor_threshold: Option<Number>,
    /// Kept and shown only.
    #[schema(example = "12h")]
    mfa_session_ttl: Option<String>,
    /// Whether user names that differ only in case are the same: yes unless said. Of a pool that is there it stays as it is
    /// unless said; it becomes so only where no two users become one (409).
    identifier_case_insensitive: Option<bool>,
    /// Whether people may register themselves.
    public_registration_allowed: Option<bool>,
    /// The schema of users' profiles: `user_v0` unless said.
    #[schema(example = "user_v0")]
    payload_schema_id: Option<String>,
    /// The schema of what administrators write about users: `metadata_v0` unless said.
    #[schema(example = "metadata_v0")]
    metadata_schema_id: Option<String>,
    /// The schema of what the organization's administrators write about users.
    business_metadata_schema_id: Option<String>,
    /// What you keep with the pool: up to 64 KiB.
    #[schema(value_type = Object, required = false)]
    metadata: Option<Map<String, Value>>,
    password_policy: Option<PasswordPolicyBody>,
    password_settings: Option<PasswordSettingsBody>,
    otp_settings: Option<OtpSettingsBody>,
    reset_credentials_settings: Option<ResetSettingsBody>,
}

fn mechanisms(
    (field, names): (&'static str, Option<&[String]>),
    (preferred_field, preferred): (&'static str, Option<&str>),
    default: Mechanisms,
) -> Result<Mechanisms> {
    let allowed = match names {
        None => default.allowed,
        Some(names) => names
            .iter()
            .enumerate()
            .map(|(at, name)| named::<AuthenticationMechanism>(format!("{field}[{at}]"), name))
            .collect::<Result<_>>()?,
    };
    Ok(Mechanisms { allowed, preferred: optional(preferred_field, preferred)? })
}

/// A schema by its id. What is no id is not found.
fn schema(text: Option<&str>) -> Result<Option<SchemaRef>> {
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(|_| Error::not_found(IdentitySchemaKind::NOUN, quoted(text))))
        .transpose()
}

fn duration(field: &'static str, text: Option<&str>) -> Result<Option<Duration>> {
    durations::parse(field, text.unwrap_or_default())
}

impl PoolBody {
    /// The id of a new pool, if the caller chose it.
    pub(super) fn new_id(&self) -> Result<Option<IdentityPoolId>> {
        let id = self.id.as_deref().filter(|id| !id.is_empty()).map(str::parse).transpose();
        id.map_err(|_| Error::invalid("id", "must be 32 hexadecimal digits"))
    }

    /// The settings that are asked for.
    pub(super) fn parse(&self) -> Result<PoolChange> {
        // What a pool begins with, for what is absent.
        let zero = base::time::Timestamp::from_millis(0);
        let default = IdentityPool::new(Id::from_bits(0), Id::from_bits(0), Id::from_bits(0), zero);
        let color = self.badge_color.as_deref().filter(|text| !text.is_empty());
        let color = color.map(|text| {
            Color::parse(text)
                .ok_or_else(|| Error::invalid("badge_color", "must be a colour such as #007fff"))
        });
        let passwords = self.password_settings.as_ref();
        let expires_after = passwords.and_then(|settings| settings.expires_after.as_deref());
        let hashing_method = passwords.and_then(|settings| settings.hashing_method.as_deref());
        let reset = self.reset_credentials_settings.as_ref();
        Ok(PoolChange {
            name: self.name.clone(),
            description: self.description.clone(),
            badge_color: Some(color.transpose()?),
            first_factors: Some(mechanisms(
                ("authentication_mechanisms", self.authentication_mechanisms.as_deref()),
                ("preferred_authentication_mechanism", self.preferred_authentication_mechanism.as_deref()),
                default.first_factors,
            )?),
            second_factors: Some(mechanisms(
                (
                    "second_factor_authentication_mechanisms",
                    self.second_factor_authentication_mechanisms.as_deref(),
                ),
                (
                    "second_factor_preferred_authentication_mechanism",
                    self.second_factor_preferred_authentication_mechanism.as_deref(),
                ),
                default.second_factors,
            )?),
            second_factor_threshold: Some(
                self.second_factor_threshold.clone().filter(|threshold| threshold.as_f64() != Some(0.0)),
            ),
            mfa_session_ttl: Some(duration("mfa_session_ttl", self.mfa_session_ttl.as_deref())?),
            identifier_case_insensitive: self.identifier_case_insensitive,
            public_registration_allowed: self.public_registration_allowed,
            payload_schema: schema(self.payload_schema_id.as_deref())?,
            metadata_schema: schema(self.metadata_schema_id.as_deref())?,
            business_metadata_schema: Some(schema(self.business_metadata_schema_id.as_deref())?),
            metadata: self.metadata.clone(),
            password_policy: self.password_policy.as_ref().map(PasswordPolicyBody::parse).transpose()?,
            password_expires_after: Some(duration("password_settings.expires_after", expires_after)?),
            hashing_method: optional("password_settings.hashing_method", hashing_method)?,
            otp_settings: self.otp_settings.as_ref().map(OtpSettingsBody::parse).transpose()?,
            self_reset_allowed: reset
                .and_then(|reset| reset.do_not_allow_users_to_self_reset_credentials)
                .map(|refused| !refused),
        })
    }
}
