//! `/servers/{workspace}/audit-events`: who changed what in an environment, or in one of its organizations.

use actix_web::HttpResponse;
use base::{
    id::{AuditEventId, Id},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{
    call::{Call, Query},
    reply::{SecureauthResult, hex_id},
};
use crate::{
    app::{
        Error, Result,
        audit::{AuditFilter, Log},
        authorization_server::issuers::SYSTEM,
        organizations::reference,
        principal::Principal,
    },
    links::path,
};

/// One change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthAuditEvent)]
pub struct AuditEvent {
    /// Its id.
    event_id: String,
    /// The environment, as issuers name it.
    tenant_id: String,
    /// The organization that it belongs to; `system` for the environment itself.
    server_id: String,
    /// What it was done to.
    #[schema(example = "organization")]
    event_subject: String,
    /// What was done.
    #[schema(example = "created")]
    event_action: String,
    /// When it was done.
    timestamp: Timestamp,
    /// Who did it, to which resource, and the old and new values, without secrets.
    payload: Payload,
}

/// Who did it, to which resource, and the values.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthAuditPayload)]
pub struct Payload {
    /// `application`, `administrator`, `api_key`, `setup_link`, `operator` or `service`.
    actor_type: String,
    /// The actor's id; empty for the operator and the service.
    actor_id: String,
    /// The resource's id.
    target_id: String,
    /// The client's address, if it came over the network.
    ip_address: Option<String>,
    /// The old values of what changed.
    #[schema(value_type = Object)]
    before: Map<String, Value>,
    /// The new values.
    #[schema(value_type = Object)]
    after: Map<String, Value>,
}

/// A page of changes, the newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthAuditEvents)]
pub struct AuditEvents {
    /// The changes.
    audit_events: Vec<AuditEvent>,
}

impl AuditEvent {
    fn new(event: model::audit::AuditEvent, tenant: &str) -> Self {
        let (subject, action) = event.action.split_once('.').unwrap_or((&event.action, ""));
        Self {
            event_id: hex_id(event.id),
            tenant_id: tenant.to_owned(),
            server_id: event.organization_id.map_or_else(|| SYSTEM.to_owned(), hex_id),
            event_subject: subject.to_owned(),
            event_action: action.to_owned(),
            timestamp: event.at,
            payload: Payload {
                actor_type: event.actor.kind,
                actor_id: event.actor.id,
                target_id: event.target_id,
                ip_address: event.address.map(|address| address.to_string()),
                before: event.before,
                after: event.after,
            },
        }
    }
}

/// Which changes.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditParams {
    /// How many: 20 unless said, and 100 at most.
    pub limit: Option<u32>,
    /// Only those older than this one, which the page before ended with.
    pub after_event_id: Option<String>,
    /// Only those with this subject and action; both are needed.
    #[param(example = "organization")]
    pub event_subject: Option<String>,
    /// See `event_subject`.
    #[param(example = "created")]
    pub event_action: Option<String>,
}

/// List changes of a workspace
#[utoipa::path(
    get,
    path = path::SYSTEM_AUDIT_EVENTS,
    operation_id = "secureauthListAuditEvents",
    tag = "Audit log",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("workspace" = String, Path, description = "`system` for all of the environment, or an organization."),
        AuditParams,
    ),
    responses((status = 200, body = AuditEvents))
)]
pub async fn list(call: Call) -> SecureauthResult {
    // Before anything is told about the workspace.
    let log = Log::of(&call.principal)?;
    let query = call.query();
    let filter = filter(&call, &query).await?;
    let after = query.text("after_event_id").map(event_id).transpose()?;
    let events = log.list_after(&call.state, &filter, after, query.limit()?).await?;
    let audit_events = events.into_iter().map(|event| AuditEvent::new(event, &call.tenant.name)).collect();
    Ok(HttpResponse::Ok().json(AuditEvents { audit_events }))
}

async fn filter(call: &Call, query: &Query) -> Result<AuditFilter> {
    let organization_id = match call.path("workspace") {
        SYSTEM => None,
        organization => Some(find_organization(call, &call.principal, organization).await?),
    };
    let action = match (query.text("event_subject"), query.text("event_action")) {
        (Some(subject), Some(action)) => Some(format!("{subject}.{action}")),
        (None, None) => None,
        (Some(_), None) => return Err(Error::invalid("event_action", "is required with event_subject")),
        (None, Some(_)) => return Err(Error::invalid("event_subject", "is required with event_action")),
    };
    let actions = action.into_iter().collect();
    Ok(AuditFilter { organization_id, actions, ..AuditFilter::default() })
}

async fn find_organization(
    call: &Call,
    principal: &Principal,
    text: &str,
) -> Result<base::id::OrganizationId> {
    let found = reference::resolve_existing(&call.state, principal.environment()?, text).await?;
    found.ok_or_else(|| Error::not_found("organization", ""))
}

/// The id of a change, as we write it or as the audit log does.
fn event_id(text: &str) -> Result<AuditEventId> {
    let hex = || {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| u128::from_str_radix(text, 16).ok().map(Id::from_bits)).flatten()
    };
    text.parse()
        .ok()
        .or_else(hex)
        .ok_or_else(|| Error::invalid("after_event_id", "must be the id of a change"))
}
