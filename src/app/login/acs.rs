//! What a browser posts to the Assertion Consumer Service, and what becomes of it.

use base::id::LoginFlowId;
use model::client_address::ClientAddress;

use super::{begin::BegunLogin, browser_id::BrowserId, refuse::RefusedLogin};

/// A post to the Assertion Consumer Service.
#[derive(Debug)]
pub struct AcsRequest {
    /// The field `SAMLResponse`, if there is exactly one.
    pub saml_response: Option<String>,
    /// The field `RelayState`.
    pub relay_state: Option<String>,
    /// The host that the browser posted to.
    pub host: String,
    /// The address of the client.
    pub client: ClientAddress,
    /// The browser's cookie.
    pub browser: Option<BrowserId>,
    /// Whether one of our pages posted it again: the cookie was then sent if the browser has it.
    pub reposted: bool,
}

impl AcsRequest {
    /// Whether the browser may have the cookie without having sent it: one of our pages can post the form again.
    pub(super) fn may_be_reposted(&self) -> bool {
        self.browser.is_none() && !self.reposted
    }
}

/// The result of a post.
#[derive(Debug)]
pub enum AcsOutcome {
    /// The login is accepted; the browser is redirected to the app.
    Accepted {
        /// The flow.
        flow: LoginFlowId,
        /// The app's URL with the code.
        location: String,
    },
    /// The browser posts the same form again from one of our pages: a cross-site post from the identity provider
    /// lacks the SameSite cookie.
    Repost,
    /// The response is discarded and a new login of the same connection begins.
    Restarted(BegunLogin),
    /// The response is discarded and the app is asked to begin the login (OpenID Connect Core §4).
    InitiateAtApp {
        /// The client's `initiate_login_uri`.
        location: String,
    },
    /// The login is refused.
    Refused(RefusedLogin),
}
