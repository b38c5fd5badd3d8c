//! The settings of the console's sign-in.

use std::{fmt, time::Duration};

use base::id::SamlConnectionId;
use model::account::{AuthenticationMethod, PasswordPolicy};

/// The policy for the passwords of administrators.
pub const PASSWORD_POLICY: PasswordPolicy = PasswordPolicy::DEFAULT;

/// The settings of the console's sign-in.
#[derive(Debug, Clone)]
pub struct ConsoleSettings {
    /// The idle timeout of a session.
    pub session_idle: Duration,
    /// The absolute lifetime of a session.
    pub session_lifetime: Duration,
    /// Whether administrators must use single sign-on.
    pub require_sso: bool,
    /// Whether administrators must use passkeys.
    pub require_passkey: bool,
    /// The SAML connection of this gateway through which administrators sign in.
    pub saml_connection: Option<SamlConnectionId>,
    /// The OpenID provider through which administrators sign in.
    pub oidc: Option<OidcProvider>,
    /// Whether wrong passwords are rate-limited.
    pub rate_limits: bool,
}

impl ConsoleSettings {
    /// Whether passwords are accepted.
    pub fn allows_passwords(&self) -> bool {
        !self.require_sso && !self.require_passkey
    }

    /// Whether passkeys are accepted.
    pub fn allows_passkeys(&self) -> bool {
        !self.require_sso
    }

    /// Whether a session of this sign-in method is accepted.
    pub fn allows(&self, method: AuthenticationMethod) -> bool {
        match method {
            AuthenticationMethod::Password => self.allows_passwords(),
            // An invited administrator registers a passkey if only passkeys are accepted.
            AuthenticationMethod::Passkey | AuthenticationMethod::Invitation => self.allows_passkeys(),
            AuthenticationMethod::Saml => self.saml_connection.is_some(),
            AuthenticationMethod::Oidc => self.oidc.is_some(),
            AuthenticationMethod::SetupLink | AuthenticationMethod::Operator => false,
        }
    }
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self {
            session_idle: Duration::from_secs(3600),
            session_lifetime: Duration::from_secs(24 * 3600),
            require_sso: false,
            require_passkey: false,
            saml_connection: None,
            oidc: None,
            rate_limits: true,
        }
    }
}

/// The console's registration at an OpenID provider.
#[derive(Clone)]
pub struct OidcProvider {
    /// Its issuer.
    pub issuer: String,
    /// The console's client id there.
    pub client_id: String,
    /// The client secret.
    pub client_secret: String,
}

impl fmt::Debug for OidcProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.client_id, self.issuer)
    }
}
