//! The second factor of a sign-in: a code of the authenticator app, or a recovery code.

use model::account::AuthenticationMethod;

use super::{
    finish::{Progress, go_on, verified_password},
    log::Log,
    password_use::PasswordUse,
    refusal::{Refusal, Refused},
    under_way::{MULTI_FACTOR, ONE_TIME_PASSWORD, PASSWORD, Step, UnderWay},
    visitor::{Visitor, organization},
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            attempts::{self, Attempt},
            recovery_codes, totp, user_credentials,
        },
        authorization_server::issuers::Issuer,
        login,
    },
    store::authorization_requests::{self, Proven},
};

/// Verifies a code of whoever has given their password for this request, which a few wrong ones end.
/// [`crate::app::Error::Limited`] after too many wrong ones for the account.
pub async fn with_code(
    state: &State,
    issuer: &Issuer,
    under_way: &UnderWay,
    code: &str,
    visitor: &Visitor,
) -> Result<Result<Progress, Refused>> {
    let (environment_id, organization_id) = (issuer.tenant.environment_id, organization(issuer)?.id);
    let Some(before) = under_way.request.proven.as_ref().filter(|_| under_way.step == Step::SecondFactor)
    else {
        return Ok(Err(Refusal::Gone.into()));
    };
    let account = {
        let mut conn = state.db.read().await?;
        user_credentials::load_account(&mut conn, environment_id, organization_id, before.user_id).await?
    };
    let Some(account) = account else { return Ok(Err(Refusal::NotActive.into())) };
    let device = &visitor.device;
    let mut log = Log::new(state, under_way);
    log.identify(Some(account.user.id), None).await?;
    let attempts = user_credentials::begin_sign_in(state, organization_id, Some(&account.user), "", device)
        .and_then(|from_here| Ok((from_here, Attempt::begin_second_factor(state, account.user.id.into())?)));
    let (from_here, from_anywhere) = match attempts {
        Ok(attempts) => attempts,
        Err(limited @ Error::Limited { .. }) => {
            log.refuse(login::Error::TooManyAttempts, None).await?;
            return Err(limited);
        }
        Err(error) => return Err(error),
    };
    let mut tx = state.db.write().await?;
    let Some(user) = user_credentials::lock(&mut tx, &account).await? else {
        return Ok(Err(Refusal::NotActive.into()));
    };
    let Some(password) = verified_password(&mut tx, &user, before).await? else {
        return Ok(Err(Refusal::Gone.into()));
    };
    if !authorization_requests::take_second_factor(&mut tx, &under_way.name).await? {
        return Ok(Err(Refusal::Gone.into()));
    }
    let is_totp = totp::verify(&mut tx, state, user.id.into(), code).await?;
    if !is_totp && !recovery_codes::consume(&mut tx, state, user.id.into(), code).await? {
        let was_used = totp::is_of_now(&mut tx, state, user.id.into(), code).await?
            || recovery_codes::is_one(&mut tx, user.id.into(), code).await?;
        let is_over = authorization_requests::end_guessed(&mut tx, &under_way.name, state.now()).await?;
        tx.commit().await?;
        from_here.fail();
        from_anywhere.fail();
        let method = AuthenticationMethod::Password;
        attempts::record_failure(state, &user, Some(environment_id), method, device).await;
        let error = match was_used {
            true => login::Error::SecondFactorUsed,
            false => login::Error::SecondFactorWrong,
        };
        let why = if is_over { Refusal::Gone } else { Refusal::WrongCode };
        return log.refuse_as(why, error, "").await;
    }
    let found = if is_totp { "a code of the authenticator app" } else { "a recovery code" };
    log.pass(login::Error::SecondFactorWrong, Some(found.to_owned()));
    if PasswordUse::of(state, &password) == PasswordUse::Reset {
        // The code stays used.
        tx.commit().await?;
        return log.refuse_as(Refusal::MustBeReset, login::Error::PasswordMustBeReset, "").await;
    }
    let methods = [Some(PASSWORD), is_totp.then_some(ONE_TIME_PASSWORD), Some(MULTI_FACTOR)];
    let amr = methods.into_iter().flatten().map(str::to_owned).collect();
    let proven = Proven { amr, ..before.clone() };
    go_on(tx, log, (issuer, visitor), (&account, &user), (Some(before), &proven)).await
}
