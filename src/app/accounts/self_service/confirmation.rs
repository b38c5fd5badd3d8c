//! Proving once more who one is, within a session: afterwards the authentication is recent.

use base::id::UserId;
use model::{
    account::{AuthenticationMethod, CredentialState},
    audit::audit_fields,
    user::User,
};

use super::{SignedIn, passwords};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            attempts::{Attempt, record_failure},
            passkeys::{self, Ceremony, Challenge, PresentedPasskey, RelyingParty},
            password_check, recovery_codes,
            sessions::{self, NewSession},
            totp,
        },
        audit::Entry,
        authorization_server::sign_in::under_way::{
            HARDWARE_KEY, MULTI_FACTOR, ONE_TIME_PASSWORD, PASSWORD, SOFTWARE_KEY, USER_PRESENT,
        },
    },
    store::{self, Transaction},
};

/// How a user can prove once more who they are.
#[derive(Debug, Clone)]
pub struct Methods {
    /// By their password.
    pub password: bool,
    /// Together with a code of their authenticator app.
    pub code: bool,
    /// By a passkey: what is asked of it.
    pub passkey: Option<Challenge>,
}

/// What a passkey is asked within this session, and no other.
fn ceremony<'a>(state: &'a State, bound_to: &'a str) -> Ceremony<'a> {
    Ceremony { party: RelyingParty { links: &state.links, name: "" }, bound_to }
}

fn bound_to(signed_in: &SignedIn) -> String {
    format!("confirm/{}", signed_in.session.id)
}

/// How whoever is signed in can prove once more who they are.
pub async fn methods(state: &State, signed_in: &SignedIn) -> Result<Methods> {
    let (mut conn, id) = (state.db.read().await?, signed_in.id());
    let has_passkey = !store::passkeys::list(&mut conn, id, 1).await?.is_empty();
    let asks_passkey = has_passkey && signed_in.account.allows_passkeys() && passkeys::are_supported(state);
    let has_password = store::passwords::find(&mut conn, id).await?.is_some();
    Ok(Methods {
        password: has_password && signed_in.account.allows_passwords(),
        code: totp::is_enrolled(&mut conn, id).await?,
        passkey: match asks_passkey {
            true => Some(passkeys::begin_authentication_in(state, &ceremony(state, &bound_to(signed_in)))?),
            false => None,
        },
    })
}

/// By one of the user's own passkeys, which is both factors.
pub async fn with_passkey(
    state: &State,
    signed_in: &SignedIn,
    sealed: &str,
    answer: &str,
) -> Result<NewSession<UserId>> {
    let refused =
        || Error::invalid("passkey", "this passkey is not one of your account, or was not used here");
    if !signed_in.account.allows_passkeys() {
        return Err(refused());
    }
    let attempt = signed_in.begin_attempt(state)?;
    let bound_to = bound_to(signed_in);
    let presented = PresentedPasskey::read_in(state, &ceremony(state, &bound_to), sealed, answer).await;
    let verified = match presented {
        Ok(passkey) if passkey.account() == signed_in.id() => passkey.examine()?.ok(),
        Ok(_) | Err(Error::Unauthenticated(_)) => None,
        Err(error) => return Err(error),
    };
    let Some(verified) = verified else {
        attempt.fail();
        let (environment_id, method) = (Some(signed_in.user().environment_id), AuthenticationMethod::Passkey);
        record_failure(state, signed_in.user(), environment_id, method, signed_in.device()).await;
        return Err(refused());
    };
    let key = if verified.is_synced() { SOFTWARE_KEY } else { HARDWARE_KEY };
    let mut tx = state.db.write().await?;
    let user = signed_in.lock(&mut tx).await?;
    if verified.accept_in(&mut tx, state).await?.is_err() {
        return Err(refused());
    }
    let amr = [key, USER_PRESENT, MULTI_FACTOR].map(str::to_owned).to_vec();
    renew(tx, state, signed_in, &user, amr).await
}

/// Goes on with the session under another cookie.
async fn renew(
    mut tx: Transaction,
    state: &State,
    signed_in: &SignedIn,
    user: &User,
    amr: Vec<String>,
) -> Result<NewSession<UserId>> {
    let session = signed_in.session.clone();
    let entry =
        Entry::of(user, "confirmed").with_values(audit_fields! { "amr": amr, "sessionId": session.id });
    let begun = sessions::renew(&mut tx, state, session, state.now(), amr).await?;
    signed_in.record(&mut tx, state, entry).await?;
    tx.commit().await?;
    Ok(begun)
}

/// By password, and where there is an authenticator app by a code of it or a recovery code. The session goes on under another
/// cookie. [`Error::Invalid`] on `password` or `code`; [`Error::Limited`] after too many wrong ones.
pub async fn with_password(
    state: &State,
    signed_in: &SignedIn,
    password: &str,
    code: &str,
) -> Result<NewSession<UserId>> {
    if !signed_in.account.allows_passwords() {
        return Err(Error::FailedPrecondition("nobody signs in by password here".into()));
    }
    let id = signed_in.id();
    let verified = passwords::verify(state, signed_in, "password", password).await?;
    let is_good = verified.state == CredentialState::Valid
        && verified.expires_at.is_none_or(|expires_at| expires_at > state.now());
    if !is_good {
        return Err(Error::FailedPrecondition(
            "your password must be changed first: sign out, and sign in again".into(),
        ));
    }
    let attempt = signed_in.begin_attempt(state)?;
    let from_anywhere = Attempt::begin_second_factor(state, id)?;
    let mut tx = state.db.write().await?;
    let user = signed_in.lock(&mut tx).await?;
    if !password_check::is_current(&mut tx, id, Some(&verified)).await? {
        return Err(Error::FailedPrecondition("your password was changed in the meantime".into()));
    }
    let mut amr = vec![PASSWORD.to_owned()];
    if totp::is_enrolled(&mut tx, id).await? {
        let code = code.trim();
        let is_totp = totp::verify(&mut tx, state, id, code).await?;
        if !is_totp && !recovery_codes::consume(&mut tx, state, id, code).await? {
            drop(tx);
            attempt.fail();
            from_anywhere.fail();
            let (environment_id, method) = (Some(user.environment_id), AuthenticationMethod::Password);
            record_failure(state, &user, environment_id, method, signed_in.device()).await;
            return Err(Error::invalid("code", "this code is wrong, was used, or has expired"));
        }
        amr.extend(is_totp.then(|| ONE_TIME_PASSWORD.to_owned()));
        amr.push(MULTI_FACTOR.to_owned());
    }
    renew(tx, state, signed_in, &user, amr).await
}
