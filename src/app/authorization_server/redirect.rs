//! The SAML redirect URL: the app starts a login and sends the browser to this URL.

use base::{connection_id::ConnectionId, id::EnvironmentId};

use crate::{
    app::{
        Error, Result, State, login,
        organizations::reference,
        permissions::Action,
        principal::{On, Principal},
    },
    store::any_login_connections::{self, AnyLoginConnection},
};

/// The maximum length of the app's state, in bytes. It is stored with every started login; SSOReady does not limit
/// it.
const MAX_STATE_BYTES: usize = 4096;

/// The request of the app. The first non-empty one of the three ids selects the connection.
#[derive(Debug, Clone, Default)]
pub struct RedirectRequest {
    /// The connection itself.
    pub saml_connection_id: String,
    /// The organization, whose primary connection it is.
    pub organization_id: String,
    /// The organization by the vendor's own id for it.
    pub organization_external_id: String,
    /// Returned when the app redeems the login.
    pub state: String,
}

/// Starts a login and returns the URL for the browser.
pub async fn redirect(state: &State, principal: &Principal, request: &RedirectRequest) -> Result<String> {
    if request.state.len() > MAX_STATE_BYTES {
        return Err(Error::invalid("state", format!("must be at most {MAX_STATE_BYTES} bytes long")));
    }
    if request.state.contains('\0') {
        return Err(Error::invalid("state", "must not contain NUL"));
    }
    let login =
        find_connection(state, principal.authorize(Action::LoginsBegin, On::Environment)?, request).await?;
    if !login.missing_settings().is_empty() {
        return Err(Error::FailedPrecondition(NOT_CONFIGURED.into()));
    }
    login::create_link_through(state, &login, Some(request.state.clone()).filter(|text| !text.is_empty()))
        .await
}

/// SSOReady's message with its URL, which programs may compare.
const NOT_CONFIGURED: &str = "saml connection is not fully configured, see: \
     https://ssoready.com/docs/ssoready-concepts/saml-connections#not-yet-configured";

async fn find_connection(
    state: &State,
    environment_id: EnvironmentId,
    request: &RedirectRequest,
) -> Result<AnyLoginConnection> {
    let no_primary = |field: &'static str| {
        move || {
            Error::invalid(
                field,
                "organization not found, or organization does not have a primary SAML connection",
            )
        }
    };
    let mut conn = state.db.read().await?;
    if !request.saml_connection_id.is_empty() {
        let id: ConnectionId = request
            .saml_connection_id
            .parse()
            .map_err(|error| Error::invalid("saml_connection_id", ToString::to_string(&error)))?;
        let found = any_login_connections::find_in_environment(&mut conn, environment_id, id).await?;
        return found.ok_or_else(|| Error::invalid("", "saml connection not found"));
    }
    if !request.organization_id.is_empty() {
        const FIELD: &str = "organization_id";
        let id = reference::resolve_in(&mut conn, environment_id, FIELD, &request.organization_id).await?;
        let found = any_login_connections::find_primary(&mut conn, environment_id, id).await?;
        return found.ok_or_else(no_primary(FIELD));
    }
    if !request.organization_external_id.is_empty() {
        let no_primary = no_primary("organization_external_id");
        let external_id = request.organization_external_id.as_str();
        if external_id.contains('\0') {
            return Err(no_primary());
        }
        let found =
            any_login_connections::find_primary_by_external_id(&mut conn, environment_id, external_id)
                .await?;
        return found.ok_or_else(no_primary);
    }
    Err(Error::invalid(
        "",
        "one of saml_connection_id, organization_id, or organization_external_id must be provided",
    ))
}
