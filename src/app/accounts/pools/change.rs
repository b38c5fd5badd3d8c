//! The settings of a pool, as they are asked for.

use std::{ops::RangeInclusive, time::Duration};

use model::{
    account::PasswordPolicy,
    color::Color,
    identity_pool::{AuthenticationMechanism, HashingMethod, IdentityPool, Mechanisms, OtpSettings},
    identity_schema::SchemaRef,
};
use serde_json::{Map, Number, Value};

use crate::app::{
    Error, Result, input,
    json_schema::{MAX_VALUE_BYTES, json_fits},
};

/// The maximum length of a pool's or a schema's name, in characters.
const MAX_NAME: usize = 255;

/// The maximum length of a description, in characters.
const MAX_DESCRIPTION: usize = 2000;

/// How long passwords and second factors can count: up to a hundred years.
const LIFETIMES: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(100 * 365 * 24 * 3600);

/// Settings of a pool, unvalidated. What is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct PoolChange {
    /// Its name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The colour of its badge.
    pub badge_color: Option<Option<Color>>,
    /// First factors. Where none is preferred, it is the password, else the first one.
    pub first_factors: Option<Mechanisms>,
    /// Second factors.
    pub second_factors: Option<Mechanisms>,
    /// The risk score from which no second factor is asked.
    pub second_factor_threshold: Option<Option<Number>>,
    /// How long a second factor counts.
    pub mfa_session_ttl: Option<Option<Duration>>,
    /// Whether identifiers that differ only in case are the same.
    pub identifier_case_insensitive: Option<bool>,
    /// Whether people may register themselves.
    pub public_registration_allowed: Option<bool>,
    /// What the profiles of users must look like.
    pub payload_schema: Option<SchemaRef>,
    /// What the metadata of users must look like.
    pub metadata_schema: Option<SchemaRef>,
    /// What the business metadata of users must look like.
    pub business_metadata_schema: Option<Option<SchemaRef>>,
    /// Anything that administrators write about the pool.
    pub metadata: Option<Map<String, Value>>,
    /// What is asked of new passwords.
    pub password_policy: Option<PasswordPolicy>,
    /// How long a password can be used.
    pub password_expires_after: Option<Option<Duration>>,
    /// How SecureAuth would hash passwords.
    pub hashing_method: Option<HashingMethod>,
    /// How one-time codes are made.
    pub otp_settings: Option<OtpSettings>,
    /// Whether users may reset their credentials themselves.
    pub self_reset_allowed: Option<bool>,
}

impl PoolChange {
    /// Validates the settings and makes them those of a pool. [`Error::Invalid`] names the setting as SecureAuth's API spells it.
    pub(super) fn apply_to(&self, pool: &mut IdentityPool) -> Result<()> {
        self.apply_texts(pool)?;
        self.apply_mechanisms(pool)?;
        set(&mut pool.identifier_case_insensitive, &self.identifier_case_insensitive);
        set(&mut pool.public_registration_allowed, &self.public_registration_allowed);
        set(&mut pool.payload_schema, &self.payload_schema);
        set(&mut pool.metadata_schema, &self.metadata_schema);
        set(&mut pool.business_metadata_schema, &self.business_metadata_schema);
        set(&mut pool.password_rules.policy, &self.password_policy);
        if let Some(time) = self.password_expires_after {
            check_lifetime("password_settings.expires_after", time)?;
            pool.password_rules.expires_after = time;
        }
        set(&mut pool.hashing_method, &self.hashing_method);
        set(&mut pool.otp_settings, &self.otp_settings);
        set(&mut pool.self_reset_allowed, &self.self_reset_allowed);
        Ok(())
    }

    fn apply_texts(&self, pool: &mut IdentityPool) -> Result<()> {
        if let Some(text) = &self.name {
            pool.name = name(text)?;
        }
        if let Some(text) = &self.description {
            pool.description = description(text)?;
        }
        set(&mut pool.badge_color, &self.badge_color);
        if let Some(metadata) = &self.metadata {
            if !json_fits(&Value::Object(metadata.clone()), MAX_VALUE_BYTES) {
                return Err(Error::invalid(
                    "metadata",
                    format!("must be at most {} KiB", MAX_VALUE_BYTES / 1024),
                ));
            }
            pool.metadata.clone_from(metadata);
        }
        Ok(())
    }

    fn apply_mechanisms(&self, pool: &mut IdentityPool) -> Result<()> {
        if let Some(wanted) = &self.first_factors {
            pool.first_factors = mechanisms("preferred_authentication_mechanism", wanted)?;
        }
        if let Some(wanted) = &self.second_factors {
            pool.second_factors = mechanisms("second_factor_preferred_authentication_mechanism", wanted)?;
        }
        if let Some(threshold) = &self.second_factor_threshold {
            let negative = |number: &Number| number.as_f64().is_none_or(|number| number < 0.0);
            if threshold.as_ref().is_some_and(negative) {
                return Err(Error::invalid("second_factor_threshold", "must not be negative"));
            }
            pool.second_factor_threshold.clone_from(threshold);
        }
        if let Some(time) = self.mfa_session_ttl {
            check_lifetime("mfa_session_ttl", time)?;
            pool.mfa_session_ttl = time;
        }
        Ok(())
    }
}

fn set<T: Clone>(setting: &mut T, wanted: &Option<T>) {
    if let Some(wanted) = wanted {
        setting.clone_from(wanted);
    }
}

/// A name, without the spaces around it.
pub(in crate::app::accounts) fn name(text: &str) -> Result<String> {
    let name = input::line("name", text.trim(), MAX_NAME)?;
    if name.is_empty() {
        return Err(Error::invalid("name", "is required"));
    }
    Ok(name)
}

/// A description, which may have several lines.
pub(in crate::app::accounts) fn description(text: &str) -> Result<String> {
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Error::invalid("description", "must not contain control characters"));
    }
    if text.chars().count() > MAX_DESCRIPTION {
        return Err(Error::invalid(
            "description",
            format!("must be at most {MAX_DESCRIPTION} characters long"),
        ));
    }
    Ok(text.to_owned())
}

fn check_lifetime(field: &'static str, time: Option<Duration>) -> Result<()> {
    if time.is_none_or(|time| LIFETIMES.contains(&time)) {
        return Ok(());
    }
    Err(Error::invalid(field, "must be from a second to a hundred years"))
}

/// Mechanisms without repetition, and one of them preferred. `field` is that of the preferred one.
fn mechanisms(field: &'static str, wanted: &Mechanisms) -> Result<Mechanisms> {
    let mut allowed: Vec<AuthenticationMechanism> = Vec::new();
    for mechanism in &wanted.allowed {
        if !allowed.contains(mechanism) {
            allowed.push(*mechanism);
        }
    }
    let password = AuthenticationMechanism::Password;
    let preferred = match wanted.preferred {
        Some(preferred) if !allowed.contains(&preferred) => {
            return Err(Error::invalid(field, "must be one of the mechanisms that are allowed"));
        }
        Some(preferred) => Some(preferred),
        None if allowed.contains(&password) => Some(password),
        None => allowed.first().copied(),
    };
    Ok(Mechanisms { allowed, preferred })
}

#[cfg(test)]
mod tests {
    use base::id::Id;
    use base::time::Timestamp;

    use super::*;

    fn pool() -> IdentityPool {
        IdentityPool::new(Id::from_bits(1), Id::from_bits(2), Id::from_bits(3), Timestamp::from_millis(0))
    }

    #[test]
    fn the_preferred_mechanism_is_one_that_is_allowed() {
        use AuthenticationMechanism::{Password, Totp, Webauthn};
        for (allowed, preferred, expected) in [
            (&[Webauthn, Password, Webauthn][..], None, Some(Some(Password))),
            (&[Webauthn, Totp], None, Some(Some(Webauthn))),
            (&[Webauthn, Totp], Some(Totp), Some(Some(Totp))),
            (&[Webauthn], Some(Password), None),
            (&[], None, Some(None)),
            (&[], Some(Password), None),
        ] {
            let mut pool = pool();
            let wanted = Mechanisms { allowed: allowed.to_vec(), preferred };
            let change = PoolChange { first_factors: Some(wanted), ..PoolChange::default() };
            let applied = change.apply_to(&mut pool).ok().map(|()| pool.first_factors.preferred);
            assert_eq!(applied, expected, "{allowed:?} {preferred:?}");
        }
    }

    #[test]
    fn settings_have_bounds() {
        let too_long = Duration::from_secs(101 * 365 * 24 * 3600);
        for (change, field) in [
            (PoolChange { name: Some("  ".to_owned()), ..PoolChange::default() }, "name"),
            (PoolChange { name: Some("x".repeat(256)), ..PoolChange::default() }, "name"),
            (PoolChange { name: Some("a\nb".to_owned()), ..PoolChange::default() }, "name"),
            (PoolChange { description: Some("\u{7}".to_owned()), ..PoolChange::default() }, "description"),
            (PoolChange { description: Some("x".repeat(2001)), ..PoolChange::default() }, "description"),
            (
                PoolChange { mfa_session_ttl: Some(Some(Duration::ZERO)), ..PoolChange::default() },
                "mfa_session_ttl",
            ),
            (
                PoolChange { password_expires_after: Some(Some(too_long)), ..PoolChange::default() },
                "password_settings.expires_after",
            ),
            (
                PoolChange { second_factor_threshold: Some(Number::from_f64(-0.5)), ..PoolChange::default() },
                "second_factor_threshold",
            ),
        ] {
            let refused = change.apply_to(&mut pool()).unwrap_err();
            assert!(matches!(&refused, Error::Invalid { field: named, .. } if named == field), "{refused}");
        }
        let mut pool = pool();
        let change = PoolChange { name: Some(" People ".to_owned()), ..PoolChange::default() };
        change.apply_to(&mut pool).unwrap();
        assert_eq!(pool.name, "People");
    }
}
