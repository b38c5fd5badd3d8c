//! `/v1/audit-events`: who changed what.

use std::net::IpAddr;

use actix_web::{HttpRequest, HttpResponse, web};
use base::{
    id::{AuditEventId, EnvironmentId, OrganizationId},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{
    call::{ApiCall, ManagementKey},
    fields::{Query, id},
    reply::{ApiResult, api, page_query, query},
    schema::PageParams,
};
use crate::{
    app::{
        self, State,
        audit::{AuditFilter, Log},
        organizations::reference,
        principal::Principal,
    },
    links::path,
    web::kit::audit_export,
};

/// One change: who did what to which resource, from which address.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent<'a> {
    id: AuditEventId,
    /// The environment in which it was done.
    environment_id: Option<EnvironmentId>,
    /// When it was done.
    timestamp: Timestamp,
    actor: AuditActor<'a>,
    /// The client's address; `null` where no network was involved.
    #[schema(value_type = Option<String>, example = "203.0.113.7")]
    address: Option<IpAddr>,
    /// What was done.
    #[schema(example = "organization.updated")]
    action: &'a str,
    target: AuditTarget<'a>,
    /// The organization that it belongs to, if any.
    organization_id: Option<OrganizationId>,
    /// The old values of what changed, without secrets; empty when it was created.
    #[schema(value_type = Object, additional_properties = true)]
    before: &'a Map<String, Value>,
    /// The new values, likewise; empty when it was deleted.
    #[schema(value_type = Object, additional_properties = true)]
    after: &'a Map<String, Value>,
}

/// Who did it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditActor<'a> {
    /// `administrator`, `api_key`, `setup_link`, `operator` or `service`.
    #[serde(rename = "type")]
    #[schema(example = "api_key")]
    kind: &'a str,
    /// Its id; empty for the operator and the service.
    #[schema(example = "api_key_12vqjrnxk9xeov6o4f05pan0g")]
    id: &'a str,
}

/// What it was done to.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditTarget<'a> {
    /// Its kind.
    #[serde(rename = "type")]
    #[schema(example = "organization")]
    kind: &'a str,
    /// Its id.
    #[schema(example = "org_12vqjrnxk9xeov6o4f05pan0g")]
    id: &'a str,
}

impl<'a> From<&'a model::audit::AuditEvent> for AuditEvent<'a> {
    fn from(event: &'a model::audit::AuditEvent) -> Self {
        Self {
            id: event.id,
            environment_id: event.environment_id,
            timestamp: event.at,
            actor: AuditActor { kind: &event.actor.kind, id: &event.actor.id },
            address: event.address,
            action: &event.action,
            target: AuditTarget { kind: &event.target_kind, id: &event.target_id },
            organization_id: event.organization_id,
            before: &event.before,
            after: &event.after,
        }
    }
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEventReply<'a> {
    audit_event: AuditEvent<'a>,
}

/// One page of the changes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEventsReply<'a> {
    audit_events: Vec<AuditEvent<'a>>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

/// Which changes. Every filter given must match.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct AuditParams {
    /// Only those of this organization and what belongs to it.
    pub organization_id: Option<OrganizationId>,
    /// Only those of the resource with this id.
    pub target_id: Option<String>,
    /// Only those by the actor with this id.
    pub actor_id: Option<String>,
    /// Only those with this action.
    #[param(example = "organization.updated")]
    pub action: Option<String>,
    /// Only those at or after this time.
    pub since: Option<Timestamp>,
    /// Only those before this time.
    pub until: Option<Timestamp>,
}

async fn filter(state: &State, principal: &Principal, query: &Query) -> app::Result<AuditFilter> {
    let moment = |field: &'static str| match query.text(field) {
        None => Ok(None),
        Some(text) => Timestamp::parse_rfc3339(&text)
            .map(Some)
            .ok_or_else(|| app::Error::invalid(field, "must be a time like 2026-11-21T21:41:37Z (RFC 3339)")),
    };
    Ok(AuditFilter {
        target_id: query.text("targetId"),
        organization_id: match query.text("organizationId") {
            Some(text) => Some(reference::resolve(state, principal, "organization_id", &text).await?),
            None => None,
        },
        actor_id: query.text("actorId"),
        actions: query.text("action").into_iter().collect(),
        since: moment("since")?,
        until: moment("until")?,
    })
}

/// List changes
///
/// Newest first. Contains every change made through the API, the console, setup links and the command line; entries
/// cannot be changed or deleted.
#[utoipa::path(
    get,
    path = path::AUDIT_EVENTS,
    operation_id = "listAuditEvents",
    tag = "Audit log",
    params(AuditParams, PageParams),
    responses((status = 200, body = AuditEventsReply<'_>))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<ManagementKey>, request: HttpRequest) -> ApiResult {
    let query = query(&request);
    let filter = filter(&state, &call.principal, &query).await.map_err(api)?;
    let page = app::audit::list(&state, &call.principal, &filter, &page_query(&query)).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(AuditEventsReply {
        audit_events: page.items.iter().map(AuditEvent::from).collect(),
        next_page_token: page.next_token,
    }))
}

/// Get a change
#[utoipa::path(
    get,
    path = path::AUDIT_EVENT,
    operation_id = "getAuditEvent",
    tag = "Audit log",
    params(("id" = AuditEventId, Path)),
    responses((status = 200, body = AuditEventReply<'_>))
)]
pub async fn find(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let event = app::audit::find(&state, &call.principal, id).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(AuditEventReply { audit_event: (&event).into() }))
}

/// Export changes
///
/// All changes that match the filter, newest first, as JSON lines: one object per line. The length is not limited. If
/// the response ends prematurely, the export failed: try again.
#[utoipa::path(
    get,
    path = path::AUDIT_EVENTS_EXPORT,
    operation_id = "exportAuditEvents",
    tag = "Audit log",
    params(AuditParams),
    responses((status = 200, content_type = "application/x-ndjson", body = AuditEvent<'_>))
)]
pub async fn export(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    request: HttpRequest,
) -> ApiResult {
    let filter = filter(&state, &call.principal, &query(&request)).await.map_err(api)?;
    let log = Log::of(&call.principal).map_err(api)?;
    let export = log.export(&state, &call.principal, filter).await.map_err(api)?;
    Ok(audit_export::download(&state, export, "audit-events.jsonl"))
}
