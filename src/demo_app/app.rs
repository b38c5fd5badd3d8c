//! The sample app: its settings and its state.

use std::sync::Arc;

use base::{
    id::OauthClientId,
    random::Random,
    secret::{ApiKeySecret, OauthClientSecret},
    time::Clock,
};

use super::{
    gateway_client::GatewayClient,
    mailbox::{DemoLetter, ReadLetters},
    organization::DemoOrganization,
    sessions::Sessions,
};
use crate::links::Links;

/// The settings of the sample app.
pub struct DemoSettings {
    /// The gateway's addresses for browsers.
    pub links: Links,
    /// The gateway's addresses for this app's server; usually the same.
    pub server_side: Links,
    /// The key for the REST API.
    pub api_key: ApiKeySecret,
    /// The client for OpenID Connect.
    pub oauth_client_id: OauthClientId,
    /// The client's secret.
    pub oauth_client_secret: OauthClientSecret,
    /// The app's customers.
    pub organizations: Vec<DemoOrganization>,
    /// Reads the letters that the gateway wrote.
    pub letters: ReadLetters,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub random: Arc<dyn Random>,
}

/// The sample app. Put it into the server as `web::Data`, beside [`configure`](super::configure).
pub struct DemoApp {
    pub(super) links: Links,
    pub(super) gateway: GatewayClient,
    pub(super) organizations: Vec<DemoOrganization>,
    letters: ReadLetters,
    pub(super) clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    pub(super) sessions: Sessions,
}

impl DemoApp {
    /// The app with these settings.
    pub fn new(settings: DemoSettings) -> Result<Self, reqwest::Error> {
        let DemoSettings {
            links,
            server_side,
            api_key,
            oauth_client_id,
            oauth_client_secret,
            organizations,
            letters,
            clock,
            random,
        } = settings;
        let gateway =
            GatewayClient::new(links.clone(), server_side, api_key, oauth_client_id, oauth_client_secret)?;
        Ok(Self { links, gateway, organizations, letters, clock, random, sessions: Sessions::default() })
    }

    /// The customer that has the domain of `email`.
    pub(super) fn organization_of(&self, email: &str) -> Option<&DemoOrganization> {
        let (_, domain) = email.rsplit_once('@')?;
        self.organizations.iter().find(|organization| organization.domain.eq_ignore_ascii_case(domain))
    }

    /// The letters that the gateway wrote, the newest first.
    pub(super) fn letters(&self) -> Vec<DemoLetter> {
        (self.letters)()
    }

    /// 128 fresh random bits in hexadecimal.
    pub(super) fn token(&self) -> String {
        format!("{:032x}", self.random.bits())
    }
}
