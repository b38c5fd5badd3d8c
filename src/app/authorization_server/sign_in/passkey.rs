//! Signing in with a passkey. It is both factors: something that the person has, which has verified them. One counts in the pool
//! of its user only, and its answer only for the sign-in under way for which it was asked.

use base::id::UserId;
use model::account::{AccountId, AuthenticationMethod};

use super::{
    finish::{Progress, go_on},
    log::Log,
    refusal::{Refusal, Refused},
    under_way::{HARDWARE_KEY, MULTI_FACTOR, SOFTWARE_KEY, USER_PRESENT, UnderWay},
    visitor::{Visitor, organization},
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            attempts,
            passkeys::{self, Ceremony, Challenge, PasskeyProblem, PresentedPasskey, RelyingParty},
            user_credentials::{self, Account},
        },
        authorization_server::issuers::Issuer,
        login,
    },
    store::authorization_requests::{self, Proven},
};

/// What a passkey is asked for, on the pages of a sign-in under way. `None` where none can be used: the organization allows none,
/// or the pages are at an IP address.
pub async fn challenge(state: &State, issuer: &Issuer, under_way: &UnderWay) -> Result<Option<Challenge>> {
    if !passkeys::are_supported(state) {
        return Ok(None);
    }
    let (environment_id, organization_id) = (issuer.tenant.environment_id, organization(issuer)?.id);
    let is_offered = {
        let mut conn = state.db.read().await?;
        user_credentials::offers_passkeys(&mut conn, environment_id, organization_id).await?
    };
    if !is_offered {
        return Ok(None);
    }
    let bound_to = bound_to(under_way);
    passkeys::begin_authentication_in(state, &ceremony(state, "", &bound_to)).map(Some)
}

/// What challenges of a sign-in under way are bound to.
pub(super) fn bound_to(under_way: &UnderWay) -> String {
    under_way.name.digest_of_text().to_hex()
}

/// A ceremony on the pages of an issuer. `name` is what authenticators call the place.
pub(super) fn ceremony<'a>(state: &'a State, name: &'a str, bound_to: &'a str) -> Ceremony<'a> {
    Ceremony { party: RelyingParty { links: &state.links, name }, bound_to }
}

/// A response of an authenticator whose passkey is one of an account of the organization.
struct Presented {
    passkey: PresentedPasskey,
    account: Account,
}

/// Whose passkey it is that answers: of an account of this organization, and of no other.
async fn present(
    state: &State,
    issuer: &Issuer,
    under_way: &UnderWay,
    (sealed, answer): (&str, &str),
) -> Result<Result<Presented, PasskeyProblem>> {
    let bound_to = bound_to(under_way);
    let ceremony = ceremony(state, "", &bound_to);
    let passkey = match PresentedPasskey::read_in(state, &ceremony, sealed, answer).await {
        Ok(passkey) => passkey,
        Err(Error::FailedPrecondition(_)) => return Ok(Err(PasskeyProblem::Challenge)),
        Err(Error::Unauthenticated(_)) => return Ok(Err(PasskeyProblem::Unknown)),
        Err(error) => return Err(error),
    };
    let AccountId::User(id) = passkey.account() else { return Ok(Err(PasskeyProblem::Unknown)) };
    let (environment_id, organization_id) = (issuer.tenant.environment_id, organization(issuer)?.id);
    let account = {
        let mut conn = state.db.read().await?;
        user_credentials::load_account(&mut conn, environment_id, organization_id, id).await?
    };
    Ok(account.map(|account| Presented { passkey, account }).ok_or(PasskeyProblem::Unknown))
}

/// Verifies the answer of an authenticator. [`crate::app::Error::Limited`] after too many wrong ones.
pub async fn with_passkey(
    state: &State,
    issuer: &Issuer,
    under_way: &UnderWay,
    answer: (&str, &str),
    visitor: &Visitor,
) -> Result<Result<Progress, Refused>> {
    if !passkeys::are_supported(state) {
        return Ok(Err(Refusal::Gone.into()));
    }
    let (environment_id, organization_id) = (issuer.tenant.environment_id, organization(issuer)?.id);
    let (device, method) = (&visitor.device, AuthenticationMethod::Passkey);
    let presented = present(state, issuer, under_way, answer).await?;
    let user = presented.as_ref().ok().map(|presented| &presented.account.user);
    let mut log = Log::new(state, under_way);
    let user_id: Option<UserId> = user.map(|user| user.id);
    log.identify(user_id, None).await?;
    // Counted apart from passwords: whoever guesses those holds up no passkey.
    let name = format!("passkey/{}", user_id.map(|id| id.to_string()).unwrap_or_default());
    let attempt = match user_credentials::begin_sign_in(state, organization_id, None, &name, device) {
        Ok(attempt) => attempt,
        Err(limited @ Error::Limited { .. }) => {
            log.refuse(login::Error::TooManyAttempts, None).await?;
            return Err(limited);
        }
        Err(error) => return Err(error),
    };
    let Presented { passkey, account } = match presented {
        Ok(presented) => presented,
        Err(problem) => {
            attempt.fail();
            attempts::record_unknown_user(state, environment_id, organization_id, method, device).await;
            return log.refuse_as(Refusal::WrongPasskey, error_of(problem), "").await;
        }
    };
    log.pass(login::Error::PasskeyUnknown, None);
    if !account.allows_passkeys() {
        attempt.fail();
        return log.refuse_as(Refusal::WrongPasskey, login::Error::PasskeyNotAllowed, "").await;
    }
    log.pass(login::Error::PasskeyNotAllowed, None);
    let verified = match passkey.examine()? {
        Ok(verified) => verified,
        Err(problem) => {
            attempt.fail();
            attempts::record_failure(state, &account.user, Some(environment_id), method, device).await;
            return log.refuse_as(Refusal::WrongPasskey, error_of(problem), "").await;
        }
    };
    let key = if verified.is_synced() { SOFTWARE_KEY } else { HARDWARE_KEY };
    let amr = [key, USER_PRESENT, MULTI_FACTOR].map(str::to_owned).to_vec();
    let proven = Proven { user_id: account.user.id, authenticated_at: state.now(), amr };
    let mut tx = state.db.write().await?;
    let Some(user) = user_credentials::lock(&mut tx, &account).await? else {
        return Ok(Err(Refusal::NotActive.into()));
    };
    if let Err(problem) = verified.accept_in(&mut tx, state).await? {
        drop(tx);
        attempt.fail();
        attempts::record_failure(state, &user, Some(environment_id), method, device).await;
        return log.refuse_as(Refusal::WrongPasskey, error_of(problem), "").await;
    }
    for check in [
        login::Error::PasskeyChallenge,
        login::Error::PasskeyOrigin,
        login::Error::PasskeyUserNotVerified,
        login::Error::PasskeySignature,
        login::Error::PasskeyCounter,
    ] {
        log.pass(check, None);
    }
    let before = authorization_requests::find_proven(&mut tx, &under_way.name).await?;
    go_on(tx, log, (issuer, visitor), (&account, &user), (before.as_ref(), &proven)).await
}

fn error_of(problem: PasskeyProblem) -> login::Error {
    match problem {
        PasskeyProblem::Unknown => login::Error::PasskeyUnknown,
        PasskeyProblem::Challenge => login::Error::PasskeyChallenge,
        PasskeyProblem::Origin => login::Error::PasskeyOrigin,
        PasskeyProblem::UserNotVerified => login::Error::PasskeyUserNotVerified,
        PasskeyProblem::Signature => login::Error::PasskeySignature,
        PasskeyProblem::Counter => login::Error::PasskeyCounter,
    }
}
