//! The user's own authenticator app and recovery codes.

use std::time::Duration;

use base::time::Timestamp;
use model::{identity_pool::AuthenticationMechanism, letter::LetterKind};
use serde::{Deserialize, Serialize};
use url::Url;

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
    /// The secret in groups, to be typed into an app.
    pub fn secret(&self) -> String {
        let letters: Vec<char> = self.secret.reveal().chars().collect();
        let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
        groups.join(" ")
    }

    /// The address that apps read from a QR code (the Key URI Format of Google Authenticator).
    pub fn uri(&self, application: &str, account: &str) -> String {
        let name = |text: &str| text.replace([':', '/'], " ").trim().to_owned();
        let (application, account) = (name(application), name(account));
        // A URL that is made of constants.
        let Ok(mut url) = Url::parse("otpauth://totp/x") else { return String::new() };
        url.set_path(&format!("{application}:{account}"));
        url.query_pairs_mut()
            .append_pair("secret", &self.secret.reveal())
            .append_pair("issuer", &application);
        // Apps read a plus as one.
        String::from(url).replace('+', "%20")
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
                "is not what the app shows now; check that the clock of the device is right",
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

/// Removes the app with its recovery codes, and ends other sessions.
pub async fn remove(state: &State, signed_in: &SignedIn) -> Result<()> {
    signed_in.require_recent(state)?;
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

#[cfg(test)]
mod tests {
    use base::random::SeededRandom;

    use super::*;

    #[test]
    fn apps_read_names_as_they_are() {
        let secret = TotpSecret::new(&SeededRandom::new(1));
        let enrolment = Enrolment { sealed: String::new(), secret };
        let uri = enrolment.uri("Müller & Söhne: Portal", "dana+x@acme.com");
        let url = Url::parse(&uri).unwrap();
        assert!(uri.starts_with("otpauth://totp/M%C3%BCller%20&%20S%C3%B6hne%20%20Portal:dana"), "{uri}");
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        assert_eq!(pairs[0], ("secret".to_owned(), enrolment.secret.reveal()));
        assert_eq!(pairs[1], ("issuer".to_owned(), "Müller & Söhne  Portal".to_owned()));
        assert!(!uri.contains('+'));
        assert_eq!(enrolment.secret().replace(' ', ""), enrolment.secret.reveal());
    }
}
