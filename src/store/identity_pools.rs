//! Identity pools. Their numbers of users are kept by the statements that add and remove users.

use std::time::Duration;

use base::{
    id::{EnvironmentId, EnvironmentKind, IdentityPoolId, IdentityPoolKind, OrganizationId},
    time::Timestamp,
};
use model::{
    account::{OneTimeCodeSettings, PasswordPolicy, PasswordRules, PasswordStrength, RequiredCharacters},
    color::Color,
    identity_pool::{AuthenticationMechanism, IdentityPool, Mechanisms, OtpSetting, OtpSettings, name_key},
    organization_reference::PublicAlias,
};
use serde_json::{Map, Number, Value, json};
use strum::VariantArray as _;

use super::{
    Conn, Error, Result, Sql, Transaction, columns,
    connection::{Row, Statement},
    sorted_lists::Named,
    table::{Key, ROW_LOCK, Table, locking, select_where},
};

impl Table for IdentityPool {
    type Kind = IdentityPoolKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "identity_pools";
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "name_key",
        "description",
        "badge_color",
        "authentication_mechanisms",
        "preferred_authentication_mechanism",
        "second_factors",
        "preferred_second_factor",
        "second_factor_threshold",
        "mfa_session_ttl",
        "identifier_case_insensitive",
        "public_registration_allowed",
        "payload_schema_id",
        "metadata_schema_id",
        "business_metadata_schema_id",
        "metadata",
        "password_policy",
        "password_expires_after",
        "hashing_method",
        "otp_settings",
        "self_reset_allowed",
        "updated_at",
    ];
    const FIXED: &'static [&'static str] = &["organization_id", "created_at"];
    const STAMPS: &'static [&'static str] = &["number_of_users", "number_of_jit_users"];
    const COMPUTED: &'static [(&'static str, &'static str)] = &[(
        "organization_alias",
        "(SELECT o.public_alias FROM organizations o WHERE o.id = identity_pools.organization_id \
         AND o.deleted_at IS NULL)",
    )];

    const CONDITION: &'static str = "identity_pools.deleted_at IS NULL";
    const REMOVAL: Option<&'static str> = Some("deleted_at = $3");

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.environment_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, at: Timestamp) {
        (self.version, self.updated_at) = (version, at);
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
            .bind(self.name.as_str())
            .bind(self.name_key())
            .bind(self.description.as_str())
            .bind(self.badge_color.map(|color| color.to_string()).unwrap_or_default())
            .bind(mechanisms_to_json(&self.first_factors.allowed))
            .bind(self.first_factors.preferred.map(AuthenticationMechanism::as_str))
            .bind(mechanisms_to_json(&self.second_factors.allowed))
            .bind(self.second_factors.preferred.map(AuthenticationMechanism::as_str))
            .bind(self.second_factor_threshold.as_ref().map(Number::to_string))
            .bind(self.mfa_session_ttl.map(millis))
            .bind(self.identifier_case_insensitive)
            .bind(self.public_registration_allowed)
            .bind(self.payload_schema.to_string())
            .bind(self.metadata_schema.to_string())
            .bind(self.business_metadata_schema.map(|schema| schema.to_string()))
            .bind(columns::object_to_json(&self.metadata))
            .bind(policy_to_json(self.password_rules.policy))
            .bind(self.password_rules.expires_after.map(millis))
            .bind(self.hashing_method.as_str())
            .bind(otp_to_json(&self.otp_settings))
            .bind(self.self_reset_allowed)
            .bind(self.updated_at)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement.bind(self.organization_id).bind(self.created_at)
    }

    fn read(row: &Row) -> Result<Self> {
        let mechanisms = |allowed, preferred| -> Result<Mechanisms> {
            Ok(Mechanisms {
                allowed: row.parse(allowed, mechanisms_from_json)?,
                preferred: row.parse_optional(preferred, columns::by_name)?,
            })
        };
        let duration = |column| -> Result<Option<Duration>> {
            let millis = row.get::<Option<i64>>(column)?;
            Ok(millis.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis))
        };
        Ok(Self {
            id: row.get("id")?,
            environment_id: row.get("environment_id")?,
            organization_id: row.get("organization_id")?,
            organization_alias: row
                .parse_optional("organization_alias", |text| PublicAlias::parse(text).ok())?,
            version: row.get("version")?,
            name: row.get("name")?,
            description: row.get("description")?,
            badge_color: row.parse("badge_color", |text| match text {
                "" => Some(None),
                text => Color::parse(text).map(Some),
            })?,
            first_factors: mechanisms("authentication_mechanisms", "preferred_authentication_mechanism")?,
            second_factors: mechanisms("second_factors", "preferred_second_factor")?,
            second_factor_threshold: row
                .parse_optional("second_factor_threshold", |text| serde_json::from_str(text).ok())?,
            mfa_session_ttl: duration("mfa_session_ttl")?,
            identifier_case_insensitive: row.get("identifier_case_insensitive")?,
            public_registration_allowed: row.get("public_registration_allowed")?,
            payload_schema: row.parse("payload_schema_id", columns::by_name)?,
            metadata_schema: row.parse("metadata_schema_id", columns::by_name)?,
            business_metadata_schema: row.parse_optional("business_metadata_schema_id", columns::by_name)?,
            metadata: row.parse("metadata", columns::object_from_json)?,
            password_rules: PasswordRules {
                policy: row.parse("password_policy", policy_from_json)?,
                expires_after: duration("password_expires_after")?,
            },
            hashing_method: row.parse("hashing_method", columns::by_name)?,
            otp_settings: row.parse("otp_settings", otp_from_json)?,
            self_reset_allowed: row.get("self_reset_allowed")?,
            number_of_users: row.get("number_of_users")?,
            number_of_jit_users: row.get("number_of_jit_users")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn mechanisms_to_json(mechanisms: &[AuthenticationMechanism]) -> String {
    Value::from(mechanisms.iter().map(|mechanism| mechanism.as_str()).collect::<Vec<_>>()).to_string()
}

fn mechanisms_from_json(text: &str) -> Option<Vec<AuthenticationMechanism>> {
    columns::list_from_json(text)?.iter().map(|name| name.parse().ok()).collect()
}

fn policy_to_json(policy: PasswordPolicy) -> String {
    let characters = policy.characters();
    json!({
        "min_length": policy.min_length(),
        "strength": policy.strength().as_str(),
        "capital_letters": characters.capital_letters,
        "lowercase_letters": characters.lowercase_letters,
        "digits": characters.digits,
        "special_characters": characters.special_characters,
        "former_passwords": policy.former_passwords(),
    })
    .to_string()
}

fn policy_from_json(text: &str) -> Option<PasswordPolicy> {
    let members = columns::object_from_json(text)?;
    let number = |name: &str| members.get(name)?.as_u64().and_then(|number| usize::try_from(number).ok());
    let strength: PasswordStrength = members.get("strength")?.as_str()?.parse().ok()?;
    PasswordPolicy::new(number("min_length")?, strength)?
        .with_characters(RequiredCharacters {
            capital_letters: number("capital_letters")?,
            lowercase_letters: number("lowercase_letters")?,
            digits: number("digits")?,
            special_characters: number("special_characters")?,
        })?
        .with_former_passwords(number("former_passwords")?)
}

fn otp_to_json(settings: &OtpSettings) -> String {
    let members: Map<String, Value> = OtpSetting::VARIANTS
        .iter()
        .filter_map(|setting| {
            let made = settings.get(*setting)?;
            let value = json!({ "length": made.length(), "lifetime": millis(made.lifetime()) });
            Some((setting.as_str().to_owned(), value))
        })
        .collect();
    columns::object_to_json(&members)
}

fn otp_from_json(text: &str) -> Option<OtpSettings> {
    let mut settings = OtpSettings::default();
    for (name, value) in columns::object_from_json(text)? {
        let length = usize::try_from(value.get("length")?.as_u64()?).ok()?;
        let lifetime = Duration::from_millis(value.get("lifetime")?.as_u64()?);
        settings.set(name.parse().ok()?, Some(OneTimeCodeSettings::new(length, lifetime)?));
    }
    Some(settings)
}

impl Named for IdentityPool {
    fn name_key_of(name: &str) -> String {
        name_key(name)
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// The condition of the pools of an organization, for a list. It has few, which are sorted for it.
pub fn in_organization(organization_id: OrganizationId) -> Sql {
    Sql::from(" AND identity_pools.organization_id = ").value(organization_id.to_string())
}

/// Up to `limit` pools of an organization, the root too, in the order of their ids.
pub async fn list_by_organization(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    limit: i64,
) -> Result<Vec<IdentityPool>> {
    select_where::<IdentityPool>(
        conn,
        "WHERE identity_pools.environment_id = $1 AND identity_pools.organization_id = $2 \
         ORDER BY identity_pools.id LIMIT $3",
    )
    .bind(environment_id)
    .bind(organization_id)
    .bind(limit)
    .all_of()
    .await
}

/// What the users of a pool may authenticate with first.
#[derive(Debug)]
pub struct FirstFactors {
    /// The pool.
    pub pool_id: IdentityPoolId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// What is allowed; empty for whatever there is.
    pub allowed: Vec<AuthenticationMechanism>,
}

impl FirstFactors {
    /// Whether any of them is offered: codes that are sent by e-mail or as a text message are not.
    pub fn are_offered(&self) -> bool {
        use AuthenticationMechanism::{EmailOtp, Otp, SmsOtp};
        self.allowed.is_empty() || self.allowed.iter().any(|one| ![Otp, EmailOtp, SmsOtp].contains(one))
    }
}

/// Up to `limit` pools of all environments from an id on, in the order of their ids.
pub async fn list_first_factors(
    conn: &mut Conn,
    from: IdentityPoolId,
    limit: i64,
) -> Result<Vec<FirstFactors>> {
    let rows: Vec<(IdentityPoolId, OrganizationId, String)> = conn
        .sql(
            "SELECT id, organization_id, authentication_mechanisms FROM identity_pools WHERE id >= $1 \
             AND deleted_at IS NULL ORDER BY id LIMIT $2",
        )
        .bind(from)
        .bind(limit)
        .all()
        .await?;
    rows.into_iter()
        .map(|(pool_id, organization_id, allowed)| {
            let inconsistent = || Error::Inconsistent {
                table: "identity_pools",
                column: "authentication_mechanisms",
                row: pool_id.to_string(),
            };
            let allowed = mechanisms_from_json(&allowed).ok_or_else(inconsistent)?;
            Ok(FirstFactors { pool_id, organization_id, allowed })
        })
        .collect()
}

/// How many pools an organization has.
pub async fn count_by_organization(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<i64> {
    let (count,): (i64,) = conn
        .sql(
            "SELECT COUNT(*) FROM identity_pools \
             WHERE environment_id = $1 AND organization_id = $2 AND deleted_at IS NULL",
        )
        .bind(environment_id)
        .bind(organization_id)
        .one()
        .await?;
    Ok(count)
}

/// The first pool of an organization.
pub async fn find_first(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<Option<IdentityPool>> {
    select_where::<IdentityPool>(
        conn,
        "WHERE identity_pools.environment_id = $1 AND identity_pools.organization_id = $2 \
         ORDER BY identity_pools.id LIMIT 1",
    )
    .bind(environment_id)
    .bind(organization_id)
    .optional_of()
    .await
}

/// Locks an organization, the root too, so that its pools change one after another. Returns whether it exists.
pub async fn lock_organization(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    id: OrganizationId,
) -> Result<bool> {
    let select = "SELECT id FROM organizations WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    let text = locking(tx.dialect(), select, ROW_LOCK);
    Ok(tx.sql(text).bind(environment_id).bind(id).optional::<(String,)>().await?.is_some())
}

/// Deletes a pool at once, if it has no user and no group. Returns whether it had none.
pub async fn delete_empty(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    id: IdentityPoolId,
) -> Result<bool> {
    let deleted = tx
        .sql(
            "DELETE FROM identity_pools WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL \
             AND NOT EXISTS (SELECT 1 FROM users u WHERE u.pool_id = identity_pools.id) \
             AND NOT EXISTS (SELECT 1 FROM user_groups g WHERE g.pool_id = identity_pools.id)",
        )
        .bind(environment_id)
        .bind(id)
        .execute()
        .await?;
    Ok(deleted == 1)
}

/// Removes the pools of an organization that is being removed. Their users and rows go later, in batches.
pub async fn remove_by_organization(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    now: Timestamp,
) -> Result<()> {
    tx.sql(
        "UPDATE identity_pools SET deleted_at = $3 \
         WHERE environment_id = $1 AND organization_id = $2 AND deleted_at IS NULL",
    )
    .bind(environment_id)
    .bind(organization_id)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}
