//! The page on which a new user sets their first password, by the code of a link.

use base::id::IdentityPoolId;
use model::{
    account::OneTimeCodePurpose,
    user::{User, UserStatus},
};

use super::visitor::{Visitor, organization};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            one_time_codes,
            user_credentials::{self, Activation},
        },
        authorization_server::issuers::{self, Issuer},
        principal::Principal,
    },
    store::table,
};

/// The pool of the new user whom a code of this organization names; `None` where there is none, or the code has expired. Whether
/// its digits are right is not looked at, and nothing is used up: previews of letters open links too.
pub async fn find(state: &State, issuer: &Issuer, code: &str) -> Result<Option<IdentityPoolId>> {
    let organization_id = organization(issuer)?.id;
    if code.len() > 100 {
        return Ok(None);
    }
    let environment_id = issuer.tenant.environment_id;
    let mut conn = state.db.read().await?;
    let Some((found, _)) = one_time_codes::find_extended(&mut conn, code).await? else { return Ok(None) };
    let is_good = found.purpose == OneTimeCodePurpose::Activation
        && found.environment_id == environment_id
        && found.expires_at > state.now();
    if !is_good {
        return Ok(None);
    }
    let user: Option<User> = table::find(&mut conn, environment_id, found.user_id).await?;
    let user = user.filter(|user| user.organization_id == organization_id && user.status == UserStatus::New);
    Ok(user.map(|user| user.pool_id))
}

/// Activates the user whom a code names, with this password. [`Error::Invalid`] on `password` where the rules of the pool refuse
/// it; [`Error::Unauthenticated`] where the code is good for nothing.
pub async fn activate(
    state: &State,
    issuer: &Issuer,
    code: &str,
    password: &str,
    visitor: &Visitor,
) -> Result<()> {
    let pool_id = find(state, issuer, code).await?.ok_or_else(refused)?;
    let principal = Principal::service(issuer.tenant.environment_id).at(visitor.address());
    let activation = Activation { password: Some(password.to_owned()), totp_secret: None };
    user_credentials::activate_extended(state, &principal, pool_id, code, &activation).await?;
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

fn refused() -> Error {
    Error::Unauthenticated("this code is wrong, used or expired".into())
}
