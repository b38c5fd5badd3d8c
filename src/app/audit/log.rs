//! The audit log as it is read: page by page, one entry, or as an export.

use base::id::{AuditEventId, EnvironmentId, OrganizationId};
use model::audit::{AuditEvent, AuditTarget, audit_fields};
use serde_json::{Map, Value, json};

use super::{Entry, record_bounded};
use crate::{
    app::{
        Error, Result, State, input,
        pagination::{List, Page, PageQuery, PageRequest},
        permissions::Action,
        principal::{On, Principal},
    },
    store::{PoolShare, audit_events},
};

pub use crate::store::audit_events::AuditFilter;

/// The log of an environment, or of the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// The environment; `None`: the installation.
    environment: Option<EnvironmentId>,
    /// The organization alone.
    organization: Option<OrganizationId>,
}

impl Log {
    /// The log of the caller's environment.
    pub fn of(principal: &Principal) -> Result<Self> {
        let environment = Some(principal.authorize(Action::AuditEventsView, On::Environment)?);
        Ok(Self { environment, organization: None })
    }

    /// The log of the installation, for owners of every environment.
    pub fn of_installation(principal: &Principal) -> Result<Self> {
        principal.authorize_everywhere(Action::InstallationAuditEventsView)?;
        Ok(Self { environment: None, organization: None })
    }

    /// What concerns one organization of the caller's environment.
    pub fn of_organization(principal: &Principal, id: OrganizationId) -> Result<Self> {
        let environment = Some(principal.authorize(Action::AuditEventsView, On::Organization(id))?);
        Ok(Self { environment, organization: Some(id) })
    }

    /// A filter, within the organization.
    fn within(self, filter: &AuditFilter) -> AuditFilter {
        AuditFilter { organization_id: self.organization.or(filter.organization_id), ..filter.clone() }
    }

    /// One page, the newest first.
    pub async fn list(
        self,
        state: &State,
        filter: &AuditFilter,
        query: &PageQuery,
    ) -> Result<Page<AuditEvent>> {
        check(filter)?;
        let list = List::of(self.environment.unwrap_or(EnvironmentId::from_bits(0)), "audit_events");
        let wanted = PageRequest::parse(state, &list, query)?;
        let mut conn = state.db.read().await?;
        let found = audit_events::list(
            &mut conn,
            self.environment,
            &self.within(filter),
            wanted.from,
            wanted.limit(),
        )
        .await?;
        Ok(wanted.page_of(state, &list, found, |event| event.id))
    }

    /// One page of up to `limit` entries, the newest first, from where the `cursor` of the one before says.
    pub async fn page(
        self,
        state: &State,
        filter: &AuditFilter,
        cursor: Option<&str>,
        limit: i64,
    ) -> Result<Page<AuditEvent>> {
        check(filter)?;
        let filter = self.within(filter);
        let (environment, organization) = (self.environment, filter.organization_id);
        let of = organization.map(|id| id.to_string()).unwrap_or_default();
        let list = List::of(
            environment.unwrap_or(EnvironmentId::from_bits(0)),
            format_args!("sigid/audit_events/{of}"),
        );
        let wanted = PageRequest::sized(state, &list, ("cursor", cursor), limit)?;
        let mut conn = state.db.read().await?;
        let found = audit_events::list(&mut conn, environment, &filter, wanted.from, wanted.limit()).await?;
        Ok(wanted.page_of(state, &list, found, |event| event.id))
    }

    /// Up to `limit` entries that are older than `after`, the newest first.
    pub async fn list_after(
        self,
        state: &State,
        filter: &AuditFilter,
        after: Option<AuditEventId>,
        limit: i64,
    ) -> Result<Vec<AuditEvent>> {
        check(filter)?;
        let from = after.map(|id| AuditEventId::from_bits(id.bits().saturating_sub(1)));
        let mut conn = state.db.read().await?;
        Ok(audit_events::list(&mut conn, self.environment, &self.within(filter), from, limit).await?)
    }

    /// Starts an export of all entries that match a filter. It is recorded itself, with the filter: the
    /// same one once a minute.
    pub async fn export(self, state: &State, principal: &Principal, filter: AuditFilter) -> Result<Export> {
        check(&filter)?;
        let entry = Entry {
            action: "audit_log.exported".to_owned(),
            target: AuditTarget {
                kind: "audit_log",
                id: self.environment.map(|id| id.to_string()).unwrap_or_default(),
                organization_id: None,
            },
            before: serde_json::Map::new(),
            after: filter_fields(&filter),
        };
        let own = record_bounded(state, self.environment, principal, entry).await?;
        Ok(Export { log: self, filter, own, next: Some(None) })
    }
}

/// The maximum length of an id or an action in a filter.
const MAX_FILTER_LENGTH: usize = 200;

/// Validates a filter: PostgreSQL fails on a text with NUL.
fn check(filter: &AuditFilter) -> Result<()> {
    let ids = [("targetId", &filter.target_id), ("actorId", &filter.actor_id)];
    let ids = ids.into_iter().filter_map(|(field, text)| Some((field, text.as_ref()?)));
    for (field, text) in ids.chain(filter.actions.iter().map(|action| ("action", action))) {
        input::line(field, text, MAX_FILTER_LENGTH)?;
    }
    Ok(())
}

/// The conditions of a filter, as they are recorded.
fn filter_fields(filter: &AuditFilter) -> Map<String, Value> {
    let AuditFilter { target_id, organization_id, actor_id, actions, since, until } = filter;
    let action = (!actions.is_empty()).then(|| actions.join(" "));
    let mut fields = audit_fields! {
        "targetId": target_id, "organizationId": organization_id, "actorId": actor_id, "action": action,
        "since": since, "until": until,
    };
    fields.retain(|_, value| !value.is_null());
    fields
}

/// One page of the environment's log, the newest first.
pub async fn list(
    state: &State,
    principal: &Principal,
    filter: &AuditFilter,
    query: &PageQuery,
) -> Result<Page<AuditEvent>> {
    Log::of(principal)?.list(state, filter, query).await
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

/// One entry of the environment's log.
pub async fn find(state: &State, principal: &Principal, id: AuditEventId) -> Result<AuditEvent> {
    let environment_id = principal.authorize(Action::AuditEventsView, On::Environment)?;
    let mut conn = state.db.read().await?;
    let found = audit_events::find(&mut conn, Some(environment_id), id).await?;
    found.ok_or_else(|| Error::not_found("audit event", id))
}

/// How many entries an export reads at a time.
const EXPORT_BATCH: i64 = 200;

/// An export of a log, the newest first, in batches.
#[derive(Debug)]
pub struct Export {
    log: Log,
    filter: AuditFilter,
    /// The entry about this export, if it has one, which is in the next one only.
    own: Option<AuditEventId>,
    /// The entry at which the next batch begins (`Some(None)`: the newest); `None` at the end.
    next: Option<Option<AuditEventId>>,
}

impl Export {
    /// The next entries as JSON lines ([`view`]); `None` at the end. Entries written during the export are not
    /// included.
    pub async fn next(&mut self, state: &State) -> Result<Option<Vec<u8>>> {
        let Some(from) = self.next else { return Ok(None) };
        let mut conn = state.db.with_share(PoolShare::Directory).read().await?;
        let mut found = audit_events::list(
            &mut conn,
            self.log.environment,
            &self.log.within(&self.filter),
            from,
            EXPORT_BATCH + 1,
        )
        .await?;
        let size = usize::try_from(EXPORT_BATCH).unwrap_or(usize::MAX);
        self.next = found.get(size).map(|event| Some(event.id));
        found.truncate(size);
        let mut lines = Vec::new();
        for event in found.iter().filter(|event| Some(event.id) != self.own) {
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
