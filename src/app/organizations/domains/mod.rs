//! Single domains of an organization: requested, approved by the vendor, removed.
//!
//! A requested domain has no effect until it is approved or verified. Whatever changes the domains of an organization
//! locks it first and raises its version, because a change of its list would overwrite it.

pub mod discovery;
pub(in crate::app) mod list;
mod recheck;
mod recheck_schedule;
pub mod sharing;
mod verification;

use base::{
    id::{EnvironmentId, Id, IdKind as _, OrganizationDomainId, OrganizationDomainKind, OrganizationId},
    secret::Digest,
};
use list::MAX_DOMAINS;
use model::{
    audit::audit_fields,
    domain::{Domain, DomainError, DomainState},
    entity_tag::EntityTags,
    organization::Organization,
    organization_domain::OrganizationDomain,
};
use serde::Deserialize;
use sharing::SharedDomainError;
use utoipa::ToSchema;

use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        console_connection, input,
        organizations::templates::refuse,
        permissions::Action,
        principal::{On, Principal},
        resource::{self, Edit, check_version},
    },
    store::{self, Conn, Transaction},
};

pub use recheck::check_due;
pub use verification::check;

/// The field name of a domain in errors.
const FIELD: &str = "domain";

/// How many domains of an organization may be pending.
const MAX_PENDING: usize = 20;

/// The domain to add.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(as = OrganizationDomainInput)]
#[serde(rename_all = "camelCase")]
pub struct NewDomain {
    /// The domain.
    #[schema(value_type = String, required = true, example = "acme.com")]
    pub domain: Option<String>,
    /// Accept it even if it is a free-mail provider's, where anybody can get an address.
    pub allow_free_mail: Option<bool>,
}

/// All domains of an organization, by name; their number is bounded.
pub async fn list(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
) -> Result<Vec<OrganizationDomain>> {
    let environment_id = principal.authorize(Action::DomainsView, On::Organization(organization_id))?;
    let mut conn = state.db.read().await?;
    resource::load::<Organization>(&mut conn, environment_id, organization_id).await?;
    let most = i64::try_from(MAX_DOMAINS + MAX_PENDING).unwrap_or(i64::MAX);
    Ok(store::organization_domains::list(&mut conn, organization_id, most).await?)
}

/// A domain of an organization, by its name or its id.
pub async fn find(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    key: &str,
) -> Result<OrganizationDomain> {
    let environment_id = principal.authorize(Action::DomainsView, On::Organization(organization_id))?;
    let mut conn = state.db.read().await?;
    resource::load::<Organization>(&mut conn, environment_id, organization_id).await?;
    load(&mut conn, organization_id, key).await
}

/// Requests a domain: it is pending until the vendor approves it or DNS verifies it, and has a TXT record to
/// publish. A domain that exists keeps its state and gets a record if it had none. Only the vendor may add
/// free-mail providers.
pub async fn add(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    wanted: &NewDomain,
) -> Result<OrganizationDomain> {
    let environment_id = principal.authorize(Action::DomainsManage, On::Organization(organization_id))?;
    console_connection::ensure_may_change(state, principal, organization_id).await?;
    let domain = parse(principal, organization_id, wanted)?;
    let now = state.now();
    let tx = state.db.write().await?;
    let mut organization = Edit::<Organization>::begin(tx, environment_id, organization_id, None).await?;
    refuse(&organization.row, "domains")?;
    if let Some(known) =
        store::organization_domains::find(&mut organization.tx, organization_id, &domain).await?
    {
        let mut edit = DomainEdit::of(organization, known);
        if edit.row.verification_token.is_none() {
            edit.row.verification_token = Some(new_token(state));
            edit.write(state).await?;
        }
        return edit.commit().await;
    }
    if organization.row.waiting_domains().count() >= MAX_PENDING {
        return Err(Error::invalid(
            FIELD,
            format!("{MAX_PENDING} domains wait for approval or proof already; finish or remove some"),
        ));
    }
    if organization.row.domains.len() >= MAX_DOMAINS {
        return Err(Error::invalid(FIELD, format!("there are {MAX_DOMAINS} domains already; remove some")));
    }
    let listed = OrganizationDomain {
        id: Id::new(now, &*state.random),
        version: 1,
        environment_id,
        organization_id,
        domain,
        state: DomainState::Pending,
        verification_token: Some(new_token(state)),
        verified_at: None,
        checked_at: None,
        check_error: None,
        approved: false,
        asserted: false,
        record_lost_at: None,
        recheck_at: None,
        created_at: now,
    };
    organization.row.domains.insert(listed.domain.clone(), listed.state);
    organization.write(state).await?;
    store::organization_domains::insert(&mut organization.tx, &listed).await?;
    audit::created(&mut organization.tx, state, principal, &listed).await?;
    organization.commit().await?;
    Ok(listed)
}

/// Parses a requested domain; accepts an e-mail address or a URL too.
fn parse(principal: &Principal, organization_id: OrganizationId, wanted: &NewDomain) -> Result<Domain> {
    let typed = wanted.domain.as_deref().unwrap_or_default().trim();
    let allow_free_mail = wanted.allow_free_mail.unwrap_or(false);
    let bare = typed.rsplit('@').next().unwrap_or(typed);
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest).split(['/', '?', '#']).next();
    let may_approve = principal.authorize(Action::DomainsApprove, On::Organization(organization_id)).is_ok();
    Domain::parse(bare.unwrap_or(typed))
        .and_then(|domain| domain.ensure_claimable(allow_free_mail && may_approve))
        .map_err(|error| match error {
            DomainError::FreeMail if !may_approve => Error::invalid(
                FIELD,
                format!("{} is a free-mail provider, where anybody can get an address", input::quoted(typed)),
            ),
            error => Error::invalid(FIELD, format!("{} {error}", input::quoted(typed))),
        })
}

/// A random verification token for the TXT record.
fn new_token(state: &State) -> String {
    Digest::of(format!("{:032x}{:032x}", state.random.bits(), state.random.bits())).to_hex()[..40].to_owned()
}

/// Approves a domain for the vendor. If another organization has it already, this needs the explicit
/// confirmation `share_domain`. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn approve(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    key: &str,
    expected: Option<&EntityTags>,
    share_domain: bool,
) -> Result<OrganizationDomain> {
    let environment_id = principal.authorize(Action::DomainsApprove, On::Organization(organization_id))?;
    console_connection::ensure_may_change(state, principal, organization_id).await?;
    let mut tx = state.db.write().await?;
    sharing::lock(&mut tx, environment_id).await?;
    let mut edit = DomainEdit::begin(tx, environment_id, organization_id, key, expected).await?;
    // A proved domain whose record is gone can be approved before its proof lapses.
    if edit.row.state.is_accepted() && edit.row.record_lost_at.is_none() {
        return Ok(edit.row);
    }
    let new = [edit.row.domain.clone()];
    let tx = edit.tx();
    let elsewhere = sharing::find_other_organizations(tx, environment_id, organization_id, &new).await?;
    sharing::check(principal, &elsewhere, share_domain).map_err(SharedDomainError::into_error)?;
    edit.row.state = DomainState::Whitelisted;
    edit.row.approved = true;
    edit.row.check_error = None;
    edit.row.record_lost_at = None;
    edit.row.recheck_at = None;
    edit.write(state).await?;
    let entry =
        Entry::of(&edit.row, "approved").with_values(audit_fields! { "state": edit.row.state.as_str() });
    audit::record(edit.tx(), state, Some(environment_id), principal, entry).await?;
    sharing::record(edit.tx(), state, principal, organization_id, &elsewhere).await?;
    edit.commit().await
}

/// Removes a domain. Users sign in with one that is in effect: only who may approve domains can remove it. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn remove(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    key: &str,
    expected: Option<&EntityTags>,
) -> Result<()> {
    let environment_id = principal.authorize(Action::DomainsManage, On::Organization(organization_id))?;
    console_connection::ensure_may_change(state, principal, organization_id).await?;
    let tx = state.db.write().await?;
    let DomainEdit { mut organization, row: listed, .. } =
        DomainEdit::begin(tx, environment_id, organization_id, key, expected).await?;
    if listed.state.is_accepted()
        && principal.authorize(Action::DomainsApprove, On::Organization(organization_id)).is_err()
    {
        return Err(Error::FailedPrecondition(
            format!(
                "people sign in with addresses of {}; only the application's team can remove it",
                listed.domain
            )
            .into(),
        ));
    }
    organization.row.domains.remove(&listed.domain);
    organization.write(state).await?;
    store::organization_domains::remove(&mut organization.tx, &listed).await?;
    audit::deleted(&mut organization.tx, state, principal, &listed).await?;
    organization.commit().await?;
    Ok(())
}

/// A change of one domain under way: the organization is locked until the transaction ends.
struct DomainEdit {
    organization: Edit<Organization>,
    before: OrganizationDomain,
    /// The domain as it is to be stored.
    row: OrganizationDomain,
}

impl DomainEdit {
    /// Locks the organization and reads one of its domains, by its name or its id.
    async fn begin(
        tx: Transaction,
        environment_id: EnvironmentId,
        organization_id: OrganizationId,
        key: &str,
        expected: Option<&EntityTags>,
    ) -> Result<Self> {
        let mut organization = Edit::<Organization>::begin(tx, environment_id, organization_id, None).await?;
        let row = load(&mut organization.tx, organization_id, key).await?;
        check_version(expected, row.version)?;
        Ok(Self::of(organization, row))
    }

    fn of(organization: Edit<Organization>, row: OrganizationDomain) -> Self {
        Self { organization, before: row.clone(), row }
    }

    fn tx(&mut self) -> &mut Transaction {
        &mut self.organization.tx
    }

    /// Stores the domain: with the next version if its state or its token changed. The organization gets its next version
    /// when it accepts other domains now. [`store::Error::Duplicate`]: another organization has verified the domain.
    async fn write(&mut self, state: &State) -> store::Result<()> {
        let (tx, before) = (&mut self.organization.tx, &self.before);
        store::organization_domains::update_check(tx, &self.row).await?;
        if (self.row.state, &self.row.verification_token) != (before.state, &before.verification_token)
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

    async fn commit(self) -> Result<OrganizationDomain> {
        self.organization.commit().await?;
        Ok(self.row)
    }
}

async fn load(conn: &mut Conn, organization_id: OrganizationId, key: &str) -> Result<OrganizationDomain> {
    let found = match (key.parse::<OrganizationDomainId>(), Domain::parse(key)) {
        (Ok(id), _) => store::organization_domains::find_by_id(conn, organization_id, id).await?,
        (_, Ok(domain)) => store::organization_domains::find(conn, organization_id, &domain).await?,
        _ => None,
    };
    found.ok_or_else(|| not_found(key))
}

fn not_found(key: &str) -> Error {
    Error::not_found(OrganizationDomainKind::NOUN, key.chars().take(80).collect::<String>())
}
