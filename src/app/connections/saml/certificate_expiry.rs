//! Warnings before certificates of identity providers expire, once for each of [`EXPIRY_WARNINGS`].
//!
//! A login is never refused for an expired certificate (SAML 2.0 Metadata Interoperability Profile §2.6.1), but
//! a provider usually replaces its key then, and logins fail until the new certificate is registered.

use std::time::Duration;

use base::time::Timestamp;
use model::{
    event::EventKind,
    saml_connection::{EXPIRY_WARNINGS, last_expiry},
};
use serde_json::json;

use crate::{
    app::{
        Result, State,
        events::{self, NewEvent},
    },
    store::{self, certificate_expiries::DueWarning},
    telemetry,
};

/// How many connections are read at a time.
const BATCH: i64 = 200;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Records a warning for every certificate whose next step is due. Returns the number of warnings; another
/// replica may have recorded some of them.
pub async fn warn(state: &State) -> Result<usize> {
    let mut warned = 0;
    loop {
        let now = state.now();
        let due = {
            let mut conn = state.db.read().await?;
            store::certificate_expiries::list_warnings_due(&mut conn, now, BATCH).await?
        };
        let mut failure = None;
        for warning in &due {
            // One that fails does not keep the others waiting.
            match warn_once(state, warning, now).await {
                Ok(done) => warned += usize::from(done),
                Err(error) => failure = Some(error),
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        if due.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
            return Ok(warned);
        }
    }
}

async fn warn_once(state: &State, due: &DueWarning, now: Timestamp) -> Result<bool> {
    let (step, next) = step(due.expires_at, now);
    let mut tx = state.db.write().await?;
    if !store::certificate_expiries::claim_warning(&mut tx, due, next).await? {
        return Ok(false); // another replica recorded it, or the certificates have changed
    }
    let event = NewEvent {
        environment: &due.environment_id,
        organization: &due.organization_id,
        directory: None,
        kind: EventKind::CertificateExpiring,
        resource: due.id.to_string(),
        data: json!({
            "within": name(step),
            "expiresAt": due.expires_at,
            "idpEntityId": due.idp_entity_id,
            "idpMetadataUrl": due.idp_metadata_url,
        }),
    };
    events::record(&mut tx, now, event).await?;
    tx.commit().await?;
    tracing::info!(connection = %due.id, within = name(step), "a connection's last certificate expires");
    Ok(true)
}

/// The step of [`EXPIRY_WARNINGS`] that is due, and when the next one is.
fn step(expires_at: Timestamp, now: Timestamp) -> (Duration, Option<Timestamp>) {
    let due_steps = EXPIRY_WARNINGS.iter().filter(|step| expires_at - **step <= now).count().max(1);
    let next = EXPIRY_WARNINGS.get(due_steps).map(|step| expires_at - *step);
    (EXPIRY_WARNINGS[due_steps - 1], next)
}

/// `30d`, `1d`, `expired`.
fn name(step: Duration) -> String {
    match step.as_secs() / DAY.as_secs() {
        0 => "expired".to_owned(),
        days => format!("{days}d"),
    }
}

/// Fills in the expiry of certificates that were stored before the column existed.
pub async fn backfill(state: &State) -> Result<()> {
    let mut from = None;
    loop {
        let unread = {
            let mut conn = state.db.read().await?;
            store::certificate_expiries::list_missing(&mut conn, from, BATCH).await?
        };
        let mut tx = state.db.write().await?;
        for (id, certificates) in &unread {
            if let Some(expires_at) = last_expiry(certificates) {
                store::certificate_expiries::update(&mut tx, *id, certificates, expires_at).await?;
            }
        }
        tx.commit().await?;
        match unread.last() {
            Some((last, _)) if unread.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX) => {
                from = Some(base::id::Id::from_bits(last.bits().saturating_add(1)));
            }
            _ => return Ok(()),
        }
    }
}

/// Reports for `/metrics` how many connections' last certificates expire soon.
pub async fn observe(state: &State) -> Result<()> {
    let now = state.now();
    let mut conn = state.db.read().await?;
    let expired = store::certificate_expiries::count_expiring(&mut conn, None, now).await?;
    for (within, days) in [("7d", 7), ("30d", 30)] {
        let until = now + DAY * days;
        let count = store::certificate_expiries::count_expiring(&mut conn, Some(now), until).await?;
        telemetry::certificates_expiring(within, count);
    }
    telemetry::certificates_expiring("expired", expired);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_comes_once_and_names_the_next() {
        let end = Timestamp::from_seconds(100 * 86_400);
        let at = |days_before: i64| Timestamp::from_seconds((100 - days_before) * 86_400);
        for (days_left, now, next) in [
            (30, "30d", Some(14)),
            (20, "30d", Some(14)),
            (14, "14d", Some(7)),
            (10, "14d", Some(7)),
            (7, "7d", Some(1)),
            (1, "1d", Some(0)),
            (0, "expired", None),
            (-500, "expired", None),
        ] {
            let (step, then) = step(end, at(days_left));
            assert_eq!((name(step).as_str(), then), (now, next.map(at)), "{days_left} days left");
        }
    }
}
