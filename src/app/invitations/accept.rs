//! Invitations that are accepted: by somebody who is signed in, or by somebody who gets an account by it.

use std::net::IpAddr;

use base::id::{EnvironmentId, UserId};
use model::{
    account::CredentialState,
    event::EventKind,
    membership::{Membership, MembershipSource},
    organization::root_id,
    organization_invitation::{InvitationStatus, OrganizationInvitation},
    user::{AddressKind, AddressStatus, IdentifierKind, User, UserAddress, UserStatus},
};
use serde_json::{Map, Value};

use super::{
    error::InvitationError,
    preview::{account_of, open},
    record::{Happened, record},
    send::lock_organization,
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            credentials::{ImportedCredential, NewCredential},
            users::{self, NewAddress, NewIdentifier, NewUser, Profile},
        },
        input,
        members::{
            change,
            list::{self, Member},
        },
        principal::Principal,
        retry::retry_deadlocks,
    },
    store::{Conn, Transaction, memberships, organization_invitations, table, user_addresses},
};

/// The maximum length of a name, in characters.
const MAX_NAME: usize = 200;

/// What somebody is now who accepted an invitation.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// Who they are.
    pub user_id: UserId,
    /// Their membership.
    pub membership: Membership,
}

/// What somebody makes their account with.
#[derive(Clone, Default)]
pub struct NewAccount {
    /// Their password.
    pub password: String,
    /// Their name; may be empty.
    pub display_name: String,
}

/// The e-mail addresses that a user has proven, as keys.
pub(super) async fn proven_keys(conn: &mut Conn, user_id: UserId) -> Result<Vec<String>> {
    let found = user_addresses::list(conn, &[user_id]).await?.remove(&user_id).unwrap_or_default();
    let proven = |address: &UserAddress| {
        address.kind == AddressKind::Email && address.status == AddressStatus::Active && address.is_verified()
    };
    Ok(found.iter().filter(|address| proven(address)).map(UserAddress::key).collect())
}

/// Accepts the invitation of a link as somebody who is signed in, has an account in the root's pool and has proven its address.
pub async fn accept(
    state: &State,
    environment_id: EnvironmentId,
    user_id: UserId,
    address: Option<IpAddr>,
    token: &str,
) -> Result<Accepted> {
    let opened = open(state, token).await?;
    if opened.invitation.environment_id != environment_id {
        return Err(crate::app::accounts::invitations::closed());
    }
    accept_pending(state, user_id, address, &opened.invitation).await
}

/// Accepts an invitation as a user. Their address is looked at here.
pub(super) async fn accept_pending(
    state: &State,
    user_id: UserId,
    address: Option<IpAddr>,
    invitation: &OrganizationInvitation,
) -> Result<Accepted> {
    let environment_id = invitation.environment_id;
    let principal = Principal::user(user_id, environment_id).at(address);
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        lock_organization(&mut tx, environment_id, invitation.organization_id).await.map_err(ended)?;
        let user: Option<User> = table::find_for_update(&mut tx, environment_id, user_id).await?;
        let user = user.filter(|user| user.may_sign_in() && user.shadow_of.is_none());
        let user = user.ok_or_else(|| Error::not_found("user", user_id))?;
        let is_theirs = user.organization_id == root_id(environment_id)
            && proven_keys(&mut tx, user.id).await?.contains(&invitation.email.key());
        if !is_theirs {
            return Err(InvitationError::EmailMismatch.into());
        }
        let accepted = consume(&mut tx, state, &principal, invitation, user.id).await?;
        tx.commit().await?;
        Ok(accepted)
    })
    .await
}

/// An organization that ended meanwhile took its invitations along.
fn ended(error: Error) -> Error {
    match error {
        Error::NotFound { .. } | Error::FailedPrecondition(_) | Error::Organization(_) => {
            InvitationError::Ended.into()
        }
        error => error,
    }
}

/// Uses an invitation up for a user, who becomes a member unless they are one. The organization is locked.
async fn consume(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    invitation: &OrganizationInvitation,
    user_id: UserId,
) -> Result<Accepted> {
    let now = state.now();
    let place = (invitation.environment_id, invitation.organization_id);
    let present = memberships::find_for_update(tx, place.0, place.1, user_id).await?;
    if present.as_ref().is_some_and(|present| !present.is_active()) {
        return Err(InvitationError::Suspended.into());
    }
    if !organization_invitations::accept(tx, invitation.id, user_id, now).await? {
        return Err(InvitationError::Ended.into());
    }
    let membership = match present {
        Some(present) => present,
        None => {
            let source = MembershipSource::Invitation;
            let membership = Membership::new(place, user_id, invitation.role, source, now);
            change::add(tx, state, principal, &membership).await?;
            membership
        }
    };
    let mut accepted = invitation.clone();
    (accepted.accepted_at, accepted.accepted_user_id) = (Some(now), Some(user_id));
    debug_assert_eq!(accepted.status(now), InvitationStatus::Accepted);
    record(tx, state, principal, &[Happened::new(EventKind::InvitationAccepted, &accepted)]).await?;
    Ok(Accepted { user_id, membership })
}

/// Accepts the invitation of a link as somebody who has no account: one is made in the root's first pool, with the address that is
/// invited, and proven if the link proves it. [`InvitationError::AccountExists`] where somebody has the address.
pub async fn accept_as_new(
    state: &State,
    address: Option<IpAddr>,
    token: &str,
    new: &NewAccount,
) -> Result<Accepted> {
    let opened = open(state, token).await?;
    if !opened.makes_account() {
        return Err(InvitationError::EmailNotVerified.into());
    }
    let invitation = &opened.invitation;
    let environment_id = invitation.environment_id;
    if account_of(&mut state.db.read().await?, environment_id, &invitation.email).await?.is_some() {
        return Err(InvitationError::AccountExists.into());
    }
    let service = Principal::service(environment_id).at(address);
    let pool = users::first_pool(state, &service, root_id(environment_id)).await?;
    let user = new_user(new, invitation, opened.proves)?;
    let made = std::sync::Mutex::new(None);
    let created = users::create_with(state, &service, pool.id, &user, async |tx, _, user| {
        lock_organization(tx, environment_id, invitation.organization_id).await.map_err(ended)?;
        let principal = Principal::user(user.id, environment_id).at(address);
        let accepted = consume(tx, state, &principal, invitation, user.id).await?;
        if let Ok(mut made) = made.lock() {
            *made = Some(accepted);
        }
        Ok(())
    })
    .await;
    match created {
        Ok(_) => {
            let accepted = made.into_inner().ok().flatten();
            accepted.ok_or_else(|| Error::internal("an invitation was accepted without a membership"))
        }
        // Somebody came first.
        Err(Error::Conflict { .. }) => match open(state, token).await {
            Ok(_) => Err(InvitationError::AccountExists.into()),
            Err(error) => Err(error),
        },
        Err(error) => Err(named(error)),
    }
}

fn new_user(new: &NewAccount, invitation: &OrganizationInvitation, proves: bool) -> Result<NewUser> {
    if new.password.is_empty() {
        return Err(Error::invalid("password", "is required"));
    }
    let email = invitation.email.as_str();
    let name = input::line("display_name", &new.display_name, MAX_NAME)?;
    let mut user = NewUser::new(UserStatus::Active);
    user.identifiers.push(NewIdentifier::new(IdentifierKind::Email, email));
    user.addresses.push(NewAddress::email(email, proves));
    if !name.is_empty() {
        let payload = Map::from_iter([("name".to_owned(), Value::from(name))]);
        user.profile = Profile::new(Some(payload), None, None);
    }
    user.credentials.push(NewCredential {
        credential: ImportedCredential::Password(new.password.clone()),
        state: CredentialState::Valid,
        expires_at: None,
    });
    Ok(user)
}

/// The errors at the fields that were typed.
fn named(error: Error) -> Error {
    match error {
        Error::Invalid { field, reason } if field.starts_with("payload") => {
            Error::Invalid { field: "display_name".into(), reason }
        }
        Error::InvalidFields(fields) => {
            let at_name = |(field, reason): (String, String)| match field.starts_with("payload") {
                true => ("display_name".to_owned(), reason),
                false => (field, reason),
            };
            Error::InvalidFields(fields.into_iter().map(at_name).collect())
        }
        error => error,
    }
}

/// Who has just become a member, as the members are shown.
pub async fn joined(state: &State, membership: &Membership) -> Result<Member> {
    list::one(&mut state.db.read().await?, membership.clone()).await
}
