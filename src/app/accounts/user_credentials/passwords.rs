//! Passwords and authenticator apps that are changed by who has the present one, and passwords that are verified for a program.

use base::id::{IdentityPoolId, UserId};
use model::{
    account::{AuthenticationMethod, CredentialState},
    audit::audit_fields,
    identity_pool::IdentityPool,
    letter::LetterKind,
    user::User,
};

use super::{
    letters,
    place::{
        self, UserReference, account, begin_attempt, device_of, find_pool, find_user, lock_user, own_words,
    },
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            attempts::record_failure,
            credentials::{self, NewPassword},
            password_check,
            passwords::PasswordRealm,
            totp::{self, TotpSecret},
            user_sessions,
        },
        audit::{self, Entry},
        principal::Principal,
        retry::retry_deadlocks,
    },
    store::{self, passwords::StoredPassword},
};

/// Changes a user's password, which the present one permits, and ends their sessions. [`Error::Invalid`] on `old_password`
/// where that is wrong or there is none; [`Error::Limited`] after too many wrong ones.
pub async fn change_password(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    old: &str,
    new: &str,
) -> Result<()> {
    let (pool, user) = find_user(state, principal, of).await?;
    let device = device_of(principal);
    let attempt = begin_attempt(state, &pool, Some(&user), &UserReference::default(), &device)?;
    let verified = password_check::verify(state, PasswordRealm::of(&pool), Some(account(&user)), old).await?;
    let Some(verified) = verified else {
        attempt.fail();
        record_failure(state, &user, Some(user.environment_id), AuthenticationMethod::Password, &device)
            .await;
        return Err(Error::invalid("old_password", "is not the user's password"));
    };
    if verified.state == CredentialState::MustBeReset {
        return Err(Error::FailedPrecondition(
            "the password must be reset: it is good for nothing else".into(),
        ));
    }
    let prepared = prepare(state, &pool, &user, "new_password", new).await?;
    store_password(state, principal, &pool, &user, prepared, Some(&verified), "password_changed").await
}

/// Sets a user's password, in this state, whatever it was, and ends their sessions. The same rules hold as for one that the user
/// chooses.
pub async fn set_password(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    new: &str,
    wanted: CredentialState,
) -> Result<()> {
    let (pool, user) = find_user(state, principal, of).await?;
    principal.require_recent_authentication(state.now())?;
    let prepared = prepare(state, &pool, &user, "password", new).await?.in_state(wanted);
    store_password(state, principal, &pool, &user, prepared, None, "password_set").await
}

/// A password of a user, checked against the rules of their pool.
pub(super) async fn prepare(
    state: &State,
    pool: &IdentityPool,
    user: &User,
    field: &'static str,
    new: &str,
) -> Result<NewPassword> {
    let own = own_words(&mut state.db.read().await?, user).await?;
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    NewPassword::prepare(state, pool, Some(account(user)), field, new, &own).await
}

/// Stores a password. With `verified`, only if that is still the user's.
async fn store_password(
    state: &State,
    principal: &Principal,
    pool: &IdentityPool,
    user: &User,
    new: NewPassword,
    verified: Option<&StoredPassword>,
    done: &str,
) -> Result<()> {
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let user = lock_user(&mut tx, pool, user.id).await?;
        if verified.is_some() && !password_check::is_current(&mut tx, account(&user), verified).await? {
            return Err(Error::FailedPrecondition("the password was changed in the meantime".into()));
        }
        credentials::set_password(&mut tx, state, account(&user), new.clone()).await?;
        user_sessions::end_all(&mut tx, state, user.id).await?;
        let entry = Entry::of(&user, done);
        audit::record(&mut tx, state, Some(user.environment_id), principal, entry).await?;
        // What somebody else sets for a user, they hand over themselves.
        if verified.is_some() {
            letters::send_notice(&mut tx, state, &user, LetterKind::PasswordChanged, None).await?;
        }
        Ok(tx.commit().await?)
    })
    .await
}

/// Sets whether a user's password can be used. Sessions end where it cannot. [`Error::NotFound`] of a password where there is
/// none.
pub async fn set_password_state(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    wanted: CredentialState,
) -> Result<()> {
    let (pool, user) = find_user(state, principal, of).await?;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let user = lock_user(&mut tx, &pool, user.id).await?;
        let stored = store::passwords::find(&mut tx, account(&user)).await?;
        let before = stored.ok_or_else(|| Error::not_found("password", ""))?.state;
        if before == wanted {
            return Ok(());
        }
        store::passwords::update_state(&mut tx, account(&user), wanted).await?;
        if wanted == CredentialState::MustBeReset {
            user_sessions::end_all(&mut tx, state, user.id).await?;
        }
        let mut entry = Entry::of(&user, "password_state_changed");
        entry.before = audit_fields! { "state": before.as_str() };
        entry.after = audit_fields! { "state": wanted.as_str() };
        audit::record(&mut tx, state, Some(user.environment_id), principal, entry).await?;
        Ok(tx.commit().await?)
    })
    .await
}

/// What came of the verification of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// It is the user's.
    Correct,
    /// It is not.
    Incorrect,
    /// It is, and cannot be used any more.
    Expired,
    /// The user has none.
    NoPassword,
    /// Nobody who may sign in is named so.
    UserNotFound,
}

/// The result of the verification of a password.
#[derive(Debug, Clone)]
pub struct PasswordResult {
    /// The user, if there is one who may sign in.
    pub user_id: Option<UserId>,
    /// What came of it.
    pub verdict: PasswordVerdict,
    /// Whether the password can be used.
    pub state: CredentialState,
}

/// Verifies the password of whoever a program names, who must be able to sign in. The same work is done whether there is such
/// a user and a password, or not. [`Error::Limited`] after too many wrong ones.
pub async fn verify_password(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    reference: &UserReference,
    password: &str,
) -> Result<PasswordResult> {
    reference.check()?;
    let (pool, user) = {
        let mut conn = state.db.read().await?;
        let pool = find_pool(&mut conn, principal, pool_id).await?;
        let user = reference.find(&mut conn, &pool).await?;
        (pool, user.filter(|user| user.may_sign_in()))
    };
    let device = device_of(principal);
    let attempt = begin_attempt(state, &pool, user.as_ref(), reference, &device)?;
    let known = user.as_ref().map(account);
    let verified = password_check::verify(state, PasswordRealm::of(&pool), known, password).await?;
    let stored = {
        let mut conn = state.db.read().await?;
        store::passwords::find(
            &mut conn,
            user.as_ref().map_or_else(model::account::AccountId::nobody, account),
        )
        .await?
    };
    let verdict = match (&user, &verified, &stored) {
        (None, _, _) => PasswordVerdict::UserNotFound,
        (Some(_), Some(password), _) if is_expired(state, password) => PasswordVerdict::Expired,
        (Some(_), Some(_), _) => PasswordVerdict::Correct,
        (Some(_), None, None) => PasswordVerdict::NoPassword,
        (Some(_), None, Some(_)) => PasswordVerdict::Incorrect,
    };
    if verified.is_none() {
        attempt.fail();
        if let Some(user) = &user {
            let method = AuthenticationMethod::Password;
            record_failure(state, user, Some(user.environment_id), method, &device).await;
        }
    }
    Ok(PasswordResult {
        user_id: user.map(|user| user.id),
        verdict,
        state: stored.map_or(CredentialState::Valid, |stored| stored.state),
    })
}

fn is_expired(state: &State, password: &StoredPassword) -> bool {
    password.expires_at.is_some_and(|at| at <= state.now())
}

/// Replaces a user's authenticator app, which a code of the present one permits. [`Error::Invalid`] on `totp` where the code
/// is wrong or was used.
pub async fn change_totp(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    code: &str,
    new: &str,
) -> Result<()> {
    let secret = TotpSecret::parse("new_totp_secret", new)?;
    let (pool, user) = find_user(state, principal, of).await?;
    let attempt = begin_attempt(state, &pool, Some(&user), &UserReference::default(), &device_of(principal))?;
    let changed = retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let user = lock_user(&mut tx, &pool, user.id).await?;
        if !totp::verify(&mut tx, state, account(&user), code).await? {
            return Ok::<_, Error>(false);
        }
        place::set_totp(&mut tx, state, principal, &user, &secret, "totp_changed").await?;
        letters::send_notice(&mut tx, state, &user, LetterKind::TotpAdded, None).await?;
        tx.commit().await?;
        Ok(true)
    })
    .await?;
    if changed {
        return Ok(());
    }
    attempt.fail();
    Err(Error::invalid("totp", "is no code of the user's authenticator app, or was used"))
}
