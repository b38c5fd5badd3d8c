//! The user's own passkeys.

use base::id::PasskeyId;
use model::{
    account::{CredentialState, Passkey},
    letter::LetterKind,
};
use serde_json::Value;

use super::SignedIn;
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            passkeys::{self, NewPasskey},
            user_credentials::{letters, passkeys as credentials},
        },
        retry::retry_deadlocks,
    },
    store,
};

/// Whether the user may have passkeys, and they work at this address.
pub fn are_offered(state: &State, signed_in: &SignedIn) -> bool {
    credentials::require_passkeys(&signed_in.account.pool).is_ok() && passkeys::are_supported(state)
}

/// The passkeys of whoever is signed in.
pub async fn list(state: &State, signed_in: &SignedIn) -> Result<Vec<Passkey>> {
    passkeys::list(state, signed_in.id()).await
}

/// Begins the making of a passkey: the options for `navigator.credentials.create`. One at a time is under way.
pub async fn begin(state: &State, signed_in: &SignedIn) -> Result<Value> {
    signed_in.require_recent(state)?;
    credentials::begin_for(state, &signed_in.account.pool, signed_in.user()).await
}

/// Adds the passkey that the browser has made.
pub async fn add(state: &State, signed_in: &SignedIn, answer: &str, name: &str) -> Result<()> {
    signed_in.require_recent(state)?;
    credentials::require_passkeys(&signed_in.account.pool)?;
    let answer: Value = serde_json::from_str(answer)
        .map_err(|_| Error::invalid("passkey", "no passkey was made; try again or take another device"))?;
    let made = NewPasskey::verify_stored(state, signed_in.id(), &answer, name).await?;
    let mut tx = state.db.write().await?;
    let user = signed_in.lock(&mut tx).await?;
    credentials::add_passkey(&mut tx, state, &signed_in.principal(), &user, made).await?;
    letters::send_notice(&mut tx, state, &user, LetterKind::PasskeyAdded, None).await?;
    Ok(tx.commit().await?)
}

/// Renames a passkey.
pub async fn rename(state: &State, signed_in: &SignedIn, id: PasskeyId, name: &str) -> Result<()> {
    passkeys::rename(state, &signed_in.holder(), id, name).await
}

/// Removes a passkey, unless it is the only way to sign in.
pub async fn remove(state: &State, signed_in: &SignedIn, id: PasskeyId) -> Result<()> {
    signed_in.require_recent(state)?;
    let account = &signed_in.account;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let user = signed_in.lock(&mut tx).await?;
        let password = store::passwords::find(&mut tx, signed_in.id()).await?;
        let has_password = account.allows_passwords()
            && password.is_some_and(|stored| stored.state != CredentialState::MustBeReset);
        let has_others = passkeys::remove(&mut tx, state, &signed_in.holder(), id).await?;
        let opens = has_others && account.allows_passkeys();
        if !has_password && !opens {
            return Err(Error::FailedPrecondition(
                match account.allows_passwords() {
                    true => "this is your only way to sign in; set a password or add another passkey first",
                    false => "this is your only way to sign in; add another passkey first",
                }
                .into(),
            ));
        }
        letters::send_notice(&mut tx, state, &user, LetterKind::PasskeyRemoved, None).await?;
        Ok(tx.commit().await?)
    })
    .await
}
