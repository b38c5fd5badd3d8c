//! Letters that an administrator has written again.

use base::id::LetterId;
use model::{
    account::AccountId,
    audit::audit_fields,
    identity_pool::IdentityPool,
    letter::Asker,
    user::{User, UserAddress},
};

use super::{
    codes, letters,
    place::{addresses_of, lock_user},
};
use crate::app::{
    Error, Result, State,
    audit::{self, Entry},
    mail::{self, outbox},
    permissions::Action,
    principal::{On, Principal},
    resource,
    retry::retry_deadlocks,
};

/// Writes a letter again, with a new code, which ends the earlier ones. [`Error::FailedPrecondition`] where there is nobody to
/// write to, or nothing to write any more.
pub async fn send_again(state: &State, principal: &Principal, id: LetterId) -> Result<()> {
    let environment_id = principal.authorize(Action::UsersManage, On::Environment)?;
    if !outbox::is_set_up(state) {
        return Err(Error::FailedPrecondition("no mail server is set up (mail.smtp_url)".into()));
    }
    let mail::letters::LetterView { letter, recipient } = mail::letters::find(state, principal, id).await?;
    if letter.kind.is_invitation() {
        let why = "an invitation is sent again where it was made, not here";
        return Err(Error::FailedPrecondition(why.into()));
    }
    let Some(AccountId::User(user_id)) = letter.account_id else {
        return Err(Error::FailedPrecondition("nobody has this address".into()));
    };
    let pool: IdentityPool = {
        let mut conn = state.db.read().await?;
        let user: User = resource::load(&mut conn, environment_id, user_id).await?;
        resource::load(&mut conn, environment_id, user.pool_id).await?
    };
    let recipient = recipient.as_deref();
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let user = lock_user(&mut tx, &pool, user_id).await?;
        let asker = Asker::Administrator;
        if !outbox::has_room(&mut tx, state, user.id.into(), asker).await? {
            return Err(Error::FailedPrecondition(
                "ten letters to this user were written again within an hour; wait, and try again".into(),
            ));
        }
        match letter.kind.purpose() {
            Some(purpose) => {
                let key = recipient.and_then(UserAddress::key_of_any);
                let addresses = addresses_of(&mut tx, user.id).await?;
                let is_theirs = addresses.iter().any(|address| Some(address.key()) == key);
                let named = recipient.filter(|_| is_theirs);
                let key = codes::address_for(&mut tx, &pool, &user, purpose, named).await?;
                let code = codes::create(&mut tx, state, &pool, &user, purpose, key).await?;
                let for_whom = (asker, &mail::Onward::default());
                letters::send_code(&mut tx, state, &user, &code, recipient, for_whom).await?;
            }
            None => {
                let address = recipient.unwrap_or_default();
                letters::send_without_code(&mut tx, state, &user, letter.kind, address, Some(asker)).await?;
            }
        }
        let entry = Entry::of(&user, "letter_sent_again")
            .with_values(audit_fields! { "kind": letter.kind.as_str(), "letterId": letter.id.to_string() });
        audit::record(&mut tx, state, Some(environment_id), principal, entry).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}
