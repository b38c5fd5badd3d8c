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

/// What the surface calls domains in the log, and what the log calls them.
const DOMAIN: (&str, &str) = ("organization.domain.", "organization_domain.");

/// What the surface calls what happens to a domain, and what the log calls it. Where one name stands for two, `state` in the changes
/// tells them apart.
const OF_DOMAINS: [(&str, &str); 7] = [
    ("added", "created"),
    ("removed", "deleted"),
    ("lapsed", "record_lost"),
    ("verification_failed", "verification_failed"),
    ("verification_failed", "lapsed"),
    ("verified", "verified"),
    ("verified", "restored"),
];

/// The name of an entry here.
fn kind_of(action: &str) -> String {
    let Some(done) = action.strip_prefix(DOMAIN.1) else { return action.to_owned() };
    let known = OF_DOMAINS.iter().find(|(_, theirs)| *theirs == done);
    format!("{}{}", DOMAIN.0, known.map_or(done, |(ours, _)| ours))
}

/// What the log calls the entries with a name of this surface.
fn actions_of(kind: &str) -> Vec<String> {
    let Some(done) = kind.strip_prefix(DOMAIN.0) else { return vec![kind.to_owned()] };
    let known = OF_DOMAINS.iter().filter(|(ours, _)| *ours == done);
    let mut found: Vec<String> = known.map(|(_, theirs)| format!("{}{theirs}", DOMAIN.1)).collect();
    if found.is_empty() {
        found.push(format!("{}{done}", DOMAIN.1));
    }
    found
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
            "organization_domain" => "domain",
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
    let actions = query.text("type").map(|kind| actions_of(&kind)).unwrap_or_default();
    let filter = AuditFilter { organization_id, actions, ..AuditFilter::default() };
    let page = log.page(&call.state, &filter, query.cursor().as_deref(), query.limit()?).await?;
    let answer: HttpResponse = reply::list(page, AuditEventObject::new);
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filtered_by_a_name_is_shown_with_it() {
        for kind in [
            "added",
            "removed",
            "lapsed",
            "verified",
            "verification_failed",
            "verification_started",
            "updated",
        ] {
            let kind = format!("organization.domain.{kind}");
            let actions = actions_of(&kind);
            assert!(
                !actions.is_empty() && actions.iter().all(|action| kind_of(action) == kind),
                "{kind}: {actions:?}"
            );
        }
        assert_eq!(kind_of("organization_domain.lapsed"), "organization.domain.verification_failed");
        assert_eq!(kind_of("organization_domain.record_lost"), "organization.domain.lapsed");
        assert_eq!(kind_of("organization.updated"), "organization.updated");
        assert_eq!(actions_of("organization.updated"), ["organization.updated"]);
    }
}
