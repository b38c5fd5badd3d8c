//! The authorization endpoint (RFC 6749 §4.1.1): validates the client and its redirect URI, selects the SAML
//! connection and starts the login.

use base::id::{EnvironmentId, LoginFlowId, OrganizationId};
use model::{
    domain::Domain,
    email::Email,
    login_flow::{FlowOrigin, OauthRequest},
    organization_reference::OrganizationRef,
};
use oauth::{
    Error,
    authorize::{self, AuthorizeRequest, RequestingClient, Selector},
    parameters::Parameters,
};

use crate::{
    app::{
        Result, State,
        login::{self, BeginOutcome, BegunLogin, BrowserId, RefusedLogin},
    },
    store::{
        Conn,
        any_login_connections::{self, AnyLoginConnection},
        login_connections::{self, Named},
        oauth_clients, organizations,
    },
};

/// The maximum number of organizations a chooser shows.
const MAX_CHOICES: i64 = 50;

/// The parameter with the organization that the user chose.
pub const ORGANIZATION_PARAMETER: &str = "organization_id";

/// What the browser does next.
#[derive(Debug)]
pub enum Outcome {
    /// Redirect to the identity provider.
    Begun(BegunLogin),
    /// The user chooses one of these organizations.
    Choose {
        /// The display name of the app.
        application: String,
        /// The matching organizations.
        choices: Vec<Choice>,
        /// The parameters of the request, to be repeated with [`ORGANIZATION_PARAMETER`].
        parameters: Vec<(&'static str, String)>,
    },
    /// Redirect to the client with an error.
    ToClient(String),
    /// The connection accepts no logins; the user sees a page that leads back to the app.
    Refused(RefusedLogin),
    /// An error page: the client or the redirect URI is not valid (RFC 6749 §4.1.2.1).
    Page(Error),
}

/// One organization of a chooser.
#[derive(Debug)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// Its id.
    pub organization: OrganizationId,
}

/// Starts the login of an authorization request. `host` is the host that the browser addressed.
pub async fn authorize(
    state: &State,
    query: &str,
    browser: Option<BrowserId>,
    host: &str,
) -> Result<Outcome> {
    let parameters = match Parameters::parse(query) {
        Ok(parameters) => parameters,
        Err(error) => return Ok(Outcome::Page(error)),
    };
    let sender = match RequestingClient::parse(&parameters) {
        Ok(sender) => sender,
        Err(error) => return Ok(Outcome::Page(error)),
    };
    let request = AuthorizeRequest::parse(&parameters);
    let mut conn = state.db.read().await?;
    // One statement finds both the client and the connection that it names by an id.
    let found = match request.as_ref().ok().and_then(|request| named(&request.selector)) {
        Some(named) => login_connections::find_for_client(&mut conn, sender.client_id, named).await?,
        None => None,
    };
    let (found, client) = match found {
        Some((target, client)) => (Some(target.into()), client),
        None => match oauth_clients::find_registration(&mut conn, sender.client_id).await? {
            Some(client) => (None, client),
            None => return Ok(Outcome::Page(Error::UnknownClient(sender.client_id.to_string()))),
        },
    };
    let redirect_uri = match authorize::redirect_uri(sender.redirect_uri, &client.redirect_uris) {
        Ok(redirect_uri) => redirect_uri,
        Err(error) => return Ok(Outcome::Page(error)),
    };
    let to_client = |error: Error| {
        tracing::info!(client = %sender.client_id, reason = error.code(), "authorization refused");
        Ok(Outcome::ToClient(authorize::error_url(&redirect_uri, &error, sender.state)))
    };
    if client.disabled {
        return to_client(Error::ClientDisabled);
    }
    let request = match request {
        Ok(request) => request,
        Err(error) => return to_client(error),
    };
    let mut targets: Vec<AnyLoginConnection> = match found {
        Some(target) => vec![target],
        None => find_targets(&mut conn, client.environment_id, &request.selector).await?,
    };
    drop(conn);
    // What is switched off is no choice; alone, it tells why nobody is let in.
    let is_enabled = |target: &AnyLoginConnection| {
        let organization = target.organization();
        !target.is_disabled() && !organization.is_disabled() && !organization.template
    };
    if targets.iter().any(is_enabled) {
        targets.retain(is_enabled);
    }
    let target = match (targets.pop(), targets.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            targets.push(last);
            return Ok(choose(&targets, &parameters));
        }
        (None, _) => return to_client(no_connection(&request.selector)),
    };

    let oauth = OauthRequest {
        client_id: sender.client_id,
        redirect_uri_sent: sender.redirect_uri.is_some(),
        redirect_uri,
        nonce: request.nonce,
        code_challenge: request.code_challenge.map(|challenge| challenge.as_str().to_owned()),
        scope: Some(request.scope),
    };
    let now = state.now();
    let id = LoginFlowId::new(now, &*state.random);
    let flow = login::new_flow_of(
        &target,
        FlowOrigin::Oauth,
        request.state,
        Some(oauth),
        request.force_authn,
        id,
        now,
    );
    Ok(match login::begin_or_refuse_through(state, &target, flow, browser, host).await? {
        BeginOutcome::Begun(begun) => Outcome::Begun(begun),
        BeginOutcome::Refused(refused) => Outcome::Refused(refused),
    })
}

/// The connection that a selector names by an id. An id that may be an alias names none.
fn named(selector: &Selector) -> Option<Named<'_>> {
    match selector {
        Selector::Connection(id) => id.saml().map(Named::Connection),
        Selector::Organization(text) => {
            let reference =
                OrganizationRef::parse(text).ok().filter(|reference| reference.alias().is_none())?;
            reference.id().map(Named::Organization)
        }
        Selector::OrganizationExternalId(id) => Some(Named::OrganizationExternalId(id)),
        Selector::Domain(_) | Selector::Email(_) => None,
    }
}

/// The connections that a selector matches, in the client's environment only.
async fn find_targets(
    conn: &mut Conn,
    environment: EnvironmentId,
    selector: &Selector,
) -> Result<Vec<AnyLoginConnection>> {
    let one = match selector {
        Selector::Connection(id) => {
            any_login_connections::find_in_environment(conn, environment, *id).await?
        }
        Selector::Organization(text) => match organization(conn, environment, text).await? {
            Some(id) => any_login_connections::find_primary(conn, environment, id).await?,
            None => None,
        },
        Selector::OrganizationExternalId(id) => {
            any_login_connections::find_primary_by_external_id(conn, environment, id).await?
        }
        Selector::Domain(_) | Selector::Email(_) => {
            let Some(domain) = routing_domain(selector) else { return Ok(Vec::new()) };
            return Ok(any_login_connections::list_primary_by_domain(
                conn,
                environment,
                &domain,
                MAX_CHOICES,
            )
            .await?);
        }
    };
    Ok(one.into_iter().collect())
}

/// The organization that the app named, by its id or its alias.
async fn organization(
    conn: &mut Conn,
    environment: EnvironmentId,
    text: &str,
) -> Result<Option<OrganizationId>> {
    match OrganizationRef::parse(text) {
        Ok(reference) => Ok(organizations::resolve(conn, environment, &reference).await?),
        Err(_) => Ok(None),
    }
}

/// The domain to route by; `None` if the hint contains none.
fn routing_domain(selector: &Selector) -> Option<Domain> {
    match selector {
        Selector::Domain(text) => Domain::parse(text.trim()).ok(),
        Selector::Email(text) => Email::parse(text.trim()).map(|email| email.domain().clone()),
        _ => None,
    }
}

fn no_connection(selector: &Selector) -> Error {
    if let Selector::Organization(text) = selector
        && let Err(why) = text.parse::<OrganizationId>()
    {
        return Error::Malformed { name: selector.parameter(), reason: format!("is malformed: {why}") };
    }
    let reason = match selector {
        Selector::Connection(_) => "SAML connection not found",
        Selector::Organization(_) | Selector::OrganizationExternalId(_) => {
            "organization not found, or organization does not have a primary SAML connection"
        }
        Selector::Domain(_) | Selector::Email(_) if routing_domain(selector).is_none() => {
            "must be a domain or an e-mail address"
        }
        Selector::Domain(_) | Selector::Email(_) => {
            "no organization with a primary SAML connection has this domain"
        }
    };
    Error::NoConnection { name: selector.parameter(), reason }
}

fn choose(targets: &[AnyLoginConnection], parameters: &Parameters) -> Outcome {
    let name = |target: &AnyLoginConnection| {
        let organization = target.organization();
        match organization.display_name.is_empty() {
            true => organization.external_id.clone().unwrap_or_else(|| organization.id.to_string()),
            false => organization.display_name.clone(),
        }
    };
    Outcome::Choose {
        application: targets
            .first()
            .map(|target| target.environment().display_name.clone())
            .unwrap_or_default(),
        choices: targets
            .iter()
            .map(|target| Choice { name: name(target), organization: target.organization().id })
            .collect(),
        parameters: authorize::forwarded_parameters(parameters),
    }
}
