//! Entries about what changed nothing: reading what is confidential, failed sign-ins, refused actions. Anybody can repeat
//! them, so one of a kind is written in a minute, and the number of the others with the next one or after the minute.

use std::time::Duration;

use base::{
    id::{AuditEventId, EnvironmentId, Id},
    time::Timestamp,
};
use model::audit::{AuditTarget, audit_fields};

use super::{
    Entry, actor_of, record_as,
    throttle::{Occurrence, Unwritten},
};
use crate::{
    app::{Result, State, principal::Principal},
    telemetry,
};

/// The number of the same since the last entry that were not recorded.
const LEFT_OUT: &str = "unrecorded";

/// How long a shutdown tries to write the counts of what was left out.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Adds an entry, unless the same caller did the same to the same target within the last minute, from the same network and
/// with the same values. Returns its id.
pub(in crate::app) async fn record_bounded(
    state: &State,
    environment_id: Option<EnvironmentId>,
    principal: &Principal,
    entry: Entry,
) -> Result<Option<AuditEventId>> {
    let occurrence = Occurrence { environment_id, principal: *principal, entry };
    match state.audit_throttle.admit(occurrence, state.now()) {
        Some(unwritten) => write(state, unwritten).await,
        None => Ok(None),
    }
}

/// Writes what was left out in minutes that are over, each with the values of the last one.
pub async fn flush_bounded(state: &State) -> Result<()> {
    write_left_out(state, Some(state.now())).await
}

/// Writes all that was left out, at the server's stop.
pub async fn drain_bounded(state: &State) {
    match tokio::time::timeout(STOP_TIMEOUT, write_left_out(state, None)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let cause = telemetry::error_chain(&error);
            tracing::error!(cause, "the last counts of the audit log could not be written");
        }
        Err(_) => tracing::error!("the last counts of the audit log could not be written in time"),
    }
}

async fn write_left_out(state: &State, now: Option<Timestamp>) -> Result<()> {
    loop {
        let unwritten = state.audit_throttle.take_left_out(now);
        if write(state, unwritten).await?.is_none() {
            return Ok(());
        }
    }
}

/// Writes them. Returns the id of the first.
async fn write(state: &State, unwritten: Unwritten<'_>) -> Result<Option<AuditEventId>> {
    if unwritten.items().is_empty() {
        return Ok(None);
    }
    let mut first = None;
    let mut tx = state.db.write().await?;
    for item in unwritten.items() {
        let Occurrence { environment_id, principal, mut entry } = item.occurrence.clone();
        if item.left_out > 0 {
            entry.after.insert(LEFT_OUT.to_owned(), item.left_out.into());
        }
        let id = Id::new(state.now(), &*state.random);
        record_as(&mut tx, state, id, environment_id, &principal, entry).await?;
        first.get_or_insert(id);
    }
    tx.commit().await?;
    unwritten.written();
    Ok(first)
}

/// Records that the caller was refused an action for want of permission: `method` and `route` of the request. It is written
/// to the log of the caller's environment, or of the installation.
pub async fn refused(state: &State, principal: &Principal, method: &str, route: &str) {
    let actor = actor_of(principal.subject);
    let target = match actor.kind.as_str() {
        "administrator" => "administrator",
        "api_key" => "api_key",
        "setup_link" => "setup_link",
        _ => return,
    };
    let entry = Entry {
        action: format!("{target}.refused"),
        target: AuditTarget { kind: target, id: actor.id, organization_id: None },
        before: serde_json::Map::new(),
        after: audit_fields! { "method": method, "route": route },
    };
    let environment_id = principal.environment().ok();
    if let Err(error) = record_bounded(state, environment_id, principal, entry).await {
        tracing::warn!(%error, "a refusal could not be recorded");
    }
}
