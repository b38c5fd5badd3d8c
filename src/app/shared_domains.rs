//! One domain in two organizations (ruling 38). Either one's identity provider can then sign in people of both,
//! so it is never an accident: the vendor's own API key may do it, an administrator and the operator say yes to
//! it, whoever holds a setup link may not, and nobody may where the domain is another organization's by DNS. It
//! shows in the audit log and in the events of all of them.
//!
//! It is decided in the transaction in which the domain begins to count, and the environment's row keeps others
//! from deciding the same at that time.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Error, Result, State,
    actor::{Actor, Credential},
    audit::{self, Entry},
    events::{self, NewEvent},
};
use crate::{
    model::{
        audit::{AuditTarget, audit_fields},
        domain::Domain,
        event::EventKind,
        id::{EnvironmentId, OrganizationId},
        listed_domain::DomainVerification,
    },
    store::{self, Transaction},
};

pub use crate::store::organization_domains::SharedDomain;

/// What an error calls the yes to sharing a domain.
pub const FIELD: &str = "shareDomain";

/// How the operator says yes.
const BY_OPERATOR: &str = "Give --share-domain";

/// How an administrator does, by the box on the page.
pub(crate) const BY_ADMINISTRATOR: &str = "Say yes";

/// How many other organizations an entry and an event are written for, when very many share a domain.
const MAX_TOLD: usize = 100;

/// How many domains with their other organizations a question names.
const MAX_NAMED: usize = 10;

/// Why a domain may not count for another organization too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// DNS proved it to be another organization's.
    Verified(SharedDomain),
    /// These count for other organizations, and the caller did not say yes to that.
    Unasked {
        /// The domains with the other organizations.
        elsewhere: Vec<SharedDomain>,
        /// How the caller says yes.
        yes: &'static str,
    },
    /// It counts for another organization, of which the caller hears nothing.
    NotYours,
}

impl Refused {
    /// The error that tells it.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Verified(there) => Error::FailedPrecondition(
                format!(
                    "the domain {} is proved by DNS to be that of {}; it can be no other organization's. Remove it there \
                     first if it is not theirs any more",
                    there.domain,
                    name_of(&there)
                )
                .into(),
            ),
            Self::Unasked { elsewhere, yes } => Error::invalid(
                FIELD,
                format!(
                    "the domain {}: the identity providers of all of them could then sign in people of each. \
                     {yes} only if that is meant",
                    list_of(&elsewhere)
                ),
            ),
            Self::NotYours => Error::FailedPrecondition(NOT_YOURS.into()),
        }
    }
}

/// What whoever may not hear of other organizations is told.
pub(crate) const NOT_YOURS: &str =
    "another organization here has this domain already; ask support to sort it out";

/// Whether DNS proved the domain when it was last asked, which counted for another organization of the environment.
pub fn is_taken(listed: &DomainVerification) -> bool {
    !listed.state.is_accepted() && listed.check_error.as_deref() == Some(NOT_YOURS)
}

/// What people call the other organization.
fn name_of(there: &SharedDomain) -> String {
    match there.display_name.trim() {
        "" => there.organization_id.to_string(),
        name => format!("{name} ({})", there.organization_id),
    }
}

/// Every domain with whom it counts for, since one yes is for all of them: the first few, and how many more.
fn list_of(elsewhere: &[SharedDomain]) -> String {
    let mut parts: Vec<String> = elsewhere
        .iter()
        .take(MAX_NAMED)
        .enumerate()
        .map(|(place, there)| {
            let (verb, end) = if place == 0 { (" counts", " already") } else { ("", "") };
            format!("{}{verb} for {}{end}", there.domain, name_of(there))
        })
        .collect();
    if elsewhere.len() > MAX_NAMED {
        parts.push(format!("and {} more", elsewhere.len() - MAX_NAMED));
    }
    parts.join(", ")
}

/// Keeps everybody else from deciding about domains of the environment until the transaction ends. It comes before
/// the lock of an organization.
pub(super) async fn lock(tx: &mut Transaction, environment_id: EnvironmentId) -> Result<()> {
    match store::environments::lock(tx, environment_id).await? {
        true => Ok(()),
        false => Err(Error::not_found("environment", environment_id)),
    }
}

/// For which other organizations `domains`, which begin to count for `organization_id`, count already. The
/// environment is [`lock`]ed.
pub(super) async fn elsewhere(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    domains: &[Domain],
) -> Result<Vec<SharedDomain>> {
    Ok(store::organization_domains::list_other_organizations(tx, environment_id, organization_id, domains)
        .await?)
}

/// Whether the caller may let domains count that count for `elsewhere` too; `yes`: the caller was told and means it.
pub(super) fn check(
    actor: &Actor,
    elsewhere: &[SharedDomain],
    yes: bool,
) -> std::result::Result<(), Refused> {
    if elsewhere.is_empty() {
        return Ok(());
    }
    let verified = elsewhere.iter().find(|there| there.verified);
    match (actor.credential(), verified) {
        (Credential::SetupLink(_), _) => Err(Refused::NotYours),
        (_, Some(verified)) => Err(Refused::Verified(verified.clone())),
        (Credential::ApiKey { .. }, None) => Ok(()),
        _ if yes => Ok(()),
        (credential, None) => {
            let yes = match credential {
                Credential::Operator => BY_OPERATOR,
                _ => BY_ADMINISTRATOR,
            };
            Err(Refused::Unasked { elsewhere: elsewhere.to_vec(), yes })
        }
    }
}

/// Says in the audit log and in the events of every organization that shares a domain from now on. It comes last:
/// see [`events::record`].
pub(super) async fn record(
    tx: &mut Transaction,
    state: &State,
    actor: &Actor,
    organization_id: OrganizationId,
    elsewhere: &[SharedDomain],
) -> Result<()> {
    let mut told: BTreeMap<OrganizationId, BTreeMap<String, Vec<OrganizationId>>> = BTreeMap::new();
    for there in elsewhere {
        let (domain, other) = (there.domain.to_string(), there.organization_id);
        told.entry(organization_id).or_default().entry(domain.clone()).or_default().push(other);
        if told.len() > MAX_TOLD && !told.contains_key(&other) {
            continue;
        }
        told.entry(other).or_default().entry(domain).or_default().push(organization_id);
    }
    let environment_id = actor.environment();
    for (id, domains) in &told {
        let target = AuditTarget { kind: "organization", id: id.to_string(), organization_id: Some(*id) };
        let entry = Entry {
            action: "organization.domain_shared".to_owned(),
            target,
            before: serde_json::Map::new(),
            after: audit_fields! { "sharedDomains": json!(domains) },
        };
        audit::record(tx, state, Some(environment_id), &actor.author(), entry).await?;
    }
    for (id, domains) in &told {
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

/// For each of these organizations the domains that count for another one too.
pub async fn list(
    state: &State,
    actor: &Actor,
    organizations: &[OrganizationId],
) -> Result<BTreeMap<OrganizationId, Vec<Domain>>> {
    let environment_id = actor.viewed_environment()?;
    let mut conn = state.db.read().await?;
    let mut shared: BTreeMap<OrganizationId, Vec<Domain>> = BTreeMap::new();
    let found = store::organization_domains::list_shared(&mut conn, environment_id, organizations).await?;
    for (id, domain) in found {
        shared.entry(id).or_default().push(domain);
    }
    Ok(shared)
}

/// For which other organizations these domains of an organization count too; of each, the first few.
pub async fn list_others(
    state: &State,
    actor: &Actor,
    organization_id: OrganizationId,
    domains: &[Domain],
) -> Result<Vec<SharedDomain>> {
    let environment_id = actor.viewed_environment()?;
    let mut conn = state.db.read().await?;
    Ok(store::organization_domains::list_other_organizations(
        &mut conn,
        environment_id,
        organization_id,
        domains,
    )
    .await?)
}
