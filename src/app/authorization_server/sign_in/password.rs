//! The first factor of a sign-in: what somebody signs in with, and their password.

use model::account::AuthenticationMethod;

use super::{
    admission::Refusal,
    finish::{PasswordUse, Progress, finish},
    under_way::{PASSWORD, Step, UnderWay, next},
    visitor::{Visitor, organization},
};
use crate::{
    app::{
        Result, State,
        accounts::{attempts, password_check, user_credentials},
        authorization_server::issuers::Issuer,
    },
    store::authorization_requests::{self, Proven},
};

/// Verifies what somebody typed. The same work is done, and the same is answered, whether there is such an account or not.
/// [`crate::app::Error::Limited`] after too many wrong ones.
pub async fn with_password(
    state: &State,
    issuer: &Issuer,
    under_way: &UnderWay,
    identifier: &str,
    password: &str,
    visitor: &Visitor,
) -> Result<Result<Progress, Refusal>> {
    let (environment_id, organization_id) = (issuer.tenant.environment_id, organization(issuer)?.id);
    let found = {
        let mut conn = state.db.read().await?;
        user_credentials::find_account(&mut conn, environment_id, organization_id, identifier).await?
    };
    let device = &visitor.device;
    let user = found.as_ref().map(|account| &account.user);
    let attempt = user_credentials::begin_sign_in(state, organization_id, user, identifier, device)?;
    let usable = found.as_ref().filter(|account| account.allows_passwords());
    let known = usable.map(|account| account.user.id.into());
    let verified = password_check::verify(state, known, password).await?;
    let (Some(account), Some(password)) = (usable, verified) else {
        attempt.fail();
        let method = AuthenticationMethod::Password;
        match user {
            Some(user) => {
                attempts::record_failure(state, user, Some(environment_id), method, device).await;
            }
            None => {
                attempts::record_unknown_user(state, environment_id, organization_id, method, device).await;
            }
        }
        return Ok(Err(Refusal::Wrong));
    };
    if !account.user.status.is_active() {
        return Ok(Err(Refusal::NotActive));
    }
    let use_of_it = PasswordUse::of(state, &password);
    if use_of_it == PasswordUse::Reset {
        return Ok(Err(Refusal::MustBeReset));
    }
    let now = state.now();
    let proven = Proven { user_id: account.user.id, authenticated_at: now, amr: vec![PASSWORD.to_owned()] };
    let step = match next(&mut state.db.read().await?, &proven).await? {
        Some(Step::SecondFactor) => Some(Step::SecondFactor),
        _ => (use_of_it == PasswordUse::Change).then_some(Step::ChangePassword),
    };
    let mut tx = state.db.write().await?;
    let Some(user) = user_credentials::lock(&mut tx, account).await? else {
        return Ok(Err(Refusal::NotActive));
    };
    if !password_check::is_current(&mut tx, user.id.into(), Some(&password)).await? {
        return Ok(Err(Refusal::Wrong));
    }
    let Some(step) = step else {
        let finished = finish(tx, state, issuer, under_way, &user, &proven, visitor).await?;
        return Ok(finished.map(Progress::Finished));
    };
    // Whoever has given a first factor before, in this browser, does so again.
    let before = authorization_requests::find_proven(&mut tx, &under_way.name).await?;
    if !authorization_requests::update_proven(&mut tx, &under_way.name, before.as_ref(), &proven, now).await?
    {
        return Ok(Err(Refusal::Gone));
    }
    tx.commit().await?;
    Ok(Ok(Progress::Next(step)))
}
