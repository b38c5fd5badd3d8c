//! The audit log: every change says, in the transaction that makes it, who did what to what, from where.
//!
//! Entries are `<kind>.<what was done>`: `organization.created`, `saml_connection.updated`,
//! `api_key.deleted`. They hold old and new values of what changed, without secrets; the database refuses
//! to change them afterwards.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    Error, Result, State,
    actor::{Actor, Author, Credential},
    page::{List, Page, PageQuery, Wanted},
};
use crate::{
    model::{
        audit::{self, AuditActor, AuditEvent, AuditTarget, Audited},
        id::{AuditEventId, EnvironmentId, Id},
    },
    store::{Transaction, administrators, api_keys, audit_events},
};

pub use crate::store::audit_events::AuditFilter;

/// Says that `thing` was made.
pub(super) async fn created(
    tx: &mut Transaction,
    state: &State,
    actor: &Actor,
    thing: &impl Audited,
) -> Result<()> {
    change(tx, state, actor, thing, "created", Map::new(), thing.audit_fields()).await
}

/// Says what of a thing changed; nothing, when nothing did.
pub(super) async fn updated<T: Audited>(
    tx: &mut Transaction,
    state: &State,
    actor: &Actor,
    before: &T,
    after: &T,
) -> Result<()> {
    let (old, new) = audit::difference(&before.audit_fields(), &after.audit_fields());
    if old.is_empty() {
        return Ok(());
    }
    change(tx, state, actor, after, "updated", old, new).await
}

/// Says that `thing` was deleted.
pub(super) async fn deleted(
    tx: &mut Transaction,
    state: &State,
    actor: &Actor,
    thing: &impl Audited,
) -> Result<()> {
    change(tx, state, actor, thing, "deleted", thing.audit_fields(), Map::new()).await
}

async fn change(
    tx: &mut Transaction,
    state: &State,
    actor: &Actor,
    thing: &impl Audited,
    done: &str,
    before: Map<String, Value>,
    after: Map<String, Value>,
) -> Result<()> {
    let target = thing.audit_target();
    let action = format!("{}.{done}", target.kind);
    let entry = Entry { action, target, before, after };
    record(tx, state, Some(actor.environment()), &actor.author(), entry).await
}

/// What was done to something, in whatever words fit.
pub(super) struct Entry {
    /// `scim_directory.bearer_token_rotated`.
    pub action: String,
    /// To what.
    pub target: AuditTarget,
    /// Values before.
    pub before: Map<String, Value>,
    /// Values after.
    pub after: Map<String, Value>,
}

impl Entry {
    /// Something was done to `thing`: `done` is the verb behind its kind.
    pub fn of(thing: &impl Audited, done: &str) -> Self {
        let target = thing.audit_target();
        Self { action: format!("{}.{done}", target.kind), target, before: Map::new(), after: Map::new() }
    }

    /// With facts about it.
    pub fn saying(self, after: Map<String, Value>) -> Self {
        Self { after, ..self }
    }
}

/// Adds an entry, in an environment or (`None`) about the installation as a whole.
pub(super) async fn record(
    tx: &mut Transaction,
    state: &State,
    environment_id: Option<EnvironmentId>,
    author: &Author,
    entry: Entry,
) -> Result<()> {
    let at = state.now();
    let event = AuditEvent {
        id: Id::new(at, &*state.random),
        environment_id,
        at,
        actor: actor_of(author.credential),
        address: author.address,
        action: entry.action,
        target_kind: entry.target.kind.to_owned(),
        target_id: entry.target.id,
        organization_id: entry.target.organization_id,
        before: entry.before,
        after: entry.after,
    };
    Ok(audit_events::insert(tx, &event).await?)
}

fn actor_of(credential: Credential) -> AuditActor {
    let (kind, id) = match credential {
        Credential::Administrator { id, .. } => ("administrator", id.to_string()),
        Credential::ApiKey { id, .. } => ("api_key", id.to_string()),
        Credential::SetupLink(grant) => ("setup_link", grant.id.to_string()),
        Credential::Operator => ("operator", String::new()),
        Credential::Service => ("service", String::new()),
    };
    AuditActor { kind: kind.to_owned(), id }
}

/// One page of the environment's log, the newest first.
pub async fn list(
    state: &State,
    actor: &Actor,
    filter: &AuditFilter,
    query: &PageQuery,
) -> Result<Page<AuditEvent>> {
    let environment_id = actor.viewed_environment()?;
    let list = List::of(environment_id, "audit_events");
    let wanted = Wanted::read(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found =
        audit_events::list(&mut conn, Some(environment_id), filter, wanted.from, wanted.limit()).await?;
    Ok(wanted.fill(state, &list, found, |event| event.id))
}

/// The names of those who made these entries, by their ids: administrators' addresses and what API keys
/// are called. Who is gone has none.
pub async fn names(state: &State, actor: &Actor, events: &[AuditEvent]) -> Result<BTreeMap<String, String>> {
    let environment_id = actor.viewed_environment()?;
    let mut conn = state.db.read().await?;
    let mut names = BTreeMap::new();
    for AuditActor { kind, id } in events.iter().map(|event| &event.actor) {
        if names.contains_key(id) {
            continue;
        }
        let name = match (kind.as_str(), id.parse(), id.parse()) {
            ("administrator", Ok(id), _) => {
                let found = administrators::find(&mut conn, id).await?;
                found.map(|administrator| administrator.email.to_string())
            }
            ("api_key", _, Ok(id)) => {
                api_keys::find(&mut conn, environment_id, id).await?.map(|key| key.display_name)
            }
            _ => None,
        };
        names.insert(id.clone(), name.unwrap_or_default());
    }
    Ok(names)
}

/// One page of what concerns the installation as a whole, the newest first.
pub async fn list_installation(
    state: &State,
    author: &Author,
    filter: &AuditFilter,
    query: &PageQuery,
) -> Result<Page<AuditEvent>> {
    author.owns_everything()?;
    let list = List::of(EnvironmentId::from_bits(0), "audit_events");
    let wanted = Wanted::read(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found = audit_events::list(&mut conn, None, filter, wanted.from, wanted.limit()).await?;
    Ok(wanted.fill(state, &list, found, |event| event.id))
}

/// One entry of the environment's log.
pub async fn find(state: &State, actor: &Actor, id: AuditEventId) -> Result<AuditEvent> {
    let environment_id = actor.viewed_environment()?;
    let mut conn = state.db.read().await?;
    let found = audit_events::find(&mut conn, Some(environment_id), id).await?;
    found.ok_or_else(|| Error::not_found("audit event", id))
}
