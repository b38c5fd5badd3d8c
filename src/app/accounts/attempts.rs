//! Attempts to authenticate: their rate limit by account and network, and the audit entry of a failed one.

use std::net::{IpAddr, Ipv4Addr};

use base::id::EnvironmentId;
use model::{
    account::AuthenticationMethod,
    audit::{Audited, audit_fields},
    client_address::ClientAddress,
};

use super::device::Device;
use crate::app::{
    Error, Result, State,
    audit::{self, Entry},
    limits::rate_limiter::{RateLimit, RateLimitKey},
    principal::Principal,
};

/// An attempt that the rate limit of its account and network lets through.
#[derive(Debug)]
pub struct Attempt(Option<RateLimitKey>);

impl Attempt {
    /// An attempt where none are limited.
    pub fn unlimited() -> Self {
        Self(None)
    }

    /// Begins an attempt for the account with this name, whether there is one or not. Names are compared without regard
    /// to case. [`Error::Limited`] while too many have failed.
    pub fn begin(state: &State, name: &str, device: &Device) -> Result<Self> {
        let address = device.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let network = ClientAddress(address).network();
        let key = state.sign_in_limits.key(RateLimit::Account, network, &name.to_ascii_lowercase());
        state.sign_in_limits.require(&key, state.now())?;
        Ok(Self(Some(key)))
    }

    /// Counts it as failed.
    pub fn fail(self, state: &State) {
        if let Some(key) = self.0 {
            state.sign_in_limits.record_failure(key, state.now());
        }
    }
}

/// Records a failed authentication as this account in the audit log of its environment.
pub async fn record_failure(
    state: &State,
    account: &impl Audited,
    environment_id: Option<EnvironmentId>,
    method: AuthenticationMethod,
    device: &Device,
) {
    let note = async {
        let mut tx = state.db.write().await?;
        let principal = Principal::SERVICE.at(device.address);
        let said = audit_fields! { "method": method.as_str() };
        let entry = Entry::of(account, "sign_in_failed").with_values(said);
        audit::record(&mut tx, state, environment_id, &principal, entry).await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    };
    if let Err(error) = note.await {
        tracing::warn!(%error, "a failed sign-in could not be recorded");
    }
}
