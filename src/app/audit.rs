//! The audit log: every change says, in the transaction that makes it, who did what to what, from where.
//!
//! Entries are `<kind>.<what was done>`: `organization.created`, `saml_connection.updated`,
//! `api_key.deleted`. They hold old and new values of what changed, without secrets; the database refuses
//! to change them afterwards.

use std::collections::{BTreeMap, btree_map};

use serde_json::{Map, Value, json};

use super::{
    Error, Result, State,
    actor::{Actor, Author, Credential},
    input,
    page::{List, Page, PageQuery, Wanted},
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

/// Whose log: an environment's, or that of what concerns the installation as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log(Option<EnvironmentId>);

impl Log {
    /// The log of the environment that a caller may look at.
    pub fn of(actor: &Actor) -> Result<Self> {
        Ok(Self(Some(actor.viewed_environment()?)))
    }

    /// The log of the installation, for whoever owns all of it.
    pub fn of_installation(author: &Author) -> Result<Self> {
        author.owns_everything()?;
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
        let wanted = Wanted::read(state, &list, query)?;
        let mut conn = state.db.read().await?;
        let found = audit_events::list(&mut conn, self.0, filter, wanted.from, wanted.limit()).await?;
        Ok(wanted.fill(state, &list, found, |event| event.id))
    }

    /// Begins to read all that a filter leaves.
    pub fn export(self, filter: AuditFilter) -> Result<Export> {
        check(&filter)?;
        Ok(Export { log: self, filter, next: Some(None) })
    }
}

/// How long an id or an action may be that is asked for.
const MOST_WANTED: usize = 200;

/// Refuses a filter that no entry can match: PostgreSQL fails where it is to compare with NUL.
fn check(filter: &AuditFilter) -> Result<()> {
    let texts = [("targetId", &filter.target_id), ("actorId", &filter.actor_id), ("action", &filter.action)];
    for (field, text) in texts {
        input::line(field, text.as_deref().unwrap_or_default(), MOST_WANTED)?;
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

/// One page of what concerns the installation as a whole, the newest first.
pub async fn list_installation(
    state: &State,
    author: &Author,
    filter: &AuditFilter,
    query: &PageQuery,
) -> Result<Page<AuditEvent>> {
    Log::of_installation(author)?.list(state, filter, query).await
}

/// How many entries of an export are in memory at once.
const EXPORTED_AT_ONCE: i64 = 200;

/// A log on its way out, the newest first, some entries at a time.
#[derive(Debug)]
pub struct Export {
    log: Log,
    filter: AuditFilter,
    /// Which entry the next piece begins at (`Some(None)`: the newest); `None` when all are out.
    next: Option<Option<AuditEventId>>,
}

impl Export {
    /// The next entries as JSON lines ([`view`]); `None` when that was all. Entries that are written
    /// meanwhile are newer than where it began and do not come.
    pub async fn next(&mut self, state: &State) -> Result<Option<Vec<u8>>> {
        let Some(from) = self.next else { return Ok(None) };
        let mut conn = state.db.with_share(PoolShare::Directory).read().await?;
        let mut found =
            audit_events::list(&mut conn, self.log.0, &self.filter, from, EXPORTED_AT_ONCE + 1).await?;
        let size = usize::try_from(EXPORTED_AT_ONCE).unwrap_or(usize::MAX);
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

/// An entry as the API and an export tell it.
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

/// What people call those whom entries name: what is deleted has no name here.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Administrators.
    pub administrators: BTreeMap<AdministratorId, Email>,
    /// API keys that people gave a name.
    pub api_keys: BTreeMap<ApiKeyId, String>,
    /// Organizations of the environment.
    pub organizations: BTreeMap<OrganizationId, String>,
}

/// How many of an entry's other organizations are named.
const MAX_SHARED: usize = 10;

/// With which organizations the entry's organization shares domains from then on: the first few.
pub fn shared_with(event: &AuditEvent) -> Vec<OrganizationId> {
    let domains = event.after.get("sharedDomains").and_then(Value::as_object);
    let others =
        domains.into_iter().flat_map(|domains| domains.values()).filter_map(Value::as_array).flatten();
    let mut ids: Vec<OrganizationId> = Vec::new();
    for id in others.filter_map(|id| id.as_str()?.parse().ok()) {
        if ids.len() >= MAX_SHARED {
            break;
        }
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// The names of those whom a page of entries names.
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

/// Whose id `text` is, or whose e-mail address: an id is its own.
pub async fn actor_named(state: &State, text: &str) -> Result<String> {
    let Some(email) = Email::parse(text) else { return Ok(text.to_owned()) };
    let mut conn = state.db.read().await?;
    let found = administrators::find_by_email(&mut conn, &email).await?;
    // Nobody's: an id that nobody has.
    Ok(found.map_or_else(|| text.to_owned(), |administrator| administrator.id.to_string()))
}

/// One entry of the environment's log.
pub async fn find(state: &State, actor: &Actor, id: AuditEventId) -> Result<AuditEvent> {
    let environment_id = actor.viewed_environment()?;
    let mut conn = state.db.read().await?;
    let found = audit_events::find(&mut conn, Some(environment_id), id).await?;
    found.ok_or_else(|| Error::not_found("audit event", id))
}
