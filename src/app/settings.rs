//! The settings of the use cases.

use std::{net::SocketAddr, time::Duration};

use saml::CrossCheck;

use super::{
    administrators::settings::ConsoleSettings,
    directories::{limits::DirectoryRates, quota::Quotas},
    mail::MailSettings,
};

/// The settings of the use cases.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The environment, by slug or id, for which paths speak that name none; `None`: the only one.
    pub default_environment: Option<String>,
    /// How long a started login may wait for its response.
    pub login_lifetime: Duration,
    /// How long an access code can be redeemed at `/v1/saml/redeem`.
    pub access_code_lifetime: Duration,
    /// How long the sealed XML of a login is kept.
    pub document_retention: Duration,
    /// The tolerated clock skew of identity providers.
    pub clock_skew: Duration,
    /// The effect of the second verification of signatures.
    pub cross_check: CrossCheck,
    /// Whether outgoing requests may go to private and loopback addresses.
    pub allow_private_targets: bool,
    /// Whether metadata of identity providers may be fetched from there regardless: at the command line.
    pub allow_private_metadata: bool,
    /// The name servers to query; empty: the system's.
    pub dns_servers: Vec<SocketAddr>,
    /// How long a domain counts as verified after its DNS record is gone.
    pub lost_record_grace: Duration,
    /// Whether the bundled test identity provider is enabled.
    pub test_idp: bool,
    /// The rate limits of each SCIM directory in a process.
    pub scim_rates: DirectoryRates,
    /// The quotas of SCIM directories.
    pub scim_quotas: Quotas,
    /// How letters are sent; `None`: no mail server is set up, and none are written.
    pub mail: Option<MailSettings>,
    /// Whether refused responses are rate-limited.
    pub rate_limits: bool,
    /// The settings of the console's sign-in.
    pub console: ConsoleSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_environment: None,
            login_lifetime: Duration::from_secs(10 * 60),
            access_code_lifetime: Duration::from_secs(5 * 60),
            document_retention: Duration::from_secs(30 * 24 * 3600),
            clock_skew: Duration::from_secs(60),
            cross_check: CrossCheck::Enforce,
            allow_private_targets: false,
            allow_private_metadata: false,
            dns_servers: Vec::new(),
            lost_record_grace: Duration::from_secs(14 * 24 * 3600),
            test_idp: false,
            scim_rates: DirectoryRates::default(),
            scim_quotas: Quotas::default(),
            mail: None,
            rate_limits: true,
            console: ConsoleSettings::default(),
        }
    }
}
