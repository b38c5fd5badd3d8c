//! Invitations of new users under way: asked for again, and withdrawn. An invitation is an activation code that an administrator
//! or a program had made, in a letter or handed over.

use std::collections::BTreeMap;

use base::{
    id::{IdentityPoolId, UserId},
    time::Timestamp,
};
use model::{
    account::OneTimeCodePurpose,
    letter::Asker,
    user::{AddressKind, AddressStatus, User, UserStatus},
};

use super::{
    activation::ask_for_password,
    place::{addresses_of, find_user, lock_user},
};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        mail::outbox,
        permissions::Action,
        principal::{On, Principal},
        retry::retry_deadlocks,
    },
    store::{self, Conn, one_time_codes},
};

const PURPOSE: OneTimeCodePurpose = OneTimeCodePurpose::Activation;

/// Invites a new user again, which ends the earlier invitation: by a letter; where none are sent the code is returned, for the
/// caller to hand over, who authenticated recently.
pub async fn ask_again(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
) -> Result<Option<String>> {
    let (pool, user) = find_user(state, principal, of).await?;
    if !outbox::is_set_up(state) {
        // Whoever sees the code sets the password of somebody else's account.
        principal.require_recent_authentication(state.now())?;
    }
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let user = lock_user(&mut tx, &pool, user.id).await?;
        require_new(&user)?;
        if !outbox::has_room(&mut tx, state, user.id.into(), Asker::Administrator).await? {
            let why = "ten letters were written to this user within an hour; wait, and try again";
            return Err(Error::FailedPrecondition(why.into()));
        }
        let address = address_of(&mut tx, &user).await?;
        one_time_codes::end_for(&mut tx, user.id, PURPOSE, state.now()).await?;
        let code = ask_for_password(&mut tx, state, principal, &pool, &user, address.as_deref()).await?;
        tx.commit().await?;
        Ok(code)
    })
    .await
}

/// Withdraws the invitation of a new user: its link opens nothing any more, and a letter that waits is not sent. The account stays.
pub async fn withdraw_invitation(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
) -> Result<()> {
    let (pool, user) = find_user(state, principal, of).await?;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let user = lock_user(&mut tx, &pool, user.id).await?;
        require_new(&user)?;
        one_time_codes::end_for(&mut tx, user.id, PURPOSE, state.now()).await?;
        let entry = Entry::of(&user, "invitation_withdrawn");
        audit::record(&mut tx, state, Some(user.environment_id), principal, entry).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Until when the invitations of these users, whom the caller read, are good; of those who have one that they can follow.
pub async fn open_invitations(
    state: &State,
    principal: &Principal,
    users: &[&User],
) -> Result<BTreeMap<UserId, Timestamp>> {
    principal.authorize(Action::UsersView, On::AnyOrganization)?;
    let is_new = |user: &&&User| user.status == UserStatus::New;
    let ids: Vec<UserId> = users.iter().filter(is_new).map(|user| user.id).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut conn = state.db.read().await?;
    Ok(store::one_time_codes::list_invitations(&mut conn, &ids, state.now()).await?)
}

fn require_new(user: &User) -> Result<()> {
    match user.status {
        UserStatus::New => Ok(()),
        _ => {
            Err(Error::FailedPrecondition("only a new user is invited; this one is not new any more".into()))
        }
    }
}

/// The e-mail address to which an invitation goes: that of the one before, else the first that is in use.
async fn address_of(conn: &mut Conn, user: &User) -> Result<Option<String>> {
    let before = one_time_codes::find_newest(conn, user.id, PURPOSE, None).await?;
    let before = before.and_then(|(code, _)| code.address_key);
    let addresses = addresses_of(conn, user.id).await?;
    let usable = |address: &&model::user::UserAddress| {
        address.kind == AddressKind::Email && address.status == AddressStatus::Active
    };
    let mut usable = addresses.iter().filter(usable);
    let first = usable.clone().next();
    let same = usable.find(|address| before.as_ref() == Some(&address.key()));
    Ok(same.or(first).map(|address| address.address.clone()))
}
