//! Another password, chosen by whoever signs in with one that must be changed or has expired.

use super::{
    finish::{Progress, go_on, verified_password},
    log::Log,
    password_use::PasswordUse,
    refusal::{Refusal, Refused},
    under_way::{Step, UnderWay},
    visitor::{Visitor, organization},
};
use crate::{
    app::{
        Result, State, accounts::user_credentials, authorization_server::issuers::Issuer, login,
        principal::Principal,
    },
    store::authorization_requests::Proven,
};

/// Sets the password of whoever has proven to be the user, ends their sessions, and signs them in.
/// [`crate::app::Error::Invalid`] on `password` where the rules of the pool refuse it.
pub async fn change(
    state: &State,
    issuer: &Issuer,
    under_way: &UnderWay,
    new: &str,
    visitor: &Visitor,
) -> Result<Result<Progress, Refused>> {
    let (environment_id, organization_id) = (issuer.tenant.environment_id, organization(issuer)?.id);
    let before = under_way.request.proven.as_ref().filter(|_| under_way.step == Step::ChangePassword);
    let Some(before) = before else { return Ok(Err(Refusal::Gone.into())) };
    let account = {
        let mut conn = state.db.read().await?;
        user_credentials::load_account(&mut conn, environment_id, organization_id, before.user_id).await?
    };
    let Some(account) = account else { return Ok(Err(Refusal::NotActive.into())) };
    let mut log = Log::new(state, under_way);
    log.identify(Some(account.user.id), None).await?;
    let prepared = user_credentials::prepare_password(state, &account, new).await?;
    let mut tx = state.db.write().await?;
    let Some(user) = user_credentials::lock(&mut tx, &account).await? else {
        return Ok(Err(Refusal::NotActive.into()));
    };
    let Some(password) = verified_password(&mut tx, &user, before).await? else {
        return Ok(Err(Refusal::Gone.into()));
    };
    match PasswordUse::of(state, &password) {
        PasswordUse::Change => {}
        PasswordUse::Reset => return Ok(Err(Refusal::MustBeReset.into())),
        // Somebody said meanwhile that it need not be changed: they sign in with it.
        PasswordUse::Good => return Ok(Err(Refusal::Gone.into())),
    }
    let principal = Principal::service(environment_id).at(visitor.address());
    user_credentials::change_own_password(&mut tx, state, &principal, &user, prepared).await?;
    let proven = Proven { authenticated_at: state.now(), ..before.clone() };
    log.pass(login::Error::PasswordMustBeChanged, Some("another password was chosen".to_owned()));
    go_on(tx, log, (issuer, visitor), (&account, &user), (Some(before), &proven)).await
}
