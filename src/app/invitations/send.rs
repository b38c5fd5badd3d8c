//! The link of an invitation, shown to whoever makes it and sent by a letter.

use base::{
    id::{EnvironmentId, IdKind as _, OrganizationId, OrganizationKind},
    secret::OrganizationInvitationToken,
};
use model::{
    letter::{Asker, LetterKind},
    organization::root_id,
    organization_invitation::OrganizationInvitation,
};
use url::Url;

use super::token;
use crate::{
    app::{
        Error, Result, State,
        authorization_server::issuers::ROOT,
        mail::outbox::{self, Link, NewLetter},
        organizations::error::OrganizationError,
    },
    store::{self, Transaction, tenants},
};

/// An invitation with its link, which is shown now and never again.
pub struct Invited {
    /// The invitation.
    pub invitation: OrganizationInvitation,
    /// The link.
    pub accept_url: Url,
    /// Whether it was there before, and got another link.
    pub renewed: bool,
}

/// Locks an organization that people can be invited to, against its end. Returns the environment's name in paths.
pub(super) async fn lock_organization(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<String> {
    let not_found = || Error::not_found(OrganizationKind::NOUN, organization_id);
    if organization_id == root_id(environment_id) {
        return Err(not_found());
    }
    let found = store::users::lock_organization(tx, environment_id, organization_id).await?;
    match found.ok_or_else(not_found)? {
        (true, _) => return Err(OrganizationError::IsTemplate("members").into()),
        (false, true) => {
            return Err(Error::FailedPrecondition("the organization is switched off (disabled)".into()));
        }
        (false, false) => {}
    }
    let tenant = tenants::find(tx, environment_id).await?;
    Ok(tenant.ok_or_else(|| Error::not_found("environment", environment_id))?.name)
}

/// The link with what stands for the invitation. It leads to a page of the root's issuer, where whoever belongs to several
/// organizations signs in.
pub(super) fn link(state: &State, tenant: &str, token: &str) -> Url {
    state.links.invitation(tenant, ROOT, token)
}

/// The link of the letter.
pub(super) fn letter_link(
    state: &State,
    tenant: &str,
    invitation: &OrganizationInvitation,
    token: &OrganizationInvitationToken,
) -> Url {
    link(state, tenant, &token::for_letter(state, invitation.id, token))
}

/// Puts the letter of an invitation into the outbox.
pub(super) async fn write_letter(
    tx: &mut Transaction,
    state: &State,
    invitation: &OrganizationInvitation,
    url: &Url,
) -> Result<()> {
    let letter = NewLetter {
        environment_id: invitation.environment_id,
        organization_id: invitation.organization_id,
        account: None,
        kind: LetterKind::OrganizationInvitation,
        asked_by: Some(Asker::Administrator),
        not_sent: None,
        recipient: Some(&invitation.email),
        code: None,
        link: Link::Invitation { url, role: invitation.role, until: invitation.expires_at },
    };
    outbox::put(tx, state, &letter).await
}
