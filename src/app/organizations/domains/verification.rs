//! The verification of a domain by its TXT record.

use std::time::Duration;

use base::id::OrganizationId;
use model::{
    audit::audit_fields, domain::DomainState, entity_tag::EntityTags, organization_domain::OrganizationDomain,
};

use super::{DomainEdit, FIELD, new_token, not_found, sharing};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        permissions::Action,
        principal::{On, Principal},
    },
    store,
};

/// The minimum interval between two DNS checks of an organization. It is kept per organization, not per domain:
/// removing and adding a domain does not reset it.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// Checks the domain's TXT record. A pending domain becomes verified or failed; one that is in effect already
/// stays in effect either way. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn check(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    key: &str,
    expected: Option<&EntityTags>,
) -> Result<OrganizationDomain> {
    let environment_id = principal.authorize(Action::DomainsManage, On::Organization(organization_id))?;
    let now = state.now();
    let tx = state.db.write().await?;
    let mut edit = DomainEdit::begin(tx, environment_id, organization_id, key, expected).await?;
    if edit.row.verification_token.is_none() {
        edit.row.verification_token = Some(new_token(state));
        edit.write(state).await?;
    }
    let domain = edit.row.clone();
    let turn =
        store::organization_domains::update_checked(edit.tx(), &domain, now, now - CHECK_INTERVAL).await?;
    let listed = edit.commit().await?;
    if !turn {
        return Err(Error::Limited { retry_after: CHECK_INTERVAL });
    }
    let found = match state.dns.txt(&listed.record_name()).await {
        Ok(records) => listed.check_records(&records),
        Err(error) => Err(error.to_string()),
    };
    match found {
        Ok(()) => match record_verified(state, principal, &listed).await {
            Err(Error::Conflict { kind, field }) => {
                // The customer may read this, and must not learn about other organizations.
                record_failure(state, principal, &listed, sharing::TAKEN_MESSAGE).await?;
                Err(Error::Conflict { kind, field })
            }
            other => other,
        },
        Err(why) => record_failure(state, principal, &listed, &why).await,
    }
}

/// Records that DNS verified the domain. [`Error::Conflict`], without a name, if another organization of the
/// environment has it. Only the vendor's API key may share it this way, if it is not verified there; an
/// administrator shares it by approving it.
async fn record_verified(
    state: &State,
    principal: &Principal,
    checked: &OrganizationDomain,
) -> Result<OrganizationDomain> {
    let taken = Error::conflict_on("organization", FIELD);
    let (environment_id, organization_id) = (checked.environment_id, checked.organization_id);
    let mut tx = state.db.write().await?;
    sharing::lock(&mut tx, environment_id).await?;
    let mut edit =
        DomainEdit::begin(tx, environment_id, organization_id, checked.domain.as_str(), None).await?;
    if edit.row.verification_token != checked.verification_token {
        return Err(not_found(checked.domain.as_str()));
    }
    let new = [edit.row.domain.clone()];
    let tx = edit.tx();
    let elsewhere = sharing::find_other_organizations(tx, environment_id, organization_id, &new).await?;
    let was = edit.row.state;
    let allowed = match was.is_accepted() {
        // It is shared already; only one of the organizations may have it verified.
        true => !elsewhere.iter().any(|there| there.verified),
        false => sharing::check(principal, &elsewhere, false).is_ok(),
    };
    if !allowed {
        return Err(taken(store::Error::Duplicate));
    }
    let now = state.now();
    edit.row.state = DomainState::Verified;
    edit.row.verified_at = Some(now);
    edit.row.checked_at = Some(now);
    edit.row.check_error = None;
    edit.write(state).await.map_err(taken)?;
    if was != DomainState::Verified {
        let entry =
            Entry::of(&edit.row, "verified").with_values(audit_fields! { "state": edit.row.state.as_str() });
        audit::record(edit.tx(), state, Some(environment_id), principal, entry).await?;
    }
    if !was.is_accepted() {
        sharing::record(edit.tx(), state, principal, organization_id, &elsewhere).await?;
    }
    edit.commit().await
}

/// Records that DNS did not verify the domain, and why.
async fn record_failure(
    state: &State,
    principal: &Principal,
    checked: &OrganizationDomain,
    why: &str,
) -> Result<OrganizationDomain> {
    let (environment_id, organization_id) = (checked.environment_id, checked.organization_id);
    let tx = state.db.write().await?;
    let mut edit =
        DomainEdit::begin(tx, environment_id, organization_id, checked.domain.as_str(), None).await?;
    if !edit.row.state.is_accepted() {
        edit.row.state = DomainState::Failed;
    }
    edit.row.check_error = Some(why.to_owned());
    edit.write(state).await?;
    let DomainEdit { organization, before, row } = &mut edit;
    audit::updated(&mut organization.tx, state, principal, before, row).await?;
    edit.commit().await
}
