//! Domains that several organizations share. The identity provider of each can then sign in users of
//! all of them, so sharing must be deliberate: the vendor's own programs may do it, administrators and the operator must
//! confirm it, the holder of a setup link may not, and nobody may if another organization has the domain verified by
//! DNS. It is recorded in the audit log and the events of all of them.
//!
//! The check runs in the transaction in which the domain takes effect, with the environment's row locked, so that
//! concurrent changes are serialised.

use std::collections::BTreeMap;

use base::id::{EnvironmentId, OrganizationId};
use model::{
    audit::{AuditTarget, audit_fields},
    domain::Domain,
    environment::Environment,
    event::EventKind,
    organization_domain::OrganizationDomain,
};
use serde_json::{Value, json};

use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        events::{self, NewEvent},
        permissions::Action,
        principal::{On, Principal, Subject},
    },
    store::{self, Transaction, table},
};

pub use crate::store::organization_domains::SharedDomain;

/// The field name of the confirmation in errors.
pub const FIELD: &str = "shareDomain";

/// How the operator confirms.
const OPERATOR_HINT: &str = "Give --share-domain";

/// How an administrator confirms: the checkbox of the form.
pub(crate) const ADMINISTRATOR_HINT: &str = "Say yes";

/// The maximum number of other organizations that get an audit entry and an event.
const MAX_NOTIFIED: usize = 100;

/// The maximum number of domains in an error message.
const MAX_NAMED: usize = 10;

/// Why a domain may not be shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SharedDomainError {
    /// Another organization has it verified by DNS.
    Verified(SharedDomain),
    /// Other organizations have these, and the caller did not confirm the sharing.
    Unconfirmed {
        /// The domains with the other organizations.
        elsewhere: Vec<SharedDomain>,
        /// How the caller confirms.
        yes: &'static str,
    },
    /// Another organization has it, about which the caller learns nothing.
    Taken,
}

impl SharedDomainError {
    /// The error for the caller.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Verified(there) => Error::FailedPrecondition(
                format!(
                    "the domain {} is proved by DNS to be that of {}; it can be no other organization's. Remove it there \
                     first if it is not theirs any more",
                    there.domain,
                    label(&there)
                )
                .into(),
            ),
            Self::Unconfirmed { elsewhere, yes } => Error::invalid(
                FIELD,
                format!(
                    "the domain {}: the identity providers of all of them could then sign in people of each. \
                     {yes} only if that is meant",
                    describe_all(&elsewhere)
                ),
            ),
            Self::Taken => Error::FailedPrecondition(TAKEN_MESSAGE.into()),
        }
    }
}

/// The message for callers who may not learn about other organizations.
pub(crate) const TAKEN_MESSAGE: &str =
    "another organization here has this domain already; ask support to sort it out";

/// Whether the last DNS check succeeded, but another organization of the environment has the domain.
pub fn is_taken(listed: &OrganizationDomain) -> bool {
    !listed.state.is_accepted() && listed.check_error.as_deref() == Some(TAKEN_MESSAGE)
}

/// The other organization's display name and id.
fn label(there: &SharedDomain) -> String {
    match there.display_name.trim() {
        "" => there.organization_id.to_string(),
        name => format!("{name} ({})", there.organization_id),
    }
}

/// The domains with their other organizations, since one confirmation covers all: the first few, and the number of
/// the rest.
fn describe_all(elsewhere: &[SharedDomain]) -> String {
    let mut parts: Vec<String> = elsewhere
        .iter()
        .take(MAX_NAMED)
        .enumerate()
        .map(|(place, there)| {
            let (verb, end) = if place == 0 { (" counts", " already") } else { ("", "") };
            format!("{}{verb} for {}{end}", there.domain, label(there))
        })
        .collect();
    if elsewhere.len() > MAX_NAMED {
        parts.push(format!("and {} more", elsewhere.len() - MAX_NAMED));
    }
    parts.join(", ")
}

/// Locks the environment, which serialises decisions about domains, until the transaction ends. Take it before the
/// lock of an organization.
pub(in crate::app) async fn lock(tx: &mut Transaction, environment_id: EnvironmentId) -> Result<()> {
    match table::lock::<Environment>(tx, environment_id, environment_id).await? {
        true => Ok(()),
        false => Err(Error::not_found("environment", environment_id)),
    }
}

/// The other organizations that have `domains`, which take effect for `organization_id`. Call it with the
/// environment [`lock`]ed.
pub(in crate::app) async fn find_other_organizations(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    domains: &[Domain],
) -> Result<Vec<SharedDomain>> {
    Ok(store::organization_domains::list_other_organizations(tx, environment_id, organization_id, domains)
        .await?)
}

/// Whether the caller may share the domains with `elsewhere`; `confirmed` is the caller's confirmation.
pub(in crate::app) fn check(
    principal: &Principal,
    elsewhere: &[SharedDomain],
    confirmed: bool,
) -> std::result::Result<(), SharedDomainError> {
    if elsewhere.is_empty() {
        return Ok(());
    }
    let verified = elsewhere.iter().find(|there| there.verified);
    match (principal.subject, verified) {
        (Subject::SetupLink(_), _) => Err(SharedDomainError::Taken),
        (_, Some(verified)) => Err(SharedDomainError::Verified(verified.clone())),
        (Subject::ApiKey(_) | Subject::Application(_), None) => Ok(()),
        _ if confirmed => Ok(()),
        (subject, None) => {
            let yes = match subject {
                Subject::Operator => OPERATOR_HINT,
                _ => ADMINISTRATOR_HINT,
            };
            Err(SharedDomainError::Unconfirmed { elsewhere: elsewhere.to_vec(), yes })
        }
    }
}

/// Records the sharing in the audit log and the events of every organization concerned. Call it last: see
/// [`events::record`].
pub(in crate::app) async fn record(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    elsewhere: &[SharedDomain],
) -> Result<()> {
    let mut affected: BTreeMap<OrganizationId, BTreeMap<String, Vec<OrganizationId>>> = BTreeMap::new();
    for there in elsewhere {
        let (domain, other) = (there.domain.to_string(), there.organization_id);
        affected.entry(organization_id).or_default().entry(domain.clone()).or_default().push(other);
        if affected.len() > MAX_NOTIFIED && !affected.contains_key(&other) {
            continue;
        }
        affected.entry(other).or_default().entry(domain).or_default().push(organization_id);
    }
    let environment_id = principal.environment()?;
    for (id, domains) in &affected {
        let target = AuditTarget { kind: "organization", id: id.to_string(), organization_id: Some(*id) };
        let entry = Entry {
            action: "organization.domain_shared".to_owned(),
            target,
            before: serde_json::Map::new(),
            after: audit_fields! { "sharedDomains": json!(domains) },
        };
        audit::record(tx, state, Some(environment_id), principal, entry).await?;
    }
    for (id, domains) in &affected {
        let domains: Value = json!(domains);
        let event = NewEvent {
            environment: &environment_id,
            organization: id,
            directory: None,
            kind: EventKind::DomainShared,
            resource: id.to_string(),
            data: json!({ "domains": domains }),
        };
        events::record(tx, state.now(), event).await?;
    }
    Ok(())
}

/// The shared domains of each of these organizations.
pub async fn list(
    state: &State,
    principal: &Principal,
    organizations: &[OrganizationId],
) -> Result<BTreeMap<OrganizationId, Vec<Domain>>> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    let mut conn = state.db.read().await?;
    let mut shared: BTreeMap<OrganizationId, Vec<Domain>> = BTreeMap::new();
    let found = store::organization_domains::list_shared(&mut conn, environment_id, organizations).await?;
    for (id, domain) in found {
        shared.entry(id).or_default().push(domain);
    }
    Ok(shared)
}

/// The other organizations that share these domains of an organization; for each domain, the first few.
pub async fn list_others(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    domains: &[Domain],
) -> Result<Vec<SharedDomain>> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    let mut conn = state.db.read().await?;
    Ok(store::organization_domains::list_other_organizations(
        &mut conn,
        environment_id,
        organization_id,
        domains,
    )
    .await?)
}
