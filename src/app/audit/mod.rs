//! The audit log: every change records, in its own transaction, the actor, the action, the target and the client
//! address.
//!
//! What changes nothing and is recorded all the same (what is confidential was read or exported, a sign-in failed, an action was
//! refused) is bounded: `record_bounded`.
//!
//! Actions are named `<kind>.<verb>`: `organization.created`, `saml_connection.updated`, `api_key.deleted`.
//! Entries hold the old and new values of what changed, without secrets. The database refuses to change them.

mod bounded;
mod entry;
mod log;
mod names;
mod throttle;

use base::{
    id::{AuditEventId, EnvironmentId, Id},
    random::Random,
    time::Timestamp,
};
use model::audit::{self, AuditEvent, Audited, audit_fields};
use serde_json::{Map, Value};

use super::{
    Result, State,
    principal::{Principal, Subject},
};
use crate::store::{self, Db, Transaction, audit_events};

pub(super) use bounded::record_bounded;
pub use bounded::{drain_bounded, flush_bounded, refused};
pub(super) use entry::{Entry, actor_of};
pub use log::{AuditFilter, Export, Log, find, list, list_installation, view};
pub use names::{Names, actor_named, members, names, names_in, shared_with};
pub use throttle::AuditThrottle;

/// Records that `resource` was created.
pub(super) async fn created(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    resource: &impl Audited,
) -> Result<()> {
    change(tx, state, principal, resource, "created", Map::new(), resource.audit_fields()).await
}

/// Records the fields that changed; nothing if none did.
pub(super) async fn updated<T: Audited>(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    before: &T,
    after: &T,
) -> Result<()> {
    let (old, new) = audit::difference(&before.audit_fields(), &after.audit_fields());
    if old.is_empty() {
        return Ok(());
    }
    change(tx, state, principal, after, "updated", old, new).await
}

/// Records that `resource` was deleted.
pub(super) async fn deleted(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    resource: &impl Audited,
) -> Result<()> {
    change(tx, state, principal, resource, "deleted", resource.audit_fields(), Map::new()).await
}

async fn change(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    resource: &impl Audited,
    done: &str,
    before: Map<String, Value>,
    after: Map<String, Value>,
) -> Result<()> {
    let target = resource.audit_target();
    let action = format!("{}.{done}", target.kind);
    let entry = Entry { action, target, before, after };
    record(tx, state, Some(principal.environment()?), principal, entry).await
}

/// Adds an entry to the log of an environment, or of the installation (`None`).
pub(super) async fn record(
    tx: &mut Transaction,
    state: &State,
    environment_id: Option<EnvironmentId>,
    principal: &Principal,
    entry: Entry,
) -> Result<()> {
    let id = Id::new(state.now(), &*state.random);
    record_as(tx, state, id, environment_id, principal, entry).await
}

/// Adds an entry with this id.
async fn record_as(
    tx: &mut Transaction,
    state: &State,
    id: AuditEventId,
    environment_id: Option<EnvironmentId>,
    principal: &Principal,
    entry: Entry,
) -> Result<()> {
    let at = state.now();
    let event = AuditEvent {
        id,
        environment_id,
        at,
        actor: actor_of(principal.subject),
        address: principal.address,
        action: entry.action,
        target_kind: entry.target.kind.to_owned(),
        target_id: entry.target.id,
        organization_id: entry.target.organization_id,
        before: entry.before,
        after: entry.after,
    };
    Ok(audit_events::insert(tx, &event).await?)
}

/// Records that the operator applied migrations.
pub async fn record_migrations(
    db: &Db,
    now: Timestamp,
    random: &dyn Random,
    applied: &[String],
) -> Result<()> {
    let mut tx = db.write().await?;
    record_of_database(&mut tx, (now, random), "migrated", audit_fields! { "applied": applied }).await?;
    Ok(tx.commit().await?)
}

/// Records that a backup of this time was put in the place of the database.
pub async fn record_restoration(
    db: &Db,
    now: Timestamp,
    random: &dyn Random,
    made_at: Timestamp,
) -> Result<()> {
    let mut tx = db.write().await?;
    let made_at = made_at.to_string();
    record_of_database(&mut tx, (now, random), "restored", audit_fields! { "backupMadeAt": made_at }).await?;
    Ok(tx.commit().await?)
}

/// Records what an operator did with the database as a whole.
pub(super) async fn record_of_database(
    tx: &mut Transaction,
    (now, random): (Timestamp, &dyn Random),
    verb: &str,
    after: Map<String, Value>,
) -> store::Result<()> {
    let event = AuditEvent {
        id: Id::new(now, random),
        environment_id: None,
        at: now,
        actor: actor_of(Subject::Operator),
        address: None,
        action: format!("database.{verb}"),
        target_kind: "database".to_owned(),
        target_id: String::new(),
        organization_id: None,
        before: Map::new(),
        after,
    };
    audit_events::insert(tx, &event).await
}
