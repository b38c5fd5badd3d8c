//! The first factor of a sign-in: what somebody signs in with, and their password.

use model::account::{AccountId, AuthenticationMethod};

use super::{
    finish::{Progress, go_on},
    log::Log,
    password_use::PasswordUse,
    refusal::{Refusal, Refused},
    under_way::{PASSWORD, UnderWay},
    visitor::{Visitor, organization},
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{attempts, password_check, passwords::PasswordRealm, user_credentials},
        authorization_server::issuers::Issuer,
        login,
    },
    store::{
        self,
        authorization_requests::{self, Proven},
    },
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
) -> Result<Result<Progress, Refused>> {
    let (environment_id, organization_id) = (issuer.tenant.environment_id, organization(issuer)?.id);
    let found = {
        let mut conn = state.db.read().await?;
        user_credentials::find_account(&mut conn, environment_id, organization_id, identifier).await?
    };
    let device = &visitor.device;
    let user = found.as_ref().map(|account| &account.user);
    let mut log = Log::new(state, under_way);
    let attempt = match user_credentials::begin_sign_in(state, organization_id, user, identifier, device) {
        Ok(attempt) => attempt,
        Err(limited @ Error::Limited { .. }) => {
            log.identify(user.map(|user| user.id), Some(identifier)).await?;
            log.refuse(login::Error::TooManyAttempts, None).await?;
            return Err(limited);
        }
        Err(error) => return Err(error),
    };
    let usable = found.as_ref().filter(|account| account.allows_passwords());
    let known = usable.map(|account| account.user.id.into());
    let realm = PasswordRealm::Users(environment_id, organization_id);
    let verified = password_check::verify(state, realm, known, password).await?;
    log.identify(user.map(|user| user.id), Some(identifier)).await?;
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
        let has_password = {
            let known = known.unwrap_or_else(AccountId::nobody);
            store::passwords::find(&mut state.db.read().await?, known).await?.is_some()
        };
        let error = match (user, usable, has_password) {
            (None, _, _) => login::Error::AccountUnknown,
            (Some(_), None, _) => login::Error::PasswordNotAllowed,
            (Some(_), Some(_), false) => login::Error::PasswordMissing,
            (Some(_), Some(_), true) => login::Error::PasswordWrong,
        };
        return log.refuse_as(Refusal::Wrong, error, "").await;
    };
    log.pass(login::Error::PasswordNotAllowed, None);
    log.pass(login::Error::PasswordWrong, None);
    if !account.user.may_sign_in() {
        let found = account.user.status.as_str();
        return log.refuse_as(Refusal::NotActive, login::Error::AccountNotActive, found).await;
    }
    log.pass(login::Error::AccountNotActive, None);
    match PasswordUse::of(state, &password) {
        PasswordUse::Reset => {
            return log.refuse_as(Refusal::MustBeReset, login::Error::PasswordMustBeReset, "").await;
        }
        PasswordUse::Change => {
            let expired = password.expires_at.filter(|at| *at <= state.now());
            let error = match expired {
                Some(_) => login::Error::PasswordExpired,
                None => login::Error::PasswordMustBeChanged,
            };
            log.fail(error, expired.map(|at| format!("expired {at}")));
        }
        PasswordUse::Good => {}
    }
    let now = state.now();
    let proven = Proven { user_id: account.user.id, authenticated_at: now, amr: vec![PASSWORD.to_owned()] };
    let mut tx = state.db.write().await?;
    let Some(user) = user_credentials::lock(&mut tx, account).await? else {
        return Ok(Err(Refusal::NotActive.into()));
    };
    if !password_check::is_current(&mut tx, user.id.into(), Some(&password)).await? {
        return Ok(Err(Refusal::Wrong.into()));
    }
    // Whoever has given a first factor before, in this browser, does so again.
    let before = authorization_requests::find_proven(&mut tx, &under_way.name).await?;
    go_on(tx, log, (issuer, visitor), (account, &user), (before.as_ref(), &proven)).await
}
