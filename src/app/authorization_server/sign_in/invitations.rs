//! New users who are invited: by a letter, or where none are sent by a link that is shown once.

use std::sync::Mutex;

use base::id::{IdentityPoolId, UserId};
use model::user::User;

use crate::app::{
    Result, State,
    accounts::{
        user_credentials,
        users::{self, NewUser},
    },
    authorization_server::issuers,
    principal::Principal,
};

/// How an invitation reaches its user.
pub enum Invited {
    /// A letter is on its way.
    ByLetter,
    /// By this link, which whoever invited them hands over.
    ByLink(String),
}

/// Creates a user who is invited to set a password: by a letter to this one of their addresses, to the one that they sign in with
/// where there is none. [`crate::app::Error::Invalid`] on `emails`: there is nowhere to send it.
pub async fn create(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    new: &NewUser,
    address: Option<&str>,
) -> Result<(User, Invited)> {
    let code = Mutex::new(None);
    let user = users::create_with(state, principal, pool_id, new, async |tx, pool, user| {
        let made = user_credentials::ask_for_password(tx, state, principal, pool, user, address).await?;
        if let Ok(mut code) = code.lock() {
            *code = made;
        }
        Ok(())
    })
    .await?;
    let invited = by(state, &user, code.into_inner().unwrap_or_default()).await?;
    Ok((user, invited))
}

/// Invites a new user again. The earlier invitation ends.
pub async fn send_again(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
) -> Result<Invited> {
    let code = user_credentials::ask_again(state, principal, of).await?;
    let user = users::find(state, principal, of).await?;
    by(state, &user, code).await
}

async fn by(state: &State, user: &User, code: Option<String>) -> Result<Invited> {
    let Some(code) = code else { return Ok(Invited::ByLetter) };
    let mut conn = state.db.read().await?;
    let issuer = issuers::of_organization(&mut conn, user.environment_id, user.organization_id).await?;
    let link = state.links.sign_in_activate(&issuer.tenant.name, &issuer.workspace(), &code);
    Ok(Invited::ByLink(link.into()))
}
