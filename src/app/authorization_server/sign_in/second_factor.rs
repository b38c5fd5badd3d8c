//! The second factor of a sign-in: a code of the authenticator app, or a recovery code.

use model::account::AuthenticationMethod;

use super::{
    admission::Refusal,
    finish::{PasswordUse, Progress, finish, verified_password},
    under_way::{MULTI_FACTOR, ONE_TIME_PASSWORD, PASSWORD, Step, UnderWay},
    visitor::{Visitor, organization},
};
use crate::{
    app::{
        Result, State,
        accounts::{attempts, recovery_codes, totp, user_credentials},
        authorization_server::issuers::Issuer,
    },
    store::authorization_requests::{self, Proven},
};

/// Verifies a code of whoever has given their password for this request. [`crate::app::Error::Limited`] after too many wrong
/// ones.
pub async fn with_code(
    state: &State,
    issuer: &Issuer,
    under_way: &UnderWay,
    code: &str,
    visitor: &Visitor,
) -> Result<Result<Progress, Refusal>> {
    let (environment_id, organization_id) = (issuer.tenant.environment_id, organization(issuer)?.id);
    let Some(before) = under_way.request.proven.as_ref().filter(|_| under_way.step == Step::SecondFactor)
    else {
        return Ok(Err(Refusal::Gone));
    };
    let account = {
        let mut conn = state.db.read().await?;
        user_credentials::load_account(&mut conn, environment_id, organization_id, before.user_id).await?
    };
    let Some(account) = account else { return Ok(Err(Refusal::NotActive)) };
    let device = &visitor.device;
    let attempt = user_credentials::begin_sign_in(state, organization_id, Some(&account.user), "", device)?;
    let mut tx = state.db.write().await?;
    let Some(user) = user_credentials::lock(&mut tx, &account).await? else {
        return Ok(Err(Refusal::NotActive));
    };
    let Some(password) = verified_password(&mut tx, &user, before).await? else {
        return Ok(Err(Refusal::Gone));
    };
    let is_totp = totp::verify(&mut tx, state, user.id.into(), code).await?;
    if !is_totp && !recovery_codes::consume(&mut tx, state, user.id.into(), code).await? {
        drop(tx);
        attempt.fail();
        let method = AuthenticationMethod::Password;
        attempts::record_failure(state, &user, Some(environment_id), method, device).await;
        return Ok(Err(Refusal::WrongCode));
    }
    let methods = [Some(PASSWORD), is_totp.then_some(ONE_TIME_PASSWORD), Some(MULTI_FACTOR)];
    let amr = methods.into_iter().flatten().map(str::to_owned).collect();
    let proven = Proven { amr, ..before.clone() };
    match PasswordUse::of(state, &password) {
        PasswordUse::Good => {
            let finished = finish(tx, state, issuer, under_way, &user, &proven, visitor).await?;
            Ok(finished.map(Progress::Finished))
        }
        PasswordUse::Reset => Ok(Err(Refusal::MustBeReset)),
        PasswordUse::Change => {
            let name = &under_way.name;
            let now = state.now();
            if !authorization_requests::update_proven(&mut tx, name, Some(before), &proven, now).await? {
                return Ok(Err(Refusal::Gone));
            }
            tx.commit().await?;
            Ok(Ok(Progress::Next(Step::ChangePassword)))
        }
    }
}
