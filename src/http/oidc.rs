//! The OpenID Connect endpoints for browsers, where we are the relying party of a customer's provider: login initiation, and the
//! redirect URI.

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use base::id::OidcConnectionId;
use model::{client_address::ClientAddress, oidc_connection::OidcConnection};
use oauth::relying_party::authorization::AuthorizationResponse;

use super::{api_error::ApiError, login_error::refusal_response};
use crate::{
    app::{
        Error, State,
        login::{
            self, BeginOutcome, Sender,
            oidc::{self, CallbackOutcome},
        },
    },
    links::path,
    web::{
        kit::routing::Routes,
        login::{
            browser_cookie::browser,
            idp_redirect::{see_other, send_to_idp},
        },
    },
};

/// Registers the routes.
pub fn configure(routes: &mut Routes<'_>) {
    routes
        .resource(path::OIDC_INIT, |resource| resource.get(init))
        .resource(path::OIDC_CALLBACK, |resource| resource.get(callback));
}

/// `GET /v1/oidc/{connection}/init?state=…`: the link that an app sends a browser to.
async fn init(
    state: web::Data<State>,
    connection: web::Path<String>,
    query: web::Query<Vec<(String, String)>>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let connection = parse_connection(&connection, &request)?;
    let mut states = query.iter().filter(|(name, _)| name == "state").map(|(_, value)| value.as_str());
    let link_state = states.next().filter(|_| states.next().is_none()).unwrap_or_default();
    let browser = browser(&state.links, &request);
    let begun = login::begin_from_link::<OidcConnection>(&state, connection, link_state, browser).await;
    Ok(match begun.map_err(|error| ApiError::page(error, &request))? {
        BeginOutcome::Begun(begun) => send_to_idp(&state, begun),
        BeginOutcome::Refused(refused) => refusal_response(&state, &refused, &request),
    })
}

/// `GET /v1/oidc/{connection}/callback`: the redirect URI (OpenID Connect Core 1.0 §3.1.2.5).
async fn callback(
    state: web::Data<State>,
    connection: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let connection = parse_connection(&connection, &request)?;
    let problem = |error| ApiError::page(error, &request);
    let sender = sender(&state, &request);
    login::check_rate_limit(&state, connection.into(), &sender).await.map_err(problem)?;
    let response = AuthorizationResponse::parse(request.query_string());
    let outcome = oidc::receive(&state, connection, &response, sender.browser.as_ref()).await;
    let is_failure = match &outcome {
        Ok(CallbackOutcome::Refused(_)) | Err(Error::NotFound { .. }) => true,
        Ok(CallbackOutcome::Accepted { .. }) | Err(_) => false,
    };
    if is_failure {
        login::count_failure(&state, connection.into(), &sender).await.map_err(problem)?;
    }
    let mut answer = match outcome.map_err(problem)? {
        CallbackOutcome::Accepted { location } => see_other(&location),
        CallbackOutcome::Refused(refused) => refusal_response(&state, &refused, &request),
    };
    // The address has the code in it: it is not told to others (RFC 9700 §4.2.4).
    if answer.status() != StatusCode::SEE_OTHER {
        answer.headers_mut().insert(header::REFERRER_POLICY, header::HeaderValue::from_static("no-referrer"));
    }
    Ok(answer)
}

/// Who brings the answer.
fn sender(state: &State, request: &HttpRequest) -> Sender {
    let client = request.extensions().get::<ClientAddress>().copied();
    Sender {
        client: client.unwrap_or(ClientAddress([0, 0, 0, 0].into())),
        browser: browser(&state.links, request),
        origin: None,
    }
}

/// The connection id in the path; `NotFound` if it is malformed.
fn parse_connection(text: &str, request: &HttpRequest) -> Result<OidcConnectionId, ApiError> {
    text.parse().map_err(|_| ApiError::page(Error::not_found("OIDC connection", "(no such id)"), request))
}
