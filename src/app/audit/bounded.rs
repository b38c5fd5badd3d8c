//! Entries about what changed nothing: reading what is confidential, failed sign-ins, refused actions. Anybody can repeat
//! them, so one of a kind is written in a minute, with the number of the others since.

use base::id::{AuditEventId, EnvironmentId, Id};
use model::audit::{AuditTarget, audit_fields};

use super::{Entry, actor_of, record_as};
use crate::app::{Error, Result, State, principal::Principal};

/// The number of the same since the last entry that were not recorded.
const LEFT_OUT: &str = "unrecorded";

/// Adds an entry, unless the same caller did the same to the same target within the last minute. Returns its id.
pub(in crate::app) async fn record_bounded(
    state: &State,
    environment_id: Option<EnvironmentId>,
    principal: &Principal,
    mut entry: Entry,
) -> Result<Option<AuditEventId>> {
    let actor = actor_of(principal.subject);
    let key = (environment_id, actor.kind, actor.id, entry.action.clone(), entry.target.id.clone());
    let Some(left_out) = state.audit_throttle.admit(&key, state.now()) else { return Ok(None) };
    if left_out > 0 {
        entry.after.insert(LEFT_OUT.to_owned(), left_out.into());
    }
    let id = Id::new(state.now(), &*state.random);
    let write = async {
        let mut tx = state.db.write().await?;
        record_as(&mut tx, state, id, environment_id, principal, entry).await?;
        tx.commit().await?;
        Ok::<_, Error>(Some(id))
    };
    let outcome = write.await;
    if outcome.is_err() {
        state.audit_throttle.forget(&key);
    }
    outcome
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
