//! WSO2's discovery: the vendor says which domains of e-mail addresses are an organization's. They count as proved, without DNS, so
//! that people with such an address are led there to sign in. No other organization can have them.

use std::collections::{BTreeMap, BTreeSet};

use base::id::{EnvironmentId, Id, OrganizationId};
use model::{
    audit::{AuditTarget, audit_fields},
    domain::{Domain, DomainState},
    organization::Organization,
    organization_domain::OrganizationDomain,
};

use super::{
    list::MAX_DOMAINS,
    sharing::{self, SharedDomainError},
};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        organizations::templates::refuse,
        permissions::Action,
        principal::{On, Principal},
        resource::{self, Edit},
        retry::{MayBeDeadlock, retry_deadlocks},
    },
    store::{self, Conn, Transaction, discovery},
};

/// Why domains cannot be an organization's.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// The environment does not use this.
    #[error("the discovery of organizations is switched off")]
    Off,
    /// There is a decision on that already.
    #[error("the discovery of organizations is set up already")]
    Exists,
    /// There is none.
    #[error("the discovery of organizations is not set up")]
    Missing,
    /// The organization has domains already: they are replaced, not added to.
    #[error("the organization has domains for its discovery already")]
    HasDomains,
    /// A domain is proved to be another organization's.
    #[error("the domain {0} is another organization's")]
    Taken(String),
    /// Something else.
    #[error(transparent)]
    Other(#[from] Error),
}

impl From<store::Error> for DiscoveryError {
    fn from(error: store::Error) -> Self {
        Self::Other(error.into())
    }
}

impl MayBeDeadlock for DiscoveryError {
    fn is_deadlock(&self) -> bool {
        matches!(self, Self::Other(error) if error.is_deadlock())
    }
}

/// Whether the vendor says whose domains are; `None`: nobody has decided that.
pub async fn settings(state: &State, principal: &Principal) -> Result<Option<bool>> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    Ok(discovery::find_settings(&mut state.db.read().await?, environment_id).await?)
}

/// Decides it; `new`: for the first time.
pub async fn decide(
    state: &State,
    principal: &Principal,
    enabled: bool,
    new: bool,
) -> Result<(), DiscoveryError> {
    let environment_id = principal.authorize(Action::OrganizationsManage, On::Environment)?;
    let now = state.now();
    let mut tx = state.db.write().await?;
    match new {
        true if !discovery::insert_settings(&mut tx, environment_id, enabled, now).await? => {
            return Err(DiscoveryError::Exists);
        }
        true => {}
        false => discovery::upsert_settings(&mut tx, environment_id, enabled, now).await?,
    }
    record_settings(&mut tx, state, principal, environment_id, Some(enabled)).await?;
    Ok(tx.commit().await?)
}

/// Forgets the decision. [`DiscoveryError::Missing`]: there was none.
pub async fn forget(state: &State, principal: &Principal) -> Result<(), DiscoveryError> {
    let environment_id = principal.authorize(Action::OrganizationsManage, On::Environment)?;
    let mut tx = state.db.write().await?;
    if !discovery::remove_settings(&mut tx, environment_id).await? {
        return Err(DiscoveryError::Missing);
    }
    record_settings(&mut tx, state, principal, environment_id, None).await?;
    Ok(tx.commit().await?)
}

async fn record_settings(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    environment_id: EnvironmentId,
    enabled: Option<bool>,
) -> Result<()> {
    let target = AuditTarget { kind: "environment", id: environment_id.to_string(), organization_id: None };
    let entry = Entry {
        action: "environment.discovery_changed".to_owned(),
        target,
        before: serde_json::Map::new(),
        after: audit_fields! { "emailDomains": enabled },
    };
    audit::record(tx, state, Some(environment_id), principal, entry).await
}

async fn require_on(conn: &mut Conn, environment_id: EnvironmentId) -> Result<(), DiscoveryError> {
    match discovery::find_settings(conn, environment_id).await? {
        Some(true) => Ok(()),
        Some(false) | None => Err(DiscoveryError::Off),
    }
}

/// The domains that the vendor says are an organization's, by name.
pub async fn domains(
    state: &State,
    principal: &Principal,
    id: OrganizationId,
) -> Result<Vec<Domain>, DiscoveryError> {
    let environment_id = principal.authorize(Action::DomainsView, On::Organization(id))?;
    let mut conn = state.db.read().await?;
    require_on(&mut conn, environment_id).await?;
    resource::load::<Organization>(&mut conn, environment_id, id).await?;
    Ok(discovery::list_domains(&mut conn, id).await?)
}

/// The same, whether the environment uses this or not: none where it does not.
pub async fn shown(state: &State, principal: &Principal, id: OrganizationId) -> Result<Vec<Domain>> {
    match domains(state, principal, id).await {
        Ok(domains) => Ok(domains),
        Err(DiscoveryError::Other(error)) => Err(error),
        Err(_) => Ok(Vec::new()),
    }
}

/// Whether no organization has a domain that counts as proved.
pub async fn is_free(state: &State, principal: &Principal, domain: &Domain) -> Result<bool, DiscoveryError> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    let mut conn = state.db.read().await?;
    require_on(&mut conn, environment_id).await?;
    Ok(discovery::find_owner(&mut conn, environment_id, domain).await?.is_none())
}

/// An organization with the domains that the vendor says are its.
#[derive(Debug, Clone)]
pub struct Discovered {
    /// The organization.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// The domains, by name.
    pub domains: Vec<Domain>,
}

/// What the names of listed organizations have.
#[derive(Debug, Clone)]
pub struct NamePart {
    /// The text.
    pub text: String,
    /// Whether something may come before it, and after it.
    pub around: (bool, bool),
}

/// The organizations with such domains in the order of their ids: `limit` after the first `offset`, and how many there are.
pub async fn list(
    state: &State,
    principal: &Principal,
    name: Option<&NamePart>,
    page: (i64, i64),
) -> Result<(Vec<Discovered>, i64), DiscoveryError> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    let mut conn = state.db.read().await?;
    require_on(&mut conn, environment_id).await?;
    let name = name.map(|name| (name.text.as_str(), name.around));
    let (found, total) = discovery::list_organizations(&mut conn, environment_id, name, page).await?;
    let mut listed = Vec::new();
    for (id, name) in found {
        let domains = discovery::list_domains(&mut conn, id).await?;
        listed.push(Discovered { id, name, domains });
    }
    Ok((listed, total))
}

/// Makes these the domains that the vendor says are an organization's. `new`: it has none yet. What DNS proved stays the
/// organization's in any case.
pub async fn set(
    state: &State,
    principal: &Principal,
    id: OrganizationId,
    domains: &BTreeSet<Domain>,
    new: bool,
) -> Result<Vec<Domain>, DiscoveryError> {
    let environment_id = principal.authorize(Action::DomainsApprove, On::Organization(id))?;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        require_on(&mut tx, environment_id).await?;
        sharing::lock(&mut tx, environment_id).await?;
        let mut edit = Edit::<Organization>::begin(tx, environment_id, id, None).await?;
        refuse(&edit.row, "domains")?;
        let before: BTreeSet<Domain> = discovery::list_domains(&mut edit.tx, id).await?.into_iter().collect();
        if new && !before.is_empty() {
            return Err(DiscoveryError::HasDomains);
        }
        if edit.row.domains.keys().chain(domains).collect::<BTreeSet<_>>().len() > MAX_DOMAINS {
            return Err(Error::invalid("domains", format!("must be at most {MAX_DOMAINS}")).into());
        }
        let accepted = |known: &BTreeMap<Domain, DomainState>, domain: &Domain| {
            known.get(domain).is_some_and(|state| state.is_accepted())
        };
        let added: Vec<Domain> =
            domains.iter().filter(|domain| !accepted(&edit.row.domains, domain)).cloned().collect();
        for domain in domains {
            let owner = discovery::find_owner(&mut edit.tx, environment_id, domain).await?;
            if owner.is_some_and(|owner| owner != id) {
                return Err(DiscoveryError::Taken(domain.to_string()));
            }
        }
        let elsewhere = sharing::find_other_organizations(&mut edit.tx, environment_id, id, &added).await?;
        sharing::check(principal, &elsewhere, true).map_err(|error| match error {
            SharedDomainError::Verified(there) => DiscoveryError::Taken(there.domain.to_string()),
            error => error.into_error().into(),
        })?;
        for gone in before.difference(domains) {
            let Some(mut row) = store::organization_domains::find(&mut edit.tx, id, gone).await? else {
                continue;
            };
            if row.verified_at.is_some() || row.approved {
                row.asserted = false;
                if row.verified_at.is_none() {
                    row.state = DomainState::Whitelisted;
                    edit.row.domains.insert(gone.clone(), row.state);
                }
                store::organization_domains::update(&mut edit.tx, &mut row, state.now()).await?;
            } else {
                edit.row.domains.remove(gone);
                store::organization_domains::remove(&mut edit.tx, &row).await?;
            }
        }
        for domain in domains.difference(&before) {
            assert(&mut edit, state, domain).await?;
        }
        edit.row.updated_at = state.now();
        edit.write(state).await?;
        let names: Vec<String> = domains.iter().map(Domain::to_string).collect();
        let mut entry =
            Entry::of(&edit.row, "discovery_changed").with_values(audit_fields! { "emailDomains": names });
        let names: Vec<String> = before.iter().map(Domain::to_string).collect();
        entry.before = audit_fields! { "emailDomains": names };
        audit::record(&mut edit.tx, state, Some(environment_id), principal, entry).await?;
        sharing::record(&mut edit.tx, state, principal, id, &elsewhere).await?;
        edit.commit().await?;
        Ok(domains.iter().cloned().collect())
    })
    .await
}

/// Makes a domain one that counts as proved, by the vendor's word.
async fn assert(edit: &mut Edit<Organization>, state: &State, domain: &Domain) -> Result<(), DiscoveryError> {
    let taken = |error| match error {
        store::Error::Duplicate => DiscoveryError::Taken(domain.to_string()),
        error => error.into(),
    };
    let (id, environment_id, now) = (edit.row.id, edit.row.environment_id, state.now());
    match store::organization_domains::find(&mut edit.tx, id, domain).await? {
        Some(mut row) => {
            if row.state != DomainState::Verified {
                // What DNS proved once, and does not any more, is no proof.
                row.verified_at = None;
                row.recheck_at = None;
            }
            row.state = DomainState::Verified;
            row.asserted = true;
            row.check_error = None;
            row.check_failure = None;
            row.record_lost_at = None;
            row.missed_checks = 0;
            store::organization_domains::update(&mut edit.tx, &mut row, now).await.map_err(taken)?;
            store::organization_domains::update_check(&mut edit.tx, &row).await?;
        }
        None => {
            let added = Id::new(now, &*state.random);
            let of = (environment_id, id);
            let listed = OrganizationDomain {
                asserted: true,
                ..OrganizationDomain::new(added, of, domain.clone(), DomainState::Verified, now)
            };
            store::organization_domains::insert(&mut edit.tx, &listed).await.map_err(taken)?;
        }
    }
    edit.row.domains.insert(domain.clone(), DomainState::Verified);
    Ok(())
}
