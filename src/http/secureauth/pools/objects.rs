//! Identity pools as the surface shows them.

use model::{
    account::OneTimeCodeSettings,
    identity_pool::{AuthenticationMechanism, IdentityPool, Mechanisms, OtpSetting, OtpSettings},
    organization::root_id,
};
use serde::Serialize;
use serde_json::{Map, Number, Value};
use utoipa::ToSchema;

use crate::http::secureauth::{
    durations,
    reply::{hex_id, schema_id},
};

/// What is asked of new passwords.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthPasswordPolicy)]
pub struct PasswordPolicyObject {
    /// How many characters there are at the least.
    #[schema(example = 12)]
    min_length: usize,
    /// How many capital letters.
    capital_letters: usize,
    /// How many lower-case letters.
    lowercase_letters: usize,
    /// How many digits.
    digits: usize,
    /// How many characters that are neither letters nor digits.
    special_characters: usize,
    /// How many of the passwords before cannot be used again.
    not_used_since: usize,
    /// How hard it is to guess: `any`, `weak`, `fair`, `strong` or `very_strong`.
    #[schema(example = "fair")]
    strength: &'static str,
}

/// How passwords are kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthPasswordSettings)]
pub struct PasswordSettingsObject {
    /// Kept and shown; new passwords are always hashed by Argon2.
    #[schema(example = "argon2")]
    hashing_method: &'static str,
    /// How long a password can be used; `0s` for as long as it is not changed.
    #[schema(example = "2160h0m0s")]
    expires_after: String,
}

/// How one-time codes for something are made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthOtpConfig)]
pub struct OtpObject {
    /// How many digits.
    #[schema(example = 6)]
    length: usize,
    /// How long they are good.
    #[schema(example = "15m0s")]
    ttl: String,
}

/// How one-time codes are made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthOtpSettings)]
pub struct OtpSettingsObject {
    activation: OtpObject,
    /// Kept and shown only.
    authentication: OtpObject,
    /// Kept and shown only.
    challenge: OtpObject,
    enroll_webauthn: OtpObject,
    reset_password: OtpObject,
    reset_totp: OtpObject,
    verify_address: OtpObject,
}

/// What users may do about their credentials.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthResetCredentialsSettings)]
pub struct ResetSettingsObject {
    /// Whether they may not reset them themselves.
    do_not_allow_users_to_self_reset_credentials: bool,
}

/// An identity pool: a store of users, with its rules.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthPool)]
pub struct PoolObject {
    /// Its id: 32 hexadecimal digits.
    id: String,
    /// The environment, as issuers name it.
    tenant_id: String,
    /// The organization that it belongs to; empty for none.
    workspace_id: String,
    /// Its name.
    #[schema(example = "Customers")]
    name: String,
    /// What it is for.
    description: String,
    /// The colour of its badge; empty for none.
    #[schema(example = "#007fff")]
    badge_color: String,
    /// First factors: `password`, `webauthn`, `totp`, `otp`, `email_otp`, `sms_otp`. Users are offered the first three.
    #[schema(example = json!(["password", "webauthn"]))]
    authentication_mechanisms: Vec<&'static str>,
    /// The one that is offered first.
    #[schema(example = "password")]
    preferred_authentication_mechanism: &'static str,
    /// Second factors.
    second_factor_authentication_mechanisms: Vec<&'static str>,
    /// The one that is offered first; empty for none.
    second_factor_preferred_authentication_mechanism: &'static str,
    /// Above 0 a second factor is asked of everybody: there are no risk scores here that it is compared with.
    #[schema(value_type = f64)]
    second_factor_threshold: Number,
    /// Kept and shown only.
    #[schema(example = "0s")]
    mfa_session_ttl: String,
    /// Whether user names that differ only in case are the same.
    identifier_case_insensitive: bool,
    /// Whether people may register themselves.
    public_registration_allowed: bool,
    /// The schema of users' profiles.
    #[schema(example = "user_v0")]
    payload_schema_id: String,
    /// The schema of what administrators write about users.
    #[schema(example = "metadata_v0")]
    metadata_schema_id: String,
    /// The schema of what the organization's administrators write about users; empty for none.
    business_metadata_schema_id: String,
    /// What you keep with the pool.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    password_policy: PasswordPolicyObject,
    password_settings: PasswordSettingsObject,
    otp_settings: OtpSettingsObject,
    reset_credentials_settings: ResetSettingsObject,
    /// Whether nobody can change it: never.
    system: bool,
    /// Whether it was removed: never.
    deleted: bool,
    /// How many users it has.
    number_of_users: i64,
    /// How many of them were made at their first login.
    number_of_jit_users: i64,
    /// How many of them were not.
    number_of_standard_users: i64,
}

fn names(mechanisms: &Mechanisms) -> Vec<&'static str> {
    mechanisms.allowed.iter().map(|mechanism| mechanism.as_str()).collect()
}

fn preferred(mechanisms: &Mechanisms) -> &'static str {
    mechanisms.preferred.map(AuthenticationMechanism::as_str).unwrap_or_default()
}

fn otp(settings: &OtpSettings, of: OtpSetting) -> OtpObject {
    let settings = settings.get(of).unwrap_or(OneTimeCodeSettings::DEFAULT);
    OtpObject { length: settings.length(), ttl: durations::written(Some(settings.lifetime())) }
}

/// The organization of a pool, as the surface writes it.
pub(super) fn workspace_id(pool: &IdentityPool) -> String {
    match &pool.organization_alias {
        Some(alias) => alias.as_str().to_owned(),
        None if pool.organization_id == root_id(pool.environment_id) => String::new(),
        None => hex_id(pool.organization_id),
    }
}

impl PoolObject {
    pub(super) fn new(pool: IdentityPool, tenant: &str) -> Self {
        let (policy, otps) = (pool.password_policy(), &pool.otp_settings);
        Self {
            id: hex_id(pool.id),
            tenant_id: tenant.to_owned(),
            workspace_id: workspace_id(&pool),
            badge_color: pool.badge_color.map(|color| color.to_string()).unwrap_or_default(),
            authentication_mechanisms: names(&pool.first_factors),
            preferred_authentication_mechanism: preferred(&pool.first_factors),
            second_factor_authentication_mechanisms: names(&pool.second_factors),
            second_factor_preferred_authentication_mechanism: preferred(&pool.second_factors),
            second_factor_threshold: pool.second_factor_threshold.clone().unwrap_or_else(|| 0.into()),
            mfa_session_ttl: durations::written(pool.mfa_session_ttl),
            identifier_case_insensitive: pool.identifier_case_insensitive,
            public_registration_allowed: pool.public_registration_allowed,
            payload_schema_id: schema_id(pool.payload_schema),
            metadata_schema_id: schema_id(pool.metadata_schema),
            business_metadata_schema_id: pool.business_metadata_schema.map(schema_id).unwrap_or_default(),
            password_policy: PasswordPolicyObject {
                min_length: policy.min_length(),
                capital_letters: policy.characters().capital_letters,
                lowercase_letters: policy.characters().lowercase_letters,
                digits: policy.characters().digits,
                special_characters: policy.characters().special_characters,
                not_used_since: policy.former_passwords(),
                strength: policy.strength().as_str(),
            },
            password_settings: PasswordSettingsObject {
                hashing_method: pool.hashing_method.as_str(),
                expires_after: durations::written(pool.password_rules.expires_after),
            },
            otp_settings: OtpSettingsObject {
                activation: otp(otps, OtpSetting::Activation),
                authentication: otp(otps, OtpSetting::Authentication),
                challenge: otp(otps, OtpSetting::Challenge),
                enroll_webauthn: otp(otps, OtpSetting::EnrollWebauthn),
                reset_password: otp(otps, OtpSetting::ResetPassword),
                reset_totp: otp(otps, OtpSetting::ResetTotp),
                verify_address: otp(otps, OtpSetting::VerifyAddress),
            },
            reset_credentials_settings: ResetSettingsObject {
                do_not_allow_users_to_self_reset_credentials: !pool.self_reset_allowed,
            },
            system: false,
            deleted: false,
            number_of_users: pool.number_of_users,
            number_of_jit_users: pool.number_of_jit_users,
            number_of_standard_users: pool.number_of_users - pool.number_of_jit_users,
            name: pool.name,
            description: pool.description,
            metadata: pool.metadata,
        }
    }
}
