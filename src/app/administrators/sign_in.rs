//! Sign-in to the console by password, and the start of a session after any authentication method.

use std::net::{IpAddr, Ipv4Addr};

use super::{
    Device, passwords,
    sessions::{self, NewSession},
};
use crate::{
    app::{
        Error, Result, State,
        actor::{Credential, Principal},
        audit::{self, Entry},
        limits::rate_limiter::{RateLimit, RateLimitKey},
    },
    model::{
        administrator::{Administrator, AuthenticationMethod},
        audit::audit_fields,
        client_address::ClientAddress,
        email::Email,
    },
    store::{self, Transaction},
};

/// The one error message for an unknown address and for a wrong password.
pub const WRONG_CREDENTIALS: &str = "This address and this password do not go together.";

/// Signs an administrator in by e-mail address and password. Neither the response nor its timing shows whether
/// the address is known.
pub async fn with_password(
    state: &State,
    email: &str,
    password: &str,
    device: &Device,
) -> Result<NewSession> {
    check_passwords_enabled(state)?;
    let wrong = || Error::Unauthenticated(WRONG_CREDENTIALS.into());
    let email = email.trim();
    let caller = caller(state, email, device);
    check_limit(state, caller.as_ref())?;
    let found = match Email::parse(email) {
        Some(email) => store::administrators::find_by_email(&mut state.db.read().await?, &email).await?,
        None => None,
    };
    let found = found.filter(|administrator| administrator.disabled_at.is_none());
    let hash = found.as_ref().and_then(|administrator| administrator.password_hash.as_ref());
    let is_good = state.passwords.verify(password, hash).await?;
    let (Some(administrator), true) = (&found, is_good) else {
        if let Some(caller) = caller {
            state.sign_in_limits.record_failure(caller, state.now());
        }
        if let Some(administrator) = found {
            // Not awaited: the response time would show that the address is known.
            let (state, device) = (state.clone(), device.clone());
            tokio::spawn(async move {
                record_failure(&state, &administrator, AuthenticationMethod::Password, &device).await
            });
        }
        return Err(wrong());
    };
    rehash(state, administrator, password).await?;
    let mut tx = state.db.write().await?;
    let begun = start_session(&mut tx, state, administrator, AuthenticationMethod::Password, device).await?;
    tx.commit().await?;
    Ok(begun)
}

/// Returns an error if passwords are disabled, naming the method to use instead.
pub(super) fn check_passwords_enabled(state: &State) -> Result<()> {
    let settings = &state.settings.console;
    match (settings.require_sso, settings.require_passkey) {
        (true, _) => {
            Err(Error::Forbidden("passwords are switched off here: sign in through single sign-on".into()))
        }
        (false, true) => Err(Error::Forbidden("passwords are switched off here: use a passkey".into())),
        (false, false) => Ok(()),
    }
}

/// Whether this is the password of a signed-in administrator. Wrong passwords count against the rate limit of
/// sign-ins: another person may be using the browser.
pub(super) async fn verify_password(
    state: &State,
    administrator: &Administrator,
    password: &str,
    device: &Device,
) -> Result<bool> {
    let caller = caller(state, administrator.email.as_str(), device);
    check_limit(state, caller.as_ref())?;
    let good = state.passwords.verify(password, administrator.password_hash.as_ref()).await?;
    if !good {
        if let Some(caller) = caller {
            state.sign_in_limits.record_failure(caller, state.now());
        }
        record_failure(state, administrator, AuthenticationMethod::Password, device).await;
    }
    Ok(good)
}

/// The rate-limit key of an attempt: account and network. `None` if rate limits are disabled.
fn caller(state: &State, email: &str, device: &Device) -> Option<RateLimitKey> {
    let address = device.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let key = email.to_ascii_lowercase();
    state
        .settings
        .console
        .rate_limits
        .then(|| state.sign_in_limits.key(RateLimit::Account, ClientAddress(address).network(), &key))
}

fn check_limit(state: &State, caller: Option<&RateLimitKey>) -> Result<()> {
    let Some(caller) = caller else { return Ok(()) };
    state.sign_in_limits.check(caller, state.now()).map_err(|retry_after| Error::Limited { retry_after })
}

/// Rehashes the password if its hash was made with other than the current parameters.
async fn rehash(state: &State, administrator: &Administrator, password: &str) -> Result<()> {
    let Some(old) = administrator.password_hash.as_ref().filter(|hash| passwords::is_outdated(hash)) else {
        return Ok(());
    };
    let new = state.passwords.hash(password, &*state.random).await?;
    let mut tx = state.db.write().await?;
    store::administrators::update_hash(&mut tx, administrator.id, old, &new).await?;
    tx.commit().await?;
    Ok(())
}

/// Starts the session of an authenticated administrator and records it in the audit log.
pub(super) async fn start_session(
    tx: &mut Transaction,
    state: &State,
    administrator: &Administrator,
    method: AuthenticationMethod,
    device: &Device,
) -> Result<NewSession> {
    // A concurrent removal of the account waits for this lock and then ends this session, or it came first.
    if !store::administrators::lock_enabled(tx, administrator.id).await? {
        return Err(Error::Unauthenticated("this account was removed".into()));
    }
    let begun = sessions::create(tx, state, administrator.id, method, device).await?;
    let principal = principal_of(tx, administrator, device).await?;
    let said = audit_fields! {
        "method": method.as_str(),
        "sessionId": begun.session.id,
        "userAgent": begun.session.user_agent,
    };
    audit::record(tx, state, None, &principal, Entry::of(administrator, "signed_in").with_values(said))
        .await?;
    Ok(begun)
}

/// An administrator who authenticates in this request, as the principal of changes to their own account.
pub(super) async fn principal_of(
    tx: &mut Transaction,
    administrator: &Administrator,
    device: &Device,
) -> Result<Principal> {
    let grants = store::administrators::list_grants(tx, administrator.id).await?;
    Ok(super::principal(administrator.id, &grants, true, device.address))
}

/// Records a failed authentication as this administrator in the audit log.
pub(super) async fn record_failure(
    state: &State,
    administrator: &Administrator,
    method: AuthenticationMethod,
    device: &Device,
) {
    let note = async {
        let mut tx = state.db.write().await?;
        let principal = Principal { credential: Credential::Service, address: device.address };
        let said = audit_fields! { "method": method.as_str() };
        let entry = Entry::of(administrator, "sign_in_failed").with_values(said);
        audit::record(&mut tx, state, None, &principal, entry).await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    };
    if let Err(error) = note.await {
        tracing::warn!(%error, "a failed sign-in could not be recorded");
    }
}
