//! The credentials of an account as a whole: those that a program hands over, what of them is shown, and their end.

use std::fmt;

use base::time::Timestamp;
use model::{
    account::{
        AccountId, CredentialState, CredentialSummary, OneTimeCodePurpose, PasswordHash, PasswordRules,
    },
    identity_pool::IdentityPool,
};

use super::{
    imported_hashes, password_former,
    passwords::PasswordRealm,
    totp::{self, TotpSecret},
};
use crate::{
    app::{Error, Result, State},
    store::{self, Conn, Transaction, passwords::StoredPassword},
};

/// The maximum number of passkeys that are listed.
const MAX_PASSKEYS: i64 = 100;

/// A credential as it is handed over.
#[derive(Clone)]
pub enum ImportedCredential {
    /// A password, which follows the rules of its pool.
    Password(String),
    /// The hash of a password that another system kept: PHC strings of Argon2 and PBKDF2, bcrypt, and the forms of PBKDF2 that
    /// passlib and Django write.
    PasswordHash(String),
    /// The secret of an authenticator app, in base32.
    Totp(String),
}

impl fmt::Debug for ImportedCredential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Password(_) => "Password(…)",
            Self::PasswordHash(_) => "PasswordHash(…)",
            Self::Totp(_) => "Totp(…)",
        })
    }
}

/// A credential to set, and whether and how long it can be used.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// The credential.
    pub credential: ImportedCredential,
    /// Whether a password can be used.
    pub state: CredentialState,
    /// Until when a password can be used; `None` for as long as the pool's rules say.
    pub expires_at: Option<Timestamp>,
}

/// A new password: checked, hashed and not stored.
#[derive(Debug, Clone)]
pub struct NewPassword {
    hash: PasswordHash,
    state: CredentialState,
    expires_at: Option<Timestamp>,
    /// How many of the passwords before it are kept.
    kept: usize,
}

impl NewPassword {
    /// Checks a password against the rules of its pool, and hashes it. `account` is whose former passwords are asked; `own` holds the
    /// person's addresses and names.
    pub async fn prepare(
        state: &State,
        pool: &IdentityPool,
        account: Option<AccountId>,
        field: &'static str,
        password: &str,
        own: &[&str],
    ) -> Result<Self> {
        let (realm, policy) = (PasswordRealm::of(pool), pool.password_rules.policy);
        state.passwords.check(realm, policy, field, password, own).await?;
        if let Some(account) = account {
            password_former::check(state, realm, policy, account, field, password).await?;
        }
        let hash = state.passwords.hash(realm, password, &*state.random).await?;
        Ok(Self::of(state, &pool.password_rules, hash))
    }

    fn of(state: &State, rules: &PasswordRules, hash: PasswordHash) -> Self {
        Self {
            hash,
            state: CredentialState::Valid,
            expires_at: rules.expires_after.map(|after| state.now() + after),
            kept: rules.policy.former_passwords().saturating_sub(1),
        }
    }

    /// The same password, in this state.
    pub fn in_state(self, state: CredentialState) -> Self {
        Self { state, ..self }
    }

    /// The same password, in this state, and good until this time if one is given.
    fn limited(self, state: CredentialState, expires_at: Option<Timestamp>) -> Self {
        Self { state, expires_at: expires_at.or(self.expires_at), ..self }
    }
}

/// A credential that is checked and not stored.
#[derive(Debug, Clone)]
pub enum PreparedCredential {
    /// A password.
    Password(NewPassword),
    /// The secret of an authenticator app.
    Totp(TotpSecret),
}

/// Checks a credential against the rules of its pool. Passwords are hashed here, before any transaction. `account` is the one
/// whose former passwords are asked, if there is one already; `own` holds the person's addresses and names.
pub async fn prepare(
    state: &State,
    pool: &IdentityPool,
    account: Option<AccountId>,
    new: &NewCredential,
    own: &[&str],
) -> Result<PreparedCredential> {
    let password = match &new.credential {
        ImportedCredential::Totp(secret) => {
            return TotpSecret::parse("totp_secret", secret).map(PreparedCredential::Totp);
        }
        ImportedCredential::Password(password) => {
            NewPassword::prepare(state, pool, account, "password", password, own).await?
        }
        ImportedCredential::PasswordHash(hash) => {
            imported_hashes::check(hash)
                .map_err(|refused| Error::invalid("hashed_password", refused.to_string()))?;
            NewPassword::of(state, &pool.password_rules, PasswordHash(hash.clone()))
        }
    };
    Ok(PreparedCredential::Password(password.limited(new.state, new.expires_at)))
}

/// Stores a credential, within the transaction that locks the account or makes it.
pub async fn store(
    tx: &mut Transaction,
    state: &State,
    account: AccountId,
    prepared: PreparedCredential,
) -> Result<()> {
    match prepared {
        PreparedCredential::Password(password) => set_password(tx, state, account, password).await,
        PreparedCredential::Totp(secret) => totp::set(tx, state, account, &secret).await,
    }
}

/// Sets the password of an account, within the transaction that locks it: keeps the one before if the pool forbids it from
/// now on, and ends codes that would reset it. Sessions and tokens are the caller's to end.
pub async fn set_password(
    tx: &mut Transaction,
    state: &State,
    account: AccountId,
    new: NewPassword,
) -> Result<()> {
    let now = state.now();
    password_former::keep(tx, account, new.kept, now).await?;
    // Who can read an old letter must not undo the change.
    if let AccountId::User(user) = account {
        store::one_time_codes::end_for(tx, user, OneTimeCodePurpose::ResetPassword, now).await?;
    }
    let NewPassword { hash, state, expires_at, .. } = new;
    let stored = StoredPassword { hash, state, changed_at: now, expires_at };
    Ok(store::passwords::upsert(tx, account, &stored).await?)
}

/// The credentials of an account, as they are shown.
pub async fn summaries(conn: &mut Conn, account: AccountId) -> Result<Vec<CredentialSummary>> {
    let mut found = Vec::new();
    if let Some(password) = store::passwords::find(conn, account).await? {
        let StoredPassword { state, changed_at, expires_at, .. } = password;
        found.push(CredentialSummary::Password { state, changed_at, expires_at });
    }
    let passkeys = store::passkeys::list_with_credential_id(conn, account, MAX_PASSKEYS).await?;
    let passkeys = passkeys.into_iter();
    found.extend(
        passkeys.map(|(passkey, credential_id)| CredentialSummary::Passkey { passkey, credential_id }),
    );
    if let Some(totp) = store::totp_secrets::find(conn, account).await? {
        found.push(CredentialSummary::Totp { created_at: totp.created_at });
    }
    if let Some((left, created_at)) = store::recovery_codes::count(conn, account).await? {
        found.push(CredentialSummary::RecoveryCodes { left, created_at });
    }
    Ok(found)
}

/// Deletes every credential of an account, and what could make it new ones.
pub async fn remove_all(tx: &mut Transaction, account: AccountId) -> Result<()> {
    store::passwords::remove(tx, account).await?;
    store::former_passwords::remove_older(tx, account, 0).await?;
    store::passkeys::remove_all(tx, account).await?;
    store::passkey_challenges::remove(tx, account).await?;
    store::totp_secrets::remove(tx, account).await?;
    store::recovery_codes::remove_all(tx, account).await?;
    if let AccountId::User(user) = account {
        store::one_time_codes::remove_all(tx, user).await?;
    }
    Ok(())
}
