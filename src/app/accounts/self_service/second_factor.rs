//! The user's own authenticator app and recovery codes.

use std::time::Duration;

use base::time::Timestamp;
use model::{identity_pool::AuthenticationMechanism, letter::LetterKind};
use serde::{Deserialize, Serialize};

use super::SignedIn;
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            recovery_codes,
            totp::{self, TotpSecret},
        },
        retry::retry_deadlocks,
    },
    store,
};

/// How long somebody may take to set up an app.
const ENROLMENT_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// What a sealed secret is bound to, beside the account.
const ENROLMENT: &str = "totp/enrolment";

/// The setting up of an authenticator app, under way.
pub struct Enrolment {
    secret: TotpSecret,
    /// The secret sealed, which the form brings back.
    pub sealed: String,
}

impl Enrolment {
    /// The secret in base32, to be typed into an app.
    pub fn secret(&self) -> String {
        self.secret.reveal()
    }

    /// The address that apps read from a QR code.
    pub fn uri(&self, application: &str, account: &str) -> String {
        self.secret.uri(application, account)
    }
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    secret: String,
    expires_at: i64,
}

fn context(signed_in: &SignedIn) -> String {
    format!("{ENROLMENT}/{}", signed_in.id())
}

/// Whether an app is offered: beside a password, where the pool does not say that something else is the second factor.
pub fn is_offered(signed_in: &SignedIn) -> bool {
    let allowed = &signed_in.account.pool.second_factors.allowed;
    signed_in.account.allows_passwords()
        && (allowed.is_empty() || allowed.contains(&AuthenticationMechanism::Totp))
}

/// Begins to set up an app, instead of the one that there is.
pub fn begin(state: &State, signed_in: &SignedIn) -> Result<Enrolment> {
    signed_in.require_recent(state)?;
    if !is_offered(signed_in) {
        return Err(Error::FailedPrecondition("authenticator apps are not used here".into()));
    }
    let secret = TotpSecret::new(&*state.random);
    let expires_at = (state.now() + ENROLMENT_LIFETIME).millis();
    let sealed = Sealed { secret: secret.reveal(), expires_at };
    let json = serde_json::to_vec(&sealed).map_err(Error::internal)?;
    Ok(Enrolment { secret, sealed: state.master_key.seal(&context(signed_in), &json, &*state.random) })
}

/// The setting up that a form brings back, if it did not take too long and is this user's.
pub fn resume(state: &State, signed_in: &SignedIn, sealed: &str) -> Result<Enrolment> {
    signed_in.require_recent(state)?;
    let over = || Error::FailedPrecondition("this took too long; begin again with a new QR code".into());
    let json = state.master_key.open(&context(signed_in), sealed).map_err(|_| over())?;
    let opened: Sealed = serde_json::from_slice(&json).map_err(|_| over())?;
    if Timestamp::from_millis(opened.expires_at) <= state.now() {
        return Err(over());
    }
    let secret = TotpSecret::parse("code", &opened.secret)?;
    Ok(Enrolment { secret, sealed: sealed.to_owned() })
}

/// Sets the app, which a code of it proves, ends other sessions, and returns new recovery codes. [`Error::Invalid`] on `code`.
pub async fn complete(
    state: &State,
    signed_in: &SignedIn,
    enrolment: &Enrolment,
    code: &str,
) -> Result<Vec<String>> {
    signed_in.require_recent(state)?;
    let id = signed_in.id();
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let user = signed_in.lock(&mut tx).await?;
        totp::set(&mut tx, state, id, &enrolment.secret).await?;
        // The code is used up by this: it is not good for a sign-in, too.
        if !totp::verify(&mut tx, state, id, code.trim()).await? {
            return Err(Error::invalid(
                "code",
                "this is not what the app shows now; check that the clock of the device is right",
            ));
        }
        let codes = recovery_codes::generate(&mut tx, state, id).await?;
        signed_in.end_others(&mut tx, state).await?;
        signed_in.tell(&mut tx, state, &user, "totp_added", LetterKind::TotpAdded).await?;
        tx.commit().await?;
        Ok(codes)
    })
    .await
}

/// Makes new recovery codes. The earlier ones are good for nothing any more.
pub async fn new_recovery_codes(state: &State, signed_in: &SignedIn) -> Result<Vec<String>> {
    signed_in.require_recent(state)?;
    let id = signed_in.id();
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let user = signed_in.lock(&mut tx).await?;
        if !totp::is_enrolled(&mut tx, id).await? {
            return Err(Error::FailedPrecondition(
                "recovery codes stand in for an authenticator app; set one up first".into(),
            ));
        }
        let codes = recovery_codes::generate(&mut tx, state, id).await?;
        signed_in.tell(&mut tx, state, &user, "recovery_codes_made", LetterKind::RecoveryCodesMade).await?;
        tx.commit().await?;
        Ok(codes)
    })
    .await
}

/// Removes the app with its recovery codes, and ends other sessions; not where the organization asks for a second factor.
pub async fn remove(state: &State, signed_in: &SignedIn) -> Result<()> {
    signed_in.require_recent(state)?;
    if signed_in.account.must_enrol_totp() {
        return Err(Error::FailedPrecondition(
            "your organization asks for a second factor; set up another app instead".into(),
        ));
    }
    let id = signed_in.id();
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let user = signed_in.lock(&mut tx).await?;
        if !store::totp_secrets::remove(&mut tx, id).await? {
            return Err(Error::FailedPrecondition("there is no authenticator app any more".into()));
        }
        store::recovery_codes::remove_all(&mut tx, id).await?;
        signed_in.end_others(&mut tx, state).await?;
        signed_in.tell(&mut tx, state, &user, "totp_removed", LetterKind::TotpRemoved).await?;
        Ok(tx.commit().await?)
    })
    .await
}
