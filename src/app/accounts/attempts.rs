//! Attempts to authenticate: their rate limit by account and network, and the audit entry of a failed one.

use std::net::{IpAddr, Ipv4Addr};

use model::{
    account::AuthenticationMethod, administrator::Administrator, audit::audit_fields,
    client_address::ClientAddress,
};

use crate::app::administrators::signed_in::Device;
use crate::app::{
    Error, Result, State,
    actor::Principal,
    audit::{self, Entry},
    limits::rate_limiter::{RateLimit, RateLimitKey},
};

/// The rate-limit key of an attempt: account and network. `None` if rate limits are disabled.
pub(in crate::app) fn caller(state: &State, email: &str, device: &Device) -> Option<RateLimitKey> {
    let address = device.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let key = email.to_ascii_lowercase();
    state
        .settings
        .console
        .rate_limits
        .then(|| state.sign_in_limits.key(RateLimit::Account, ClientAddress(address).network(), &key))
}

/// Returns an error while the rate limit of this caller is exceeded.
pub(in crate::app) fn check_limit(state: &State, caller: Option<&RateLimitKey>) -> Result<()> {
    let Some(caller) = caller else { return Ok(()) };
    state.sign_in_limits.check(caller, state.now()).map_err(|retry_after| Error::Limited { retry_after })
}

/// Counts a failed attempt against the rate limit, if there is one.
pub(in crate::app) fn count_failure(state: &State, caller: Option<RateLimitKey>) {
    if let Some(caller) = caller {
        state.sign_in_limits.record_failure(caller, state.now());
    }
}

/// Records a failed authentication as this administrator in the audit log.
pub(in crate::app) async fn record_failure(
    state: &State,
    administrator: &Administrator,
    method: AuthenticationMethod,
    device: &Device,
) {
    let note = async {
        let mut tx = state.db.write().await?;
        let principal = Principal::SERVICE.at(device.address);
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
