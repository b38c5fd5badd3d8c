//! Proving once more who one is, within a session: afterwards the authentication is recent.

use base::id::UserId;
use model::{
    account::{AuthenticationMethod, CredentialState},
    audit::audit_fields,
};

use super::{SignedIn, passwords};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            attempts::record_failure,
            password_check, recovery_codes,
            sessions::{self, NewSession},
            totp,
        },
        audit::Entry,
        authorization_server::sign_in::under_way::{MULTI_FACTOR, ONE_TIME_PASSWORD, PASSWORD},
    },
    store,
};

/// How a user can prove once more who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Methods {
    /// By their password.
    pub password: bool,
    /// Together with a code of their authenticator app.
    pub code: bool,
}

/// How whoever is signed in can prove once more who they are.
pub async fn methods(state: &State, signed_in: &SignedIn) -> Result<Methods> {
    let (mut conn, id) = (state.db.read().await?, signed_in.id());
    let has_password = store::passwords::find(&mut conn, id).await?.is_some();
    Ok(Methods {
        password: has_password && signed_in.account.allows_passwords(),
        code: totp::is_enrolled(&mut conn, id).await?,
    })
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
            let (environment_id, method) = (Some(user.environment_id), AuthenticationMethod::Password);
            record_failure(state, &user, environment_id, method, signed_in.device()).await;
            return Err(Error::invalid("code", "is wrong, was used, or has expired"));
        }
        amr.extend(is_totp.then(|| ONE_TIME_PASSWORD.to_owned()));
        amr.push(MULTI_FACTOR.to_owned());
    }
    let begun = sessions::renew(&mut tx, state, signed_in.session.clone(), state.now(), amr.clone()).await?;
    let entry = Entry::of(&user, "confirmed")
        .with_values(audit_fields! { "amr": amr, "sessionId": signed_in.session.id });
    signed_in.record(&mut tx, state, entry).await?;
    tx.commit().await?;
    Ok(begun)
}
