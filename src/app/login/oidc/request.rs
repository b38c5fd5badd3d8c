//! The authorization request, and the secrets that belong to it.

use std::time::Duration;

use base::{
    id::{LoginFlowId, OidcConnectionId},
    time::Timestamp,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::{login_flow::LoginFlow, oidc_connection::OidcConnection};
use oauth::{parameters, relying_party::authorization::AuthorizationRequest};
use url::Url;

use crate::{
    app::{
        self, Result, State,
        login::protocol::{IdpRedirect, Protocol},
    },
    links::Links,
    store::{
        self, Conn,
        oidc_login_connections::{self, OidcLoginConnection},
    },
};

/// How long the provider may take for its answer at most.
const MAX_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// The MAC purpose of the nonce.
const NONCE_PURPOSE: &str = "nonce of an authorization request";

/// The MAC purpose of the code verifier.
pub(super) const VERIFIER_PURPOSE: &str = "code verifier of an authorization request";

/// Parameters that are not shown to support: they belong to one browser.
const HIDDEN_PARAMETERS: [&str; 3] = ["state", "nonce", "code_challenge"];

impl Protocol for OidcConnection {
    /// The `state` of the request: 256 random bits. Nonce and code verifier are derived from it.
    fn new_request_id(state: &State) -> String {
        format!("{:032x}{:032x}", state.random.bits(), state.random.bits())
    }

    fn request_lifetime(state: &State) -> Duration {
        state.settings.login_lifetime.min(MAX_LIFETIME)
    }

    fn init_url(&self, links: &Links, link_state: &str) -> Url {
        links.oidc_init(self.id, link_state)
    }

    fn setup_test_url(&self, _: &Links, _: LoginFlowId) -> Option<Url> {
        None
    }

    async fn find_for_login(
        conn: &mut Conn,
        id: OidcConnectionId,
    ) -> store::Result<Option<OidcLoginConnection>> {
        oidc_login_connections::find_for_login(conn, id).await
    }

    async fn request(
        state: &State,
        target: &OidcLoginConnection,
        flow: &LoginFlow,
        _: Timestamp,
    ) -> Result<(Option<String>, IdpRedirect)> {
        let connection = &target.connection;
        let (Some(request), Some(endpoint), Some(client_id)) =
            (&flow.request, &connection.authorization_endpoint, &connection.client_id)
        else {
            return Err(app::Error::internal(
                "a login was begun without a request or a configured connection",
            ));
        };
        let scope = connection.scopes.join(" ");
        let pairs = AuthorizationRequest {
            client_id,
            redirect_uri: &connection.redirect_uri,
            scope: &scope,
            state: &request.id,
            nonce: &derived(state, NONCE_PURPOSE, &request.id),
            code_verifier: &derived(state, VERIFIER_PURPOSE, &request.id),
            login_hint: flow.claimed_email.as_ref().map(model::email::Email::as_str),
            force_authn: flow.force_authn,
        }
        .parameters();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let shown: Vec<_> =
            pairs.iter().filter(|(name, _)| !HIDDEN_PARAMETERS.contains(name)).copied().collect();
        let url = parameters::append(endpoint.as_str(), &pairs);
        Ok((Some(parameters::append(endpoint.as_str(), &shown)), IdpRedirect::Redirect(url)))
    }
}

/// A secret of the request with this `state`, which nobody can tell who does not have the master key.
pub(super) fn derived(state: &State, purpose: &str, request: &str) -> String {
    BASE64.encode(state.master_key.compute_tag(purpose, request))
}

/// Whether a nonce is that of the request with this `state`, also after the master key was rotated.
pub(super) fn is_nonce_of(state: &State, request: &str, nonce: &str) -> bool {
    BASE64.decode(nonce).is_ok_and(|tag| state.master_key.verify_tag(NONCE_PURPOSE, request, &tag))
}
