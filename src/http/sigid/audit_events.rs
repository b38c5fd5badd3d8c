//! Who changed what: in one organization, or in the tenant.

use actix_web::HttpResponse;
use base::id::OrganizationId;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    call::Call,
    reply::{self, SigidResult, time},
};
use crate::app::{
    Error,
    audit::{AuditFilter, Log},
    organizations::reference,
};

/// One change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigidAuditEvent)]
pub struct AuditEventObject {
    /// Its id.
    pub id: String,
    /// The tenant.
    pub environment_id: Option<String>,
    /// The organization.
    pub organization_id: Option<String>,
    /// What was done.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who did it.
    pub actor: Actor,
    /// What it was done to.
    pub target: Target,
    /// The values before and after, of what changed.
    #[schema(value_type = Object)]
    pub changes: Map<String, Value>,
    /// `success`, or `refused`.
    pub outcome: &'static str,
    /// Not kept.
    pub request_id: Option<String>,
    /// Not kept.
    pub surface: Option<String>,
    /// When.
    pub occurred_at: String,
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigidActor)]
pub struct Actor {
    /// `user`, `client`, `directory` or `system`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The id; empty for the service itself.
    pub id: String,
    /// The address from which they did it.
    pub ip: Option<String>,
    /// Not kept.
    pub user_agent: Option<String>,
}

/// What something was done to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigidTarget)]
pub struct Target {
    /// What kind of thing.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// The names of this surface for those of the audit log that others use.
fn kind_of(action: &str) -> String {
    const NAMES: [(&str, &str); 3] = [
        ("organization_domain.", "organization.domain."),
        ("organization_invitation.", "organization.invitation."),
        ("role_assignment.", "role."),
    ];
    let named = NAMES.iter().find_map(|(ours, theirs)| Some((theirs, action.strip_prefix(ours)?)));
    named.map_or_else(|| action.to_owned(), |(theirs, rest)| format!("{theirs}{rest}"))
}

impl AuditEventObject {
    /// An entry of the audit log.
    pub fn new(event: model::audit::AuditEvent) -> Self {
        let actor = match event.actor.kind.as_str() {
            "user" | "administrator" => "user",
            "application" | "api_key" => "client",
            "directory" => "directory",
            _ => "system",
        };
        let target = match event.target_kind.as_str() {
            "organization.member" => "user",
            kind => kind,
        };
        let mut changes = Map::new();
        for name in event.before.keys().chain(event.after.keys()) {
            let value = |side: &Map<String, Value>| side.get(name).cloned().unwrap_or_default();
            let change = json!({ "before": value(&event.before), "after": value(&event.after) });
            changes.insert(name.clone(), change);
        }
        Self {
            id: event.id.to_string(),
            environment_id: event.environment_id.map(|id| id.to_string()),
            organization_id: event.organization_id.map(|id| id.to_string()),
            kind: kind_of(&event.action),
            actor: Actor {
                kind: actor,
                id: event.actor.id,
                ip: event.address.map(|address| address.to_string()),
                user_agent: None,
            },
            target: Target { kind: target.to_owned(), id: event.target_id },
            changes,
            outcome: if event.action.ends_with(".refused") { "refused" } else { "success" },
            request_id: None,
            surface: None,
            occurred_at: time(event.at),
        }
    }
}

/// List changes of an organization, the newest first
pub async fn list(call: Call) -> SigidResult {
    let standing = call.enter().await?;
    let log = Log::of_organization(&standing.principal, standing.organization.id)?;
    answer(&call, log, Some(standing.organization.id)).await
}

/// List changes of the tenant, the newest first
///
/// For tenant administrators and service clients; `organization_id`: only those of an organization, which may be gone.
pub async fn list_all(call: Call) -> SigidResult {
    let log = Log::of(&call.caller.principal)?;
    let organization = match call.query().text("organization_id") {
        None => None,
        Some(text) => match text.parse::<OrganizationId>() {
            Ok(id) => Some(id),
            Err(_) => {
                let found = reference::resolve_existing(&call.state, call.environment_id(), &text).await?;
                Some(found.ok_or_else(|| Error::not_found("organization", ""))?)
            }
        },
    };
    answer(&call, log, organization).await
}

async fn answer(call: &Call, log: Log, organization_id: Option<OrganizationId>) -> SigidResult {
    let query = call.query();
    let filter = AuditFilter { organization_id, action: query.text("type"), ..AuditFilter::default() };
    let page = log.page(&call.state, &filter, query.cursor().as_deref(), query.limit()?).await?;
    let answer: HttpResponse = reply::list(page, AuditEventObject::new);
    Ok(answer)
}
