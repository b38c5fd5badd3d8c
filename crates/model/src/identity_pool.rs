//! Identity pools: stores of accounts, with the rules for who may be in them and how they prove who they are.

use std::time::Duration;

use base::{
    id::{EnvironmentId, IdentityPoolId, IdentitySchemaId, OrganizationId},
    time::Timestamp,
};
use serde_json::{Map, Number, Value, json};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::{
    account::{OneTimeCodePurpose, OneTimeCodeSettings, PasswordPolicy, PasswordRules},
    audit::{AuditTarget, Audited, audit_fields},
    color::Color,
    identity_schema::{SchemaRef, SystemSchema},
    organization_reference::PublicAlias,
};

/// How a user proves who they are, by SecureAuth's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum AuthenticationMechanism {
    /// A password.
    Password,
    /// A passkey.
    Webauthn,
    /// A code of an authenticator app (RFC 6238).
    Totp,
    /// A one-time code that is sent to the user, by whichever way.
    Otp,
    /// A one-time code by e-mail.
    EmailOtp,
    /// A one-time code by text message.
    SmsOtp,
}

impl AuthenticationMechanism {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Password => "Password",
            Self::Webauthn => "Passkey",
            Self::Totp => "Authenticator app",
            Self::Otp => "One-time code",
            Self::EmailOtp => "One-time code by e-mail",
            Self::SmsOtp => "One-time code by text message",
        }
    }

    /// Whether users are offered it. What is sent to them is stored and shown only.
    pub fn is_offered(self) -> bool {
        matches!(self, Self::Password | Self::Webauthn | Self::Totp)
    }
}

/// How SecureAuth would hash passwords. It is stored and shown; new hashes are always argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum HashingMethod {
    /// Argon2id.
    #[default]
    Argon2,
    /// bcrypt.
    Bcrypt,
    /// PBKDF2.
    Pbkdf2,
    /// SHA-2.
    Sha,
}

impl HashingMethod {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What one-time codes can be set for, by SecureAuth's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum OtpSetting {
    /// To activate an account.
    Activation,
    /// To sign in. Stored and shown only.
    Authentication,
    /// A second factor. Stored and shown only.
    Challenge,
    /// To add a passkey.
    EnrollWebauthn,
    /// To set another password.
    ResetPassword,
    /// To set another secret of an authenticator app.
    ResetTotp,
    /// To prove an address.
    VerifyAddress,
}

impl OtpSetting {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl From<OneTimeCodePurpose> for OtpSetting {
    fn from(purpose: OneTimeCodePurpose) -> Self {
        match purpose {
            OneTimeCodePurpose::Activation => Self::Activation,
            OneTimeCodePurpose::ResetPassword => Self::ResetPassword,
            OneTimeCodePurpose::ResetTotp => Self::ResetTotp,
            OneTimeCodePurpose::EnrollWebauthn => Self::EnrollWebauthn,
            OneTimeCodePurpose::VerifyAddress => Self::VerifyAddress,
        }
    }
}

/// How one-time codes are made, for each setting that differs from the default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OtpSettings([Option<OneTimeCodeSettings>; OtpSetting::VARIANTS.len()]);

impl OtpSettings {
    /// The setting, if one was made.
    pub fn get(&self, setting: OtpSetting) -> Option<OneTimeCodeSettings> {
        self.0.get(setting as usize).copied().flatten()
    }

    /// Makes a setting.
    pub fn set(&mut self, setting: OtpSetting, settings: Option<OneTimeCodeSettings>) {
        if let Some(place) = self.0.get_mut(setting as usize) {
            *place = settings;
        }
    }

    /// Length and seconds of each setting that was made.
    fn to_json(&self) -> Map<String, Value> {
        let made = OtpSetting::VARIANTS.iter().filter_map(|setting| Some((setting, self.get(*setting)?)));
        made.map(|(setting, settings)| {
            let value = json!({ "length": settings.length(), "seconds": settings.lifetime().as_secs() });
            (setting.as_str().to_owned(), value)
        })
        .collect()
    }

    /// How codes for this purpose are made.
    pub fn of(&self, purpose: OneTimeCodePurpose) -> OneTimeCodeSettings {
        self.get(purpose.into()).unwrap_or(OneTimeCodeSettings::DEFAULT)
    }
}

/// Which ways to prove who one is are allowed, and which is offered first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mechanisms {
    /// The allowed ones, without repetition.
    pub allowed: Vec<AuthenticationMechanism>,
    /// The one that is offered first; one of the allowed ones.
    pub preferred: Option<AuthenticationMechanism>,
}

/// One identity pool.
#[derive(Debug, Clone, PartialEq)]
pub struct IdentityPool {
    /// Its id.
    pub id: IdentityPoolId,
    /// The environment it is in.
    pub environment_id: EnvironmentId,
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// The id that a client chose for that organization.
    pub organization_alias: Option<PublicAlias>,
    /// The version of its settings: 1, and one more with each change.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// The colour of its badge.
    pub badge_color: Option<Color>,
    /// First factors.
    pub first_factors: Mechanisms,
    /// Second factors.
    pub second_factors: Mechanisms,
    /// The risk score from which no second factor is asked. There are no scores here: above zero a second factor is asked of
    /// everybody.
    pub second_factor_threshold: Option<Number>,
    /// How long a second factor counts. Stored and shown only.
    pub mfa_session_ttl: Option<Duration>,
    /// Whether identifiers that differ only in case are the same.
    pub identifier_case_insensitive: bool,
    /// Whether people may register themselves.
    pub public_registration_allowed: bool,
    /// What the profiles of users must look like.
    pub payload_schema: SchemaRef,
    /// What the metadata of users must look like.
    pub metadata_schema: SchemaRef,
    /// What the business metadata of users must look like.
    pub business_metadata_schema: Option<SchemaRef>,
    /// Anything that administrators write about the pool.
    pub metadata: Map<String, Value>,
    /// What is asked of passwords.
    pub password_rules: PasswordRules,
    /// How SecureAuth would hash passwords.
    pub hashing_method: HashingMethod,
    /// How one-time codes are made.
    pub otp_settings: OtpSettings,
    /// Whether users may reset their credentials themselves.
    pub self_reset_allowed: bool,
    /// How many users it has.
    pub number_of_users: i64,
    /// How many of them were made at their first login.
    pub number_of_jit_users: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl IdentityPool {
    /// A new pool of an organization, without any setting: passwords and passkeys, the default rules and schemas.
    pub fn new(
        id: IdentityPoolId,
        environment_id: EnvironmentId,
        organization_id: OrganizationId,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            environment_id,
            organization_id,
            organization_alias: None,
            version: 1,
            name: String::new(),
            description: String::new(),
            badge_color: None,
            first_factors: Mechanisms {
                allowed: vec![AuthenticationMechanism::Password, AuthenticationMechanism::Webauthn],
                preferred: Some(AuthenticationMechanism::Password),
            },
            second_factors: Mechanisms::default(),
            second_factor_threshold: None,
            mfa_session_ttl: None,
            identifier_case_insensitive: true,
            public_registration_allowed: false,
            payload_schema: SchemaRef::System(SystemSchema::User),
            metadata_schema: SchemaRef::System(SystemSchema::Metadata),
            business_metadata_schema: None,
            metadata: Map::new(),
            password_rules: PasswordRules::DEFAULT,
            hashing_method: HashingMethod::default(),
            otp_settings: OtpSettings::default(),
            self_reset_allowed: true,
            number_of_users: 0,
            number_of_jit_users: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// A new pool with the settings of this one, for another organization of its environment. It has no users.
    pub fn copied_to(&self, id: IdentityPoolId, organization_id: OrganizationId, now: Timestamp) -> Self {
        Self {
            id,
            organization_id,
            organization_alias: None,
            version: 1,
            number_of_users: 0,
            number_of_jit_users: 0,
            created_at: now,
            updated_at: now,
            ..self.clone()
        }
    }

    /// The environment's own schemas that it uses.
    pub fn own_schemas(&self) -> impl Iterator<Item = IdentitySchemaId> {
        [Some(self.payload_schema), Some(self.metadata_schema), self.business_metadata_schema]
            .into_iter()
            .flatten()
            .filter_map(SchemaRef::own)
    }

    /// The normal form of its name, by which lists are sorted and searched.
    pub fn name_key(&self) -> String {
        name_key(&self.name)
    }

    /// Whether it uses this schema.
    pub fn uses(&self, schema: IdentitySchemaId) -> bool {
        self.own_schemas().any(|own| own == schema)
    }

    /// Whether users can prove who they are by this mechanism, as a first factor.
    pub fn allows(&self, mechanism: AuthenticationMechanism) -> bool {
        mechanism.is_offered() && self.first_factors.allowed.contains(&mechanism)
    }

    /// Whether everybody has a second factor: the threshold is above zero, where there is no score of a risk to be compared with
    /// it. Zero, and none, are never below a score.
    pub fn requires_second_factor(&self) -> bool {
        self.second_factor_threshold
            .as_ref()
            .and_then(Number::as_f64)
            .is_some_and(|threshold| threshold > 0.0)
    }

    /// Whether users can have this mechanism as a second factor.
    pub fn allows_second(&self, mechanism: AuthenticationMechanism) -> bool {
        mechanism.is_offered() && self.second_factors.allowed.contains(&mechanism)
    }

    /// The policy for new passwords.
    pub fn password_policy(&self) -> PasswordPolicy {
        self.password_rules.policy
    }
}

/// The normal form of a name ([`IdentityPool::name_key`]).
pub fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

impl Audited for IdentityPool {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget {
            kind: "identity_pool",
            id: self.id.to_string(),
            organization_id: Some(self.organization_id),
        }
    }

    /// All settings but the metadata, which may hold anything.
    fn audit_fields(&self) -> Map<String, Value> {
        let names = |mechanisms: &Mechanisms| -> Vec<&str> {
            mechanisms.allowed.iter().map(|mechanism| mechanism.as_str()).collect()
        };
        let policy = self.password_policy();
        audit_fields! {
            "name": self.name,
            "description": self.description,
            "badgeColor": self.badge_color.map(|color| color.to_string()),
            "authenticationMechanisms": names(&self.first_factors),
            "preferredAuthenticationMechanism": self.first_factors.preferred.map(AuthenticationMechanism::as_str),
            "secondFactors": names(&self.second_factors),
            "preferredSecondFactor": self.second_factors.preferred.map(AuthenticationMechanism::as_str),
            "identifierCaseInsensitive": self.identifier_case_insensitive,
            "publicRegistrationAllowed": self.public_registration_allowed,
            "selfResetAllowed": self.self_reset_allowed,
            "secondFactorThreshold": self.second_factor_threshold,
            "mfaSessionSeconds": self.mfa_session_ttl.map(|time| time.as_secs()),
            "hashingMethod": self.hashing_method.as_str(),
            "oneTimeCodes": self.otp_settings.to_json(),
            "payloadSchema": self.payload_schema.to_string(),
            "metadataSchema": self.metadata_schema.to_string(),
            "businessMetadataSchema": self.business_metadata_schema.map(|schema| schema.to_string()),
            "passwordMinLength": policy.min_length(),
            "passwordStrength": policy.strength().as_str(),
            "passwordCapitalLetters": policy.characters().capital_letters,
            "passwordLowercaseLetters": policy.characters().lowercase_letters,
            "passwordDigits": policy.characters().digits,
            "passwordSpecialCharacters": policy.characters().special_characters,
            "formerPasswords": policy.former_passwords(),
            "passwordExpiresAfterSeconds": self.password_rules.expires_after.map(|time| time.as_secs()),
        }
    }
}
