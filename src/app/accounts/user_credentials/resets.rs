//! Passwords and authenticator apps that are reset, and passkeys that are added, by a one-time code.

use base::id::{IdentityPoolId, UserId};
use model::{
    account::{AccountId, OneTimeCodePurpose},
    identity_pool::IdentityPool,
    letter::LetterKind,
    user::User,
};
use serde_json::Value;

use super::{
    codes, letters,
    passkeys::add_passkey,
    passwords::prepare,
    place::{self, UserReference, account, begin_attempt, device_of, find_pool, lock_user, refused},
    self_service,
    verification::mark_verified,
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            credentials::{self, NewPassword},
            one_time_codes::{self, GivenCode},
            passkeys::NewPasskey,
            totp::TotpSecret,
            user_sessions,
        },
        audit::{self, Entry},
        mail::Onward,
        members::auto_join,
        principal::Principal,
        resource::update_locked,
    },
    store::Transaction,
};

/// What is set by a code.
#[derive(Clone)]
pub enum Reset {
    /// Another password.
    Password(String),
    /// Another authenticator app: its secret, in base32.
    Totp(String),
    /// One more passkey: the response of the authenticator (WebAuthn Level 3 §5.1), and its name.
    Passkey(Value, String),
}

/// What is set, checked and not stored.
enum Prepared {
    Password(NewPassword),
    Totp(TotpSecret),
    Passkey(Box<NewPasskey>),
}

impl Reset {
    fn purpose(&self) -> OneTimeCodePurpose {
        match self {
            Self::Password(_) => OneTimeCodePurpose::ResetPassword,
            Self::Totp(_) => OneTimeCodePurpose::ResetTotp,
            Self::Passkey(..) => OneTimeCodePurpose::EnrollWebauthn,
        }
    }

    /// What the user is told of it.
    fn notice(&self) -> LetterKind {
        match self {
            Self::Password(_) => LetterKind::PasswordChanged,
            Self::Totp(_) => LetterKind::TotpAdded,
            Self::Passkey(..) => LetterKind::PasskeyAdded,
        }
    }
}

/// Asks for a code for this purpose, on behalf of somebody who names a user: it is made and sent, and the earlier ones end. The answer
/// is the same, and takes as long, where there is no such user, or one who may not sign in. [`Error::FailedPrecondition`]
/// where the users of a pool may not do this.
pub async fn request_reset(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    purpose: OneTimeCodePurpose,
    reference: &UserReference,
) -> Result<()> {
    reference.check()?;
    let (pool, user) = {
        let mut conn = state.db.read().await?;
        let pool = find_pool(&mut conn, principal, pool_id).await?;
        let user = reference.find(&mut conn, &pool).await?;
        (pool, user.filter(|user| user.may_sign_in()))
    };
    if !pool.self_reset_allowed {
        return Err(Error::FailedPrecondition(
            "users of this pool may not reset their credentials themselves".into(),
        ));
    }
    let wanted = reference.address.as_deref().or(reference.identifier.as_deref());
    create_quietly(state, &pool, user.as_ref(), purpose, wanted).await
}

/// Makes a code for a user and sends it; for nobody it does the same, and notes at the most that nobody got a letter. `wanted`
/// is the address that the user was named by.
pub(super) async fn create_quietly(
    state: &State,
    pool: &IdentityPool,
    user: Option<&User>,
    purpose: OneTimeCodePurpose,
    wanted: Option<&str>,
) -> Result<()> {
    let mut tx = state.db.write().await?;
    let nobody = UserId::from_bits(0);
    let id = user.map_or(nobody, |user| user.id);
    match lock_user(&mut tx, pool, id).await {
        Ok(user) => {
            let onward = Onward::default();
            self_service::make_and_send(&mut tx, state, pool, &user, purpose, wanted, &onward).await?;
        }
        Err(Error::NotFound { .. } | Error::FailedPrecondition(_)) => {
            self_service::send_nobody(&mut tx, state, pool, purpose, wanted).await?;
        }
        Err(error) => return Err(error),
    }
    Ok(tx.commit().await?)
}

/// Sets a credential by a code, ends the user's sessions, and tells them at every address that they have proven. Every failure that has to do with the user or the code is the
/// same [`Error::Unauthenticated`].
pub async fn complete_reset(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    reference: &UserReference,
    code: &str,
    reset: &Reset,
) -> Result<()> {
    let (pool, user, given) = find_by_code(state, principal, pool_id, reference, code).await?;
    let attempt = begin_attempt(state, &pool, user.as_ref(), reference, &device_of(principal))?;
    let user = user.filter(|user| user.may_sign_in());
    let prepared = match prepare_reset(state, &pool, user.as_ref(), reset).await {
        // Told only to whoever has the code: it may say something of the passwords that the user had.
        Err(error @ (Error::Invalid { .. } | Error::FailedPrecondition(_))) => Err(error),
        prepared => Ok(prepared?),
    };
    let Some(user) = user else {
        attempt.fail();
        return Err(refused());
    };
    let mut tx = state.db.write().await?;
    let mut user = lock_user(&mut tx, &pool, user.id).await?;
    let purpose = reset.purpose();
    let found = one_time_codes::consume(&mut tx, state, user.id, purpose, None, &given).await?;
    let Some(used) = found.filter(|_| user.may_sign_in()) else {
        tx.commit().await?;
        attempt.fail();
        return Err(refused());
    };
    // Where this fails, the transaction is not committed, and the code is as good as it was.
    let prepared = prepared?.ok_or_else(refused)?;
    apply(&mut tx, state, principal, &user, prepared).await?;
    // The letter went to an address that its reader has proven by this, unless it is somebody else's by now.
    if let Some(key) = &used.address_key
        && codes::require_nobodys(&mut tx, &pool, &user, key).await.is_ok()
        && mark_verified(&mut tx, state, principal, &user, key).await?
    {
        update_locked(&mut tx, &mut user, state).await?;
    }
    // Somebody else may have read the letter with the code.
    letters::send_notice(&mut tx, state, &user, reset.notice(), None).await?;
    tx.commit().await?;
    auto_join::join(state, &user).await;
    Ok(())
}

/// The user whom a call with a code is about, and the code. A code in its extended form names its user.
pub(super) async fn find_by_code(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    reference: &UserReference,
    code: &str,
) -> Result<(IdentityPool, Option<User>, GivenCode)> {
    let mut conn = state.db.read().await?;
    let pool = find_pool(&mut conn, principal, pool_id).await?;
    if !code.contains('.') {
        reference.check()?;
        let user = reference.find(&mut conn, &pool).await?;
        return Ok((pool, user, GivenCode::parse(code)));
    }
    let Some((found, _)) = one_time_codes::find_extended(&mut conn, code).await? else {
        return Ok((pool, None, GivenCode::default()));
    };
    let named = UserReference { user_id: Some(found.user_id.to_string()), ..UserReference::default() };
    let user = named.find(&mut conn, &pool).await?;
    Ok((pool, user, GivenCode::parse(code)))
}

/// Checks what is to be set. `None` for a passkey that was made for nobody.
async fn prepare_reset(
    state: &State,
    pool: &IdentityPool,
    user: Option<&User>,
    reset: &Reset,
) -> Result<Option<Prepared>> {
    match (reset, user) {
        (Reset::Password(new), Some(user)) => {
            prepare(state, pool, user, "new_password", new).await.map(Prepared::Password).map(Some)
        }
        // As much work as for somebody.
        (Reset::Password(new), None) => {
            let nobody = Some(AccountId::nobody());
            let made = NewPassword::prepare(state, pool, nobody, "new_password", new, &[]).await?;
            Ok(Some(Prepared::Password(made)))
        }
        (Reset::Totp(secret), _) => Ok(Some(Prepared::Totp(TotpSecret::parse("new_totp_secret", secret)?))),
        (Reset::Passkey(answer, name), Some(user)) => {
            let made = NewPasskey::verify_stored(state, account(user), answer, name).await?;
            Ok(Some(Prepared::Passkey(Box::new(made))))
        }
        (Reset::Passkey(..), None) => Ok(None),
    }
}

async fn apply(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    user: &User,
    prepared: Prepared,
) -> Result<()> {
    match prepared {
        Prepared::Password(password) => {
            credentials::set_password(tx, state, account(user), password).await?;
            user_sessions::end_all(tx, state, user.id).await?;
            let entry = Entry::of(user, "password_reset");
            audit::record(tx, state, Some(user.environment_id), principal, entry).await
        }
        Prepared::Totp(secret) => place::set_totp(tx, state, principal, user, &secret, "totp_reset").await,
        Prepared::Passkey(made) => add_passkey(tx, state, principal, user, *made).await.map(drop),
    }
}
