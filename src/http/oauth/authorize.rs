//! The authorization endpoint (RFC 6749 §3.1), by GET or by POST of the same parameters.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use oauth::Error;

use crate::{
    app::{
        State,
        authorization_server::authorize::{self, Outcome},
    },
    http::{api_error::ApiError, login_error},
    links::path,
    web::{
        kit::{
            message::Message,
            request::host,
            response::{PagePolicy, page},
        },
        login::{
            browser_cookie::browser,
            idp_redirect::{banner, send_to_idp},
            organization_chooser::{OrganizationChoice, OrganizationChooser},
        },
    },
};

/// `GET /v1/oauth/authorize`.
pub(super) async fn get(state: web::Data<State>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    begin(&state, &request, request.query_string()).await
}

/// `POST /v1/oauth/authorize` (OpenID Connect Core §3.1.2.1).
pub(super) async fn post(
    state: web::Data<State>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, ApiError> {
    match super::body::form(&request, &body) {
        Ok(form) => begin(&state, &request, form).await,
        Err(error) => Ok(error_response(&error, &request)),
    }
}

async fn begin(state: &State, request: &HttpRequest, query: &str) -> Result<HttpResponse, ApiError> {
    let outcome = authorize::authorize(state, query, browser(&state.links, request), host(request)).await;
    Ok(match outcome.map_err(|error| ApiError::page(error, request))? {
        Outcome::Begun(begun) => send_to_idp(state, begun),
        Outcome::Choose { application, choices, parameters } => {
            choose_organization(state, &application, &choices, &parameters)
        }
        Outcome::ToClient(location) => HttpResponse::SeeOther()
            .insert_header((header::LOCATION, location))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::REFERRER_POLICY, "no-referrer"))
            .finish(),
        Outcome::Refused(refused) => login_error::refusal_response(state, &refused, request),
        Outcome::Page(error) => error_response(&error, request),
    })
}

/// A page to choose the organization; each button posts the same request with one of them.
fn choose_organization(
    state: &State,
    application: &str,
    choices: &[authorize::Choice],
    parameters: &[(&'static str, String)],
) -> HttpResponse {
    let ids: Vec<String> = choices.iter().map(|choice| choice.organization.to_string()).collect();
    let choices: Vec<OrganizationChoice<'_>> = choices
        .iter()
        .zip(&ids)
        .map(|(choice, value)| OrganizationChoice { name: &choice.name, value })
        .collect();
    let fields: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let view = OrganizationChooser {
        application: Some(application),
        choices: &choices,
        action: path::OAUTH_AUTHORIZE,
        fields: &fields,
        field: authorize::ORGANIZATION_PARAMETER,
        banner: banner(state),
    };
    page(StatusCode::OK, PagePolicy::AnyFormTarget, view.view())
}

/// An error that must not be sent to a redirect URI (RFC 6749 §4.1.2.1): a page for the app's developer that shows
/// what was sent and what is registered, or JSON for clients that ask for it.
fn error_response(error: &Error, request: &HttpRequest) -> HttpResponse {
    if login_error::wants_json(request) {
        return HttpResponse::BadRequest()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(super::body::error_body(error));
    }
    let happened = error.description();
    let view = Message { reason: Some(error.code()), ..Message::bad_request(&happened) };
    page(StatusCode::BAD_REQUEST, PagePolicy::SameOriginForms, view.view())
}
