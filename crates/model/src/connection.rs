//! What connections of every protocol have in common.

use base::connection_id::ConnectionId;

use crate::{login_flow::LoginProtocol, oidc_connection::OidcConnection, saml_connection::SamlConnection};

/// A connection of an organization to its identity provider.
pub trait Connection {
    /// Its protocol.
    const PROTOCOL: LoginProtocol;
    /// Its name in messages.
    const NOUN: &'static str;

    /// Its id.
    fn connection_id(&self) -> ConnectionId;
    /// The settings without which nobody can sign in, as the API names them; empty when logins are possible.
    fn missing_settings(&self) -> Vec<&'static str>;
    /// Whether it is switched off.
    fn is_disabled(&self) -> bool;
    /// Whether it uses the bundled test identity provider.
    fn is_test(&self) -> bool;
    /// Whether people must authenticate again at the identity provider at every login.
    fn forces_authn(&self) -> bool;
    /// Where the identity provider sends browsers with its answers. Stored, never derived.
    fn response_url(&self) -> Option<&str>;
}

impl Connection for SamlConnection {
    const PROTOCOL: LoginProtocol = LoginProtocol::Saml;
    const NOUN: &'static str = "SAML connection";

    fn connection_id(&self) -> ConnectionId {
        self.id.into()
    }

    fn missing_settings(&self) -> Vec<&'static str> {
        Self::missing_settings(self)
    }

    fn is_disabled(&self) -> bool {
        self.disabled
    }

    fn is_test(&self) -> bool {
        self.test
    }

    fn forces_authn(&self) -> bool {
        self.force_authn
    }

    fn response_url(&self) -> Option<&str> {
        self.sp_acs_urls.first().map(String::as_str)
    }
}

impl Connection for OidcConnection {
    const PROTOCOL: LoginProtocol = LoginProtocol::Oidc;
    const NOUN: &'static str = "OIDC connection";

    fn connection_id(&self) -> ConnectionId {
        self.id.into()
    }

    fn missing_settings(&self) -> Vec<&'static str> {
        Self::missing_settings(self)
    }

    fn is_disabled(&self) -> bool {
        self.disabled
    }

    fn is_test(&self) -> bool {
        self.test
    }

    fn forces_authn(&self) -> bool {
        false
    }

    fn response_url(&self) -> Option<&str> {
        Some(&self.redirect_uri)
    }
}
