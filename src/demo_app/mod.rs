//! The sample app of `ostiary demo`: a small version of what a customer of ours builds.
//!
//! It uses only the gateway's public REST API and OAuth endpoints, which its server calls over HTTP with an
//! API key and a client secret, and shows every call as the equivalent `curl` command.

mod gateway_client;
mod handlers;
mod sessions;
#[cfg(test)]
mod tests;
mod views;

use std::sync::Arc;

use self::{gateway_client::GatewayClient, sessions::Sessions};
use crate::{
    links::{Links, path},
    model::{
        id::OauthClientId,
        random::Random,
        secret::{ApiKeySecret, OauthClientSecret},
        time::Clock,
    },
    web::kit::routing::Routes,
};

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
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub random: Arc<dyn Random>,
}

/// One customer of the sample app.
#[derive(Debug, Clone)]
pub struct DemoOrganization {
    /// Its name.
    pub name: String,
    /// The e-mail domain of its users.
    pub domain: String,
    /// The app's own id of it, which the gateway knows.
    pub external_id: String,
}

/// The sample app. Put it into the server as `web::Data`, beside [`configure`].
pub struct DemoApp {
    links: Links,
    gateway: GatewayClient,
    organizations: Vec<DemoOrganization>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    sessions: Sessions,
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
            clock,
            random,
        } = settings;
        let gateway =
            GatewayClient::new(links.clone(), server_side, api_key, oauth_client_id, oauth_client_secret)?;
        Ok(Self { links, gateway, organizations, clock, random, sessions: Sessions::default() })
    }

    /// The customer that has the domain of `email`.
    fn organization_of(&self, email: &str) -> Option<&DemoOrganization> {
        let (_, domain) = email.rsplit_once('@')?;
        self.organizations.iter().find(|organization| organization.domain.eq_ignore_ascii_case(domain))
    }

    /// 128 fresh random bits in hexadecimal.
    fn token(&self) -> String {
        format!("{:032x}", self.random.bits())
    }
}

/// Registers the sample app's routes.
pub fn configure(routes: &mut Routes<'_>) {
    routes
        .resource(path::DEMO, |resource| resource.get(handlers::home))
        .resource(path::DEMO_SIGN_IN, |resource| resource.post(handlers::sign_in))
        .resource(path::DEMO_CALLBACK, |resource| resource.get(handlers::saml_callback))
        .resource(path::DEMO_OAUTH_CALLBACK, |resource| resource.get(handlers::oauth_callback))
        .resource(path::DEMO_PEOPLE, |resource| resource.get(handlers::people))
        .resource(path::DEMO_SIGN_OUT, |resource| resource.post(handlers::sign_out));
}
