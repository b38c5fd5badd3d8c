//! The challenge of a domain: the record that an organization publishes within a window, and the question to DNS whether it is
//! there, which its administrators ask as often as the rate limit lets them.

use std::net::{IpAddr, Ipv4Addr};

use base::id::OrganizationId;
use model::{
    audit::audit_fields,
    domain::DomainState,
    entity_tag::EntityTags,
    organization::Organization,
    organization_domain::{CheckFailure, OrganizationDomain},
};

use super::{
    edit::{DomainEdit, load, new_token},
    error, sharing,
    verification::{self, Occasion, RecordLookup},
};
use crate::app::{
    Error, Result, State,
    audit::{self, Entry},
    console_connection,
    limits::rate_limiter::RateLimit,
    permissions::Action,
    principal::{On, Principal},
    resource::{self, check_version},
};

/// Starts the verification of a domain, or starts it again: with a new record, and the whole window. A domain that counts stays as
/// it is; one that is verified keeps its record unless `restart` is set, and then has to show the new one as if it had lost the
/// old. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn start(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    key: &str,
    expected: Option<&EntityTags>,
    restart: bool,
) -> Result<OrganizationDomain> {
    let environment_id = principal.authorize(Action::DomainsManage, On::Organization(organization_id))?;
    console_connection::ensure_may_change(state, principal, organization_id).await?;
    let tx = state.db.write().await?;
    let mut edit = DomainEdit::begin(tx, environment_id, organization_id, key, expected, state.now()).await?;
    if edit.row.state == DomainState::Verified && !restart {
        return Ok(edit.row);
    }
    begin(&mut edit, state, principal).await?;
    edit.commit().await
}

/// Begins the challenge of a domain anew.
pub(super) async fn begin(edit: &mut DomainEdit, state: &State, principal: &Principal) -> Result<()> {
    edit.row.start_challenge(new_token(state), state.now());
    edit.write(state).await?;
    let values = audit_fields! { "expiresAt": edit.row.verification_expires_at() };
    let entry = Entry::of(&edit.row, "verification_started").with_values(values);
    let environment_id = edit.row.environment_id;
    audit::record(edit.tx(), state, Some(environment_id), principal, entry).await
}

/// Queries DNS now for the record of a domain. Where it is not there yet, the domain stays pending until its window is over.
/// [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn confirm(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    key: &str,
    expected: Option<&EntityTags>,
) -> Result<OrganizationDomain> {
    let environment_id = principal.authorize(Action::DomainsManage, On::Organization(organization_id))?;
    console_connection::ensure_may_change(state, principal, organization_id).await?;
    let listed = {
        let mut conn = state.db.read().await?;
        resource::load::<Organization>(&mut conn, environment_id, organization_id).await?;
        load(&mut conn, organization_id, key).await?
    };
    check_version(expected, listed.version)?;
    if listed.verification_token.is_none() {
        return Err(error::verification_not_started());
    }
    take_turn(state, &listed)?;
    if listed.has_expired(state.now()) && !listed.state.is_accepted() {
        return verification::record_expired(state, principal, &listed).await;
    }
    let found = verification::look_up(state, &listed).await;
    match found {
        RecordLookup::Present => match verification::record_verified(state, principal, &listed).await {
            Err(Error::Conflict { .. }) => {
                let taken = RecordLookup::Unknown(
                    CheckFailure::DomainVerifiedElsewhere,
                    sharing::TAKEN_MESSAGE.to_owned(),
                );
                verification::record_failure(state, principal, &listed, &taken, Occasion::Confirm).await?;
                Err(error::verified_elsewhere())
            }
            other => other,
        },
        failure => {
            let kept =
                verification::record_failure(state, principal, &listed, &failure, Occasion::Confirm).await?;
            match failure {
                RecordLookup::Unknown(_, why) => Err(error::dns_unavailable(why)),
                RecordLookup::Present | RecordLookup::Absent(_) => Ok(kept),
            }
        }
    }
}

/// Counts a question about a domain. Removing and claiming it again gives no more of them.
fn take_turn(state: &State, listed: &OrganizationDomain) -> Result<()> {
    if !state.settings.rate_limits {
        return Ok(());
    }
    let subject = format!("{} {}", listed.organization_id, listed.domain);
    let anywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let key = state.response_limits.key(RateLimit::DomainChecks, anywhere, &subject);
    state.response_limits.take(key, state.now())
}
