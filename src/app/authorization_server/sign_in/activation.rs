//! The page on which a new user sets their first password, by the code of a link.

use model::{
    account::OneTimeCodePurpose,
    user::{User, UserStatus},
};

use super::{
    letter_links::{self, Opened},
    visitor::Visitor,
};
use crate::app::{
    Result, State,
    accounts::user_credentials::{self, Activation},
    authorization_server::issuers::{self, Issuer},
    principal::Principal,
};

/// What the code of a link is about, if it activates a new user.
pub async fn open(state: &State, issuer: &Issuer, code: &str) -> Result<Option<Opened>> {
    let opened = letter_links::open(state, issuer, code, &[OneTimeCodePurpose::Activation]).await?;
    Ok(opened.filter(|opened| opened.user.status == UserStatus::New))
}

/// Activates the user whom a code names, with this password. [`crate::app::Error::Invalid`] on `password` where the rules of the pool refuse
/// it; [`crate::app::Error::Unauthenticated`] where the code is good for nothing.
pub async fn activate(
    state: &State,
    issuer: &Issuer,
    opened: &Opened,
    code: &str,
    password: &str,
    visitor: &Visitor,
) -> Result<()> {
    let principal = Principal::service(issuer.tenant.environment_id).at(visitor.address());
    let activation = Activation { password: Some(password.to_owned()), totp_secret: None };
    user_credentials::activate_extended(state, &principal, opened.pool.id, code, &activation).await?;
    Ok(())
}

/// A link by which a new user sets their password. It ends the earlier ones.
pub async fn create_link(state: &State, principal: &Principal, user: &User) -> Result<String> {
    let purpose = OneTimeCodePurpose::Activation;
    let code = user_credentials::generate(state, principal, (user.pool_id, user.id), purpose, None).await?;
    let mut conn = state.db.read().await?;
    let issuer = issuers::of_organization(&mut conn, user.environment_id, user.organization_id).await?;
    let link =
        state.links.sign_in_activate(&issuer.tenant.name, &issuer.workspace(), &code.reveal_extended());
    Ok(link.into())
}
