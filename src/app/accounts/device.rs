//! The browser or program of a person.

use std::net::IpAddr;

/// The browser of a person, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Device {
    /// Its IP address.
    pub address: Option<IpAddr>,
    /// Its `User-Agent` header.
    pub user_agent: String,
}
