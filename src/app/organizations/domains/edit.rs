//! A change of one of an organization's domains: the organization is locked, and gets its next version where it accepts other
//! domains afterwards.

use base::{
    id::{EnvironmentId, IdKind as _, OrganizationDomainId, OrganizationDomainKind, OrganizationId},
    secret::Digest,
    time::Timestamp,
};
use model::{
    domain::Domain, entity_tag::EntityTags, organization::Organization,
    organization_domain::OrganizationDomain,
};

use super::list::MAX_DOMAINS;
use crate::{
    app::{
        Error, Result, State, audit,
        principal::Principal,
        resource::{Edit, check_version},
    },
    store::{self, Conn, Transaction},
};

/// The field name of a domain in errors.
pub(super) const FIELD: &str = "domain";

/// How many domains of an organization may be pending.
pub(super) const MAX_PENDING: usize = 20;

/// Adds a domain that the organization does not have.
pub(super) async fn insert(
    organization: &mut Edit<Organization>,
    state: &State,
    principal: &Principal,
    listed: &OrganizationDomain,
) -> Result<()> {
    if organization.row.waiting_domains().count() >= MAX_PENDING {
        return Err(Error::invalid(
            FIELD,
            format!("{MAX_PENDING} domains wait for approval or proof already; finish or remove some"),
        ));
    }
    if organization.row.domains.len() >= MAX_DOMAINS {
        return Err(Error::invalid(FIELD, format!("there are {MAX_DOMAINS} domains already; remove some")));
    }
    organization.row.domains.insert(listed.domain.clone(), listed.state);
    organization.write(state).await?;
    store::organization_domains::insert(&mut organization.tx, listed).await?;
    store::organization_domains::update_check(&mut organization.tx, listed).await?;
    audit::created(&mut organization.tx, state, principal, listed).await
}

/// A random verification token for the TXT record: 160 bits of a digest of 256 random ones.
pub(super) fn new_token(state: &State) -> String {
    Digest::of(format!("{:032x}{:032x}", state.random.bits(), state.random.bits())).to_hex()[..40].to_owned()
}

/// A change of one domain under way: the organization is locked until the transaction ends.
pub(super) struct DomainEdit {
    /// The organization.
    pub organization: Edit<Organization>,
    /// The domain as it is stored.
    pub before: OrganizationDomain,
    /// The domain as it is to be stored.
    pub row: OrganizationDomain,
}

impl DomainEdit {
    /// Locks the organization and reads one of its domains, by its name or its id.
    pub async fn begin(
        tx: Transaction,
        environment_id: EnvironmentId,
        organization_id: OrganizationId,
        key: &str,
        expected: Option<&EntityTags>,
        now: Timestamp,
    ) -> Result<Self> {
        let mut organization = Edit::<Organization>::begin(tx, environment_id, organization_id, None).await?;
        let row = load(&mut organization.tx, organization_id, key).await?;
        check_version(expected, row.version)?;
        Ok(Self::of(organization, row, now))
    }

    /// Of an organization that is locked already.
    pub fn of(organization: Edit<Organization>, row: OrganizationDomain, now: Timestamp) -> Self {
        Self { organization, before: row.clone(), row: row.at(now) }
    }

    /// The transaction.
    pub fn tx(&mut self) -> &mut Transaction {
        &mut self.organization.tx
    }

    /// Stores the domain: with the next version if its state, its token or a switch changed. The organization gets its next version
    /// when it accepts other domains now. [`store::Error::Duplicate`]: another organization has verified the domain.
    pub async fn write(&mut self, state: &State) -> store::Result<()> {
        let (tx, before) = (&mut self.organization.tx, &self.before);
        store::organization_domains::update_check(tx, &self.row).await?;
        let settings = |row: &OrganizationDomain| {
            let challenge = (row.verification_token.clone(), row.verification_started_at);
            (row.state, challenge, row.routing_enabled, row.auto_join_enabled, row.auto_join_role)
        };
        if settings(&self.row) != settings(before)
            && !store::organization_domains::update(tx, &mut self.row, state.now()).await?
        {
            // The organization is locked, so only this transaction itself can have raised the version.
            return Err(store::Error::inconsistent("organization_domains", "version", self.row.id));
        }
        if self.row.state.is_accepted() || before.state.is_accepted() {
            self.organization.row.domains.insert(self.row.domain.clone(), self.row.state);
        }
        self.organization.write(state).await
    }

    /// Takes the domain away from the organization, and commits.
    pub async fn remove(self, state: &State, principal: &Principal) -> Result<()> {
        let Self { mut organization, row, .. } = self;
        organization.row.domains.remove(&row.domain);
        organization.write(state).await?;
        store::organization_domains::remove(&mut organization.tx, &row).await?;
        audit::deleted(&mut organization.tx, state, principal, &row).await?;
        organization.commit().await?;
        Ok(())
    }

    /// Ends the change.
    pub async fn commit(self) -> Result<OrganizationDomain> {
        self.organization.commit().await?;
        Ok(self.row)
    }
}

/// A domain of an organization, by its name or its id.
pub(super) async fn load(
    conn: &mut Conn,
    organization_id: OrganizationId,
    key: &str,
) -> Result<OrganizationDomain> {
    let found = match (key.parse::<OrganizationDomainId>(), Domain::parse(key)) {
        (Ok(id), _) => store::organization_domains::find_by_id(conn, organization_id, id).await?,
        (_, Ok(domain)) => store::organization_domains::find(conn, organization_id, &domain).await?,
        _ => None,
    };
    found.ok_or_else(|| not_found(key))
}

/// The error for a domain that the organization does not have.
pub(super) fn not_found(key: &str) -> Error {
    Error::not_found(OrganizationDomainKind::NOUN, key.chars().take(80).collect::<String>())
}
