//! Single domains of an organization: requested, approved by the vendor, removed.
//!
//! A requested domain has no effect until it is approved or verified. Whatever changes the domains of an organization
//! locks it first and raises its version, because a change of its list would overwrite it.

mod challenge;
mod claim;
pub mod discovery;
mod edit;
mod error;
mod letters;
pub(in crate::app) mod list;
mod recheck;
mod recheck_schedule;
pub mod sharing;
mod switches;
mod verification;

use base::id::{Id, OrganizationId};
use edit::{DomainEdit, FIELD, MAX_PENDING, insert, load, new_token};
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
        resource::{self, Edit},
    },
    store,
};

pub use challenge::{confirm, start};
pub use claim::{DomainsQuery, claim, list_page, release};
pub use recheck::check_due;
pub use switches::{DomainSwitches, change};
pub use verification::check;

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
    let found = store::organization_domains::list(&mut conn, organization_id, most).await?;
    let now = state.now();
    Ok(found.into_iter().map(|listed| listed.at(now)).collect())
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
    Ok(load(&mut conn, organization_id, key).await?.at(state.now()))
}

/// Requests a domain: it is pending until the vendor approves it or DNS verifies it, and has a TXT record to
/// publish. A domain that exists keeps its state and gets a record if it had none, or a new one if the time for that is over.
/// Only the vendor may add free-mail providers.
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
        let mut edit = DomainEdit::of(organization, known, now);
        if edit.row.verification_token.is_none() || edit.row.has_expired(now) {
            challenge::begin(&mut edit, state, principal).await?;
        }
        return edit.commit().await;
    }
    let of = (environment_id, organization_id);
    let mut listed =
        OrganizationDomain::new(Id::new(now, &*state.random), of, domain, DomainState::Pending, now);
    listed.start_challenge(new_token(state), now);
    insert(&mut organization, state, principal, &listed).await?;
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
    let mut edit = DomainEdit::begin(tx, environment_id, organization_id, key, expected, state.now()).await?;
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
    edit.row.check_failure = None;
    edit.row.record_lost_at = None;
    edit.row.missed_checks = 0;
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
    let edit = DomainEdit::begin(tx, environment_id, organization_id, key, expected, state.now()).await?;
    if edit.row.state.is_accepted()
        && principal.authorize(Action::DomainsApprove, On::Organization(organization_id)).is_err()
    {
        return Err(Error::FailedPrecondition(
            format!(
                "people sign in with addresses of {}; only the application's team can remove it",
                edit.row.domain
            )
            .into(),
        ));
    }
    edit.remove(state, principal).await
}
