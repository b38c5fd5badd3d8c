//! The browser of somebody who signs in, and where they do.

use std::{fmt, net::IpAddr};

use crate::{
    app::{Error, Result, accounts::Device, authorization_server::issuers::Issuer, login::BrowserId},
    store::tenants::IssuingOrganization,
};

/// The browser that a request comes from.
#[derive(Clone, Default)]
pub struct Visitor {
    /// What binds requests to it.
    pub browser: Option<BrowserId>,
    /// What binds logins at identity providers to it.
    pub login_browser: Option<BrowserId>,
    /// The host that it addressed.
    pub host: String,
    /// Its cookies of sessions at this issuer.
    pub cookies: Vec<String>,
    /// What else is known of it.
    pub device: Device,
}

/// Shows no cookies.
impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor").field("address", &self.device.address).finish_non_exhaustive()
    }
}

impl Visitor {
    /// Its address.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.device.address
    }
}

/// The organization whose issuer this is. [`Error::NotFound`] of issuers at which nobody signs in.
pub(super) fn organization(issuer: &Issuer) -> Result<&IssuingOrganization> {
    issuer.organization().ok_or_else(|| Error::not_found("workspace", issuer.workspace()))
}
