//! The audit log: every change records, in its own transaction, the actor, the action, the target and the client
//! address.
//!
//! Actions are named `<kind>.<verb>`: `organization.created`, `saml_connection.updated`, `api_key.deleted`.
//! Entries hold the old and new values of what changed, without secrets. The database refuses to change them.

use std::collections::{BTreeMap, btree_map};

use serde_json::{Map, Value, json};

use super::{
    Error, Result, State,
    actor::{Actor, Credential, Principal},
    input,
    pagination::{List, Page, PageQuery, PageRequest},
};
use crate::{
    model::{
        audit::{self, AuditActor, AuditEvent, AuditTarget, Audited},
        email::Email,
        id::{AdministratorId, ApiKeyId, AuditEventId, EnvironmentId, Id, OrganizationId},
    },
    store::{PoolShare, Transaction, administrators, api_keys, audit_events, organizations},
};

pub use crate::store::audit_events::AuditFilter;

/// Records that `resource` was created.
pub(super) async fn created(
    tx: &mut Transaction,
    state: &State,
    actor: &Actor,
    resource: &impl Audited,
) -> Result<()> {
    change(tx, state, actor, resource, "created", Map::new(), resource.audit_fields()).await
}

/// Records the fields that changed; nothing if none did.
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

/// Records that `resource` was deleted.
pub(super) async fn deleted(
    tx: &mut Transaction,
    state: &State,
    actor: &Actor,
    resource: &impl Audited,
) -> Result<()> {
    change(tx, state, actor, resource, "deleted", resource.audit_fields(), Map::new()).await
}

async fn change(
    tx: &mut Transaction,
    state: &State,
    actor: &Actor,
    resource: &impl Audited,
    done: &str,
    before: Map<String, Value>,
    after: Map<String, Value>,
) -> Result<()> {
    let target = resource.audit_target();
    let action = format!("{}.{done}", target.kind);
    let entry = Entry { action, target, before, after };
    record(tx, state, Some(actor.environment()), &actor.principal(), entry).await
}

/// An audit entry for an action other than created, updated or deleted.
pub(super) struct Entry {
    /// The action: `scim_directory.bearer_token_rotated`.
    pub action: String,
    /// The resource it was done to.
    pub target: AuditTarget,
    /// Values before.
    pub before: Map<String, Value>,
    /// Values after.
    pub after: Map<String, Value>,
}

impl Entry {
    /// An entry for `resource`; `done` is the verb of the action.
    pub fn of(resource: &impl Audited, done: &str) -> Self {
        let target = resource.audit_target();
        Self { action: format!("{}.{done}", target.kind), target, before: Map::new(), after: Map::new() }
    }

    /// Sets the values after.
    pub fn with_values(self, after: Map<String, Value>) -> Self {
        Self { after, ..self }
    }
}

/// Adds an entry to the log of an environment, or of the installation (`None`).
pub(super) async fn record(
    tx: &mut Transaction,
    state: &State,
    environment_id: Option<EnvironmentId>,
    principal: &Principal,
    entry: Entry,
) -> Result<()> {
    let at = state.now();
    let event = AuditEvent {
        id: Id::new(at, &*state.random),
        environment_id,
        at,
        actor: actor_of(principal.credential),
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

/// The log of an environment, or of the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log(Option<EnvironmentId>);

impl Log {
    /// The log of the caller's environment.
    pub fn of(actor: &Actor) -> Result<Self> {
        Ok(Self(Some(actor.authorize_view()?)))
    }

    /// The log of the installation, for owners of every environment.
    pub fn of_installation(principal: &Principal) -> Result<Self> {
        principal.require_global_owner()?;
        Ok(Self(None))
    }

    /// One page, the newest first.
    pub async fn list(
        self,
        state: &State,
        filter: &AuditFilter,
        query: &PageQuery,
    ) -> Result<Page<AuditEvent>> {
        check(filter)?;
        let list = List::of(self.0.unwrap_or(EnvironmentId::from_bits(0)), "audit_events");
        let wanted = PageRequest::parse(state, &list, query)?;
        let mut conn = state.db.read().await?;
        let found = audit_events::list(&mut conn, self.0, filter, wanted.from, wanted.limit()).await?;
        Ok(wanted.page_of(state, &list, found, |event| event.id))
    }

    /// Starts an export of all entries that match a filter.
    pub fn export(self, filter: AuditFilter) -> Result<Export> {
        check(&filter)?;
        Ok(Export { log: self, filter, next: Some(None) })
    }
}

/// The maximum length of an id or an action in a filter.
const MAX_FILTER_LENGTH: usize = 200;

/// Validates a filter: PostgreSQL fails on a text with NUL.
fn check(filter: &AuditFilter) -> Result<()> {
    let texts = [("targetId", &filter.target_id), ("actorId", &filter.actor_id), ("action", &filter.action)];
    for (field, text) in texts {
        input::line(field, text.as_deref().unwrap_or_default(), MAX_FILTER_LENGTH)?;
    }
    Ok(())
}

/// One page of the environment's log, the newest first.
pub async fn list(
    state: &State,
    actor: &Actor,
    filter: &AuditFilter,
    query: &PageQuery,
) -> Result<Page<AuditEvent>> {
    Log::of(actor)?.list(state, filter, query).await
}

/// One page of the installation's log, the newest first.
pub async fn list_installation(
    state: &State,
    principal: &Principal,
    filter: &AuditFilter,
    query: &PageQuery,
) -> Result<Page<AuditEvent>> {
    Log::of_installation(principal)?.list(state, filter, query).await
}

/// How many entries an export reads at a time.
const EXPORT_BATCH: i64 = 200;

/// An export of a log, the newest first, in batches.
#[derive(Debug)]
pub struct Export {
    log: Log,
    filter: AuditFilter,
    /// The entry at which the next batch begins (`Some(None)`: the newest); `None` at the end.
    next: Option<Option<AuditEventId>>,
}

impl Export {
    /// The next entries as JSON lines ([`view`]); `None` at the end. Entries written during the export are not
    /// included.
    pub async fn next(&mut self, state: &State) -> Result<Option<Vec<u8>>> {
        let Some(from) = self.next else { return Ok(None) };
        let mut conn = state.db.with_share(PoolShare::Directory).read().await?;
        let mut found =
            audit_events::list(&mut conn, self.log.0, &self.filter, from, EXPORT_BATCH + 1).await?;
        let size = usize::try_from(EXPORT_BATCH).unwrap_or(usize::MAX);
        self.next = found.get(size).map(|event| Some(event.id));
        found.truncate(size);
        let mut lines = Vec::new();
        for event in &found {
            serde_json::to_writer(&mut lines, &view(event)).map_err(Error::internal)?;
            lines.push(b'\n');
        }
        Ok(Some(lines))
    }
}

/// An entry as JSON, for the API and exports.
pub fn view(event: &AuditEvent) -> Value {
    json!({
        "id": event.id,
        "environmentId": event.environment_id,
        "timestamp": event.at,
        "actor": { "type": event.actor.kind, "id": event.actor.id },
        "address": event.address,
        "action": event.action,
        "target": { "type": event.target_kind, "id": event.target_id },
        "organizationId": event.organization_id,
        "before": event.before,
        "after": event.after,
    })
}

/// Display names of what entries refer to. Deleted resources have none.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Administrators.
    pub administrators: BTreeMap<AdministratorId, Email>,
    /// API keys that have a display name.
    pub api_keys: BTreeMap<ApiKeyId, String>,
    /// Organizations of the environment.
    pub organizations: BTreeMap<OrganizationId, String>,
}

/// How many of an entry's other organizations are returned.
const MAX_SHARED_ORGANIZATIONS: usize = 10;

/// The first few organizations with which the entry's organization shares a domain since this entry.
pub fn shared_with(event: &AuditEvent) -> Vec<OrganizationId> {
    let domains = event.after.get("sharedDomains").and_then(Value::as_object);
    let others =
        domains.into_iter().flat_map(|domains| domains.values()).filter_map(Value::as_array).flatten();
    let mut ids: Vec<OrganizationId> = Vec::new();
    for id in others.filter_map(|id| id.as_str()?.parse().ok()) {
        if ids.len() >= MAX_SHARED_ORGANIZATIONS {
            break;
        }
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// The display names for a page of entries.
pub async fn names(state: &State, events: &[AuditEvent]) -> Result<Names> {
    let mut names = Names::default();
    let mut wanted: Vec<AdministratorId> = events
        .iter()
        .flat_map(|event| [event.actor.id.as_str(), event.target_id.as_str()])
        .filter_map(|id| id.parse().ok())
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut conn = state.db.read().await?;
    names.administrators.extend(administrators::list_emails(&mut conn, &wanted).await?);
    if let Some(environment_id) = events.first().and_then(|event| event.environment_id) {
        let mut wanted: Vec<OrganizationId> = events
            .iter()
            .filter_map(|event| event.organization_id)
            .chain(events.iter().flat_map(shared_with))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        names.organizations.extend(organizations::list_names(&mut conn, environment_id, &wanted).await?);
        for id in events.iter().filter_map(|event| event.actor.id.parse().ok()) {
            if let btree_map::Entry::Vacant(unknown) = names.api_keys.entry(id) {
                let found = api_keys::find(&mut conn, environment_id, id).await?;
                unknown.insert(found.map(|key| key.display_name).unwrap_or_default());
            }
        }
        names.api_keys.retain(|_, name| !name.trim().is_empty());
    }
    Ok(names)
}

/// The id of the actor with this e-mail address; any other text is taken as an id.
pub async fn actor_named(state: &State, text: &str) -> Result<String> {
    let Some(email) = Email::parse(text) else { return Ok(text.to_owned()) };
    let mut conn = state.db.read().await?;
    let found = administrators::find_by_email(&mut conn, &email).await?;
    // An unknown address matches no entry.
    Ok(found.map_or_else(|| text.to_owned(), |administrator| administrator.id.to_string()))
}

/// One entry of the environment's log.
pub async fn find(state: &State, actor: &Actor, id: AuditEventId) -> Result<AuditEvent> {
    let environment_id = actor.authorize_view()?;
    let mut conn = state.db.read().await?;
    let found = audit_events::find(&mut conn, Some(environment_id), id).await?;
    found.ok_or_else(|| Error::not_found("audit event", id))
}
