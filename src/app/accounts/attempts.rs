//! Attempts to authenticate: their rate limit by account and network, and the audit entry of a failed one.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use base::id::{EnvironmentId, OrganizationId};
use model::{
    account::{AccountId, AuthenticationMethod},
    audit::{AuditTarget, Audited, audit_fields},
    client_address::ClientAddress,
};

use super::device::Device;
use crate::app::{
    Result, State,
    audit::{self, Entry},
    limits::rate_limiter::{RateLimit, RateLimitKey, RateLimiter},
    principal::Principal,
};

/// An attempt that the rate limit of its account and network lets through. It counts from its beginning, so that attempts at the
/// same time are no way around the limit; one that is dropped without having failed is taken back.
#[derive(Default)]
pub struct Attempt(Option<(RateLimitKey, Arc<RateLimiter>)>);

impl Attempt {
    /// An attempt where none are limited.
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// Begins an attempt for the account with this name, whether there is one or not. Names are compared without regard
    /// to case. `Error::Limited` while too many have failed, or are under way.
    pub fn begin(state: &State, name: &str, device: &Device) -> Result<Self> {
        let address = device.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let network = ClientAddress(address).network();
        let limits = &state.sign_in_limits;
        let key = limits.key(RateLimit::Account, network, &name.to_ascii_lowercase());
        limits.take(key, state.now())?;
        Ok(Self(Some((key, limits.clone()))))
    }

    /// Begins an attempt to give the second factor of an account, whose first was right: all of them count together, from wherever
    /// they come. `Error::Limited` while too many have failed, or are under way.
    pub fn begin_second_factor(state: &State, account: AccountId) -> Result<Self> {
        let limits = &state.sign_in_limits;
        let anywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let key = limits.key(RateLimit::SecondFactor, anywhere, &account.to_string());
        limits.take(key, state.now())?;
        Ok(Self(Some((key, limits.clone()))))
    }

    /// It failed: it stays counted.
    pub fn fail(mut self) {
        self.0 = None;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some((key, limits)) = &self.0 {
            limits.give_back(key);
        }
    }
}

/// Records a failed authentication as this account in the audit log of its environment: one a minute and network.
pub async fn record_failure(
    state: &State,
    account: &impl Audited,
    environment_id: Option<EnvironmentId>,
    method: AuthenticationMethod,
    device: &Device,
) {
    record_failure_as(state, account.audit_target(), environment_id, method, device).await;
}

/// Records a failed authentication as nobody who is known, in the audit log of the installation: one a minute and network.
/// What was typed is not recorded: it may be a password.
pub async fn record_unknown(state: &State, method: AuthenticationMethod, device: &Device) {
    let target = AuditTarget { kind: "administrator", id: String::new(), organization_id: None };
    record_failure_as(state, target, None, method, device).await;
}

/// Records a failed authentication at an organization as nobody who is known there: one a minute and network. What was typed is
/// not recorded: it may be a password.
pub async fn record_unknown_user(
    state: &State,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    method: AuthenticationMethod,
    device: &Device,
) {
    let target = AuditTarget { kind: "user", id: String::new(), organization_id: Some(organization_id) };
    record_failure_as(state, target, Some(environment_id), method, device).await;
}

async fn record_failure_as(
    state: &State,
    target: AuditTarget,
    environment_id: Option<EnvironmentId>,
    method: AuthenticationMethod,
    device: &Device,
) {
    let principal = Principal::SERVICE.at(device.address);
    let entry = Entry {
        action: format!("{}.sign_in_failed", target.kind),
        target,
        before: serde_json::Map::new(),
        after: audit_fields! { "method": method.as_str() },
    };
    if let Err(error) = audit::record_bounded(state, environment_id, &principal, entry).await {
        tracing::warn!(%error, "a failed sign-in could not be recorded");
    }
}
