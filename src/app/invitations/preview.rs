//! What an invitation says to whoever has its link, before they accept it. Looking changes nothing: previews of letters open links
//! too.

use std::time::Duration;

use base::{id::EnvironmentId, secret::OrganizationInvitationToken, time::Timestamp};
use model::{
    account::PasswordPolicy,
    branding::plain_name,
    email::Email,
    identity_pool::IdentityPool,
    organization::{Organization, root_id},
    organization_invitation::{InvitationStatus, OrganizationInvitation},
    user::User,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{error::InvitationError, renew, token::GivenToken};
use crate::{
    app::{
        Error, Result, State,
        accounts::{invitations::closed, user_credentials::find_registered},
        mail::outbox,
    },
    store::{Conn, identity_pools, organization_invitations, table, tenants},
};

/// How long after a link was made whoever has it waits for another letter.
const QUIET: Duration = Duration::from_secs(60);

/// What is told of an invitation to whoever has its link.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = InvitationPreview)]
pub struct Preview {
    /// The organization.
    pub organization: PreviewOrganization,
    /// What they become: `admin` or `member`.
    pub role: &'static str,
    /// Whom it is for, mostly hidden: `d***@acme.com`.
    pub email: String,
    /// `pending`: others are not shown.
    #[schema(value_type = String)]
    pub status: InvitationStatus,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

/// The organization of an invitation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PreviewOrganization {
    /// Its name.
    pub name: String,
}

/// An invitation that can be accepted, for the page that its link opens.
pub struct Opened {
    /// The invitation.
    pub invitation: OrganizationInvitation,
    /// The organization.
    pub organization: Organization,
    /// Whether the link proves the address: it comes from the letter, or the vendor vouches for it.
    pub proves: bool,
    /// Whether the address can be proven by a letter; only then an account is made by such a link alone.
    pub can_prove: bool,
}

impl Opened {
    /// The organization's name, among other words.
    pub fn name(&self) -> String {
        plain_name(self.organization.shown_name())
    }

    /// Whether an account can be made by this link.
    pub fn makes_account(&self) -> bool {
        self.proves || !self.can_prove
    }
}

/// The invitation of a link, if it is pending and its organization in use. [`Error::NotFound`] of a link that nobody made,
/// [`InvitationError::Ended`] of one that is over.
pub async fn open(state: &State, token: &str) -> Result<Opened> {
    open_in(&mut state.db.read().await?, state, token).await
}

pub(super) async fn open_in(conn: &mut Conn, state: &State, token: &str) -> Result<Opened> {
    let given = GivenToken::parse(token).ok_or_else(closed)?;
    let found = organization_invitations::find_by_token(conn, given.token.digest()).await?;
    let invitation = found.ok_or_else(closed)?;
    let organization: Option<Organization> =
        table::find(conn, invitation.environment_id, invitation.organization_id).await?;
    let is_pending = invitation.status(state.now()) == InvitationStatus::Pending;
    let in_use = organization.filter(|organization| is_pending && !organization.is_disabled());
    let organization = in_use.ok_or(InvitationError::Ended)?;
    let proves = invitation.vouched || given.is_of_letter(state, invitation.id);
    Ok(Opened { invitation, organization, proves, can_prove: outbox::is_set_up(state) })
}

/// What may be told of an invitation to anybody who has its link.
pub async fn preview(state: &State, token: &str) -> Result<Preview> {
    let opened = open(state, token).await?;
    Ok(Preview {
        organization: PreviewOrganization { name: opened.name() },
        role: opened.invitation.role.as_str(),
        email: masked(&opened.invitation.email),
        status: InvitationStatus::Pending,
        expires_at: opened.invitation.expires_at,
    })
}

/// An address of which the part before the `@` is hidden but for its first character.
pub fn masked(email: &Email) -> String {
    let first: String = email.as_str().chars().take(1).collect();
    format!("{first}***@{}", email.domain())
}

/// The account in the root's first pool that has the address of an invitation, if there is one.
pub(super) async fn account_of(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    email: &Email,
) -> Result<Option<User>> {
    let pool: Option<IdentityPool> =
        identity_pools::find_first(conn, environment_id, root_id(environment_id)).await?;
    match pool {
        Some(pool) => find_registered(conn, &pool, email.as_str()).await,
        None => Ok(None),
    }
}

/// What is asked of the password of an account that is made by an invitation; `None` where somebody has an account with the address.
pub async fn account_or_rules(state: &State, opened: &Opened) -> Result<Option<PasswordPolicy>> {
    let environment_id = opened.invitation.environment_id;
    let mut conn = state.db.read().await?;
    if account_of(&mut conn, environment_id, &opened.invitation.email).await?.is_some() {
        return Ok(None);
    }
    let pool: Option<IdentityPool> =
        identity_pools::find_first(&mut conn, environment_id, root_id(environment_id)).await?;
    Ok(Some(pool.map_or(PasswordPolicy::DEFAULT, |pool| pool.password_policy())))
}

/// Sends whoever has a link that proves no address the letter that does: the link in it takes the place of this one. At most one a
/// minute, and as often a day as an invitation is sent anew.
pub async fn send_to_prove(state: &State, token: &str) -> Result<()> {
    let opened = open(state, token).await?;
    if !opened.can_prove {
        return Err(Error::FailedPrecondition("no letters are sent here".into()));
    }
    let invitation = opened.invitation;
    if invitation.send_count > 1 && invitation.last_sent_at + QUIET > state.now() {
        // The letter is on its way.
        return Ok(());
    }
    let mut tx = state.db.write().await?;
    let tenant = tenants::find(&mut tx, invitation.environment_id).await?;
    let tenant = tenant.ok_or_else(|| Error::not_found("environment", invitation.environment_id))?.name;
    let token = OrganizationInvitationToken::new(&*state.random);
    renew::send_anew(&mut tx, state, &tenant, invitation, &token).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_hidden_but_for_its_domain() {
        for (text, shown) in
            [("dana@acme.com", "d***@acme.com"), ("d@bücher.example", "d***@xn--bcher-kva.example")]
        {
            assert_eq!(masked(&Email::parse(text).unwrap()), shown);
        }
    }
}
