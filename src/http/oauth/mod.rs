//! The endpoints of the OpenID provider. The authorization endpoint is in `authorize`.

mod authorize;
pub(in crate::http) mod body;
pub mod issuer_description;
pub mod issuers;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{Method, StatusCode, header},
    web,
};
use body::{REALM, error_body, error_response, form};
use oauth::{
    Error,
    parameters::Parameters,
    provider_metadata::{Endpoints, ProviderMetadata},
};

use super::api_error::ApiError;
use crate::{
    app::{
        State,
        authorization_server::{signing_keys, token, userinfo},
        keys::KeyOwner,
    },
    links::path,
    web::kit::routing::Routes,
};

/// How long the metadata may be cached, in seconds.
const DISCOVERY_MAX_AGE: u64 = 3600;

/// Registers the routes.
pub fn configure(routes: &mut Routes<'_>) {
    for address in [path::OAUTH_DISCOVERY, path::OAUTH_SERVER_METADATA] {
        routes.resource(address, |resource| resource.get(discovery));
    }
    routes
        .resource(path::OAUTH_AUTHORIZE, |resource| resource.get(authorize::get).post(authorize::post))
        .resource(path::OAUTH_JWKS, |resource| resource.get(jwks))
        .resource(path::OAUTH_TOKEN, |resource| resource.post(exchange))
        .resource(path::OAUTH_USERINFO, |resource| {
            resource.get(userinfo).post(userinfo).route(web::method(Method::OPTIONS).to(preflight))
        });
}

/// The provider's metadata (OpenID Connect Discovery 1.0 §4, RFC 8414 §3), readable from any origin.
async fn discovery(state: web::Data<State>) -> HttpResponse {
    let links = &state.links;
    let endpoints = Endpoints {
        issuer: links.oauth_issuer(),
        authorization_endpoint: links.oauth_authorize().into(),
        token_endpoint: links.oauth_token().into(),
        userinfo_endpoint: links.oauth_userinfo().into(),
        jwks_uri: links.oauth_jwks().into(),
    };
    cacheable(DISCOVERY_MAX_AGE).json(ProviderMetadata::new(&endpoints))
}

/// The public keys (RFC 7517 §5), readable from any origin.
async fn jwks(state: web::Data<State>) -> Result<HttpResponse, ApiError> {
    let keys = signing_keys::published(&state, KeyOwner::Installation).await.map_err(ApiError::oauth)?;
    Ok(cacheable(signing_keys::JWKS_MAX_AGE.as_secs()).json(keys))
}

fn cacheable(max_age: u64) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, format!("public, max-age={max_age}")))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    response
}

/// The token endpoint (RFC 6749 §3.2). Without CORS: it requires the client's secret.
async fn exchange(
    state: web::Data<State>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, ApiError> {
    let outcome = match (form(&request, &body), authorization(&request)) {
        (Err(error), _) | (_, Err(error)) => Ok(Err(error)),
        (Ok(form), Ok(authorization)) => token::exchange(&state, authorization, form).await,
    };
    Ok(match outcome.map_err(ApiError::oauth)? {
        Ok(tokens) => HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::PRAGMA, "no-cache"))
            .json(tokens),
        Err(error) => error_response(&request, &error).json(error_body(&error)),
    })
}

/// The userinfo endpoint (OpenID Connect Core §5.3), by GET and POST.
async fn userinfo(
    state: web::Data<State>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, ApiError> {
    let form = if body.is_empty() { Ok("") } else { form(&request, &body) };
    let parameters = form.and_then(Parameters::parse);
    let credentials = parameters
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|parameters| Ok((authorization(&request)?, parameters.get("access_token")?)));
    let outcome = match credentials {
        Ok((authorization, token)) => userinfo::userinfo(&state, authorization, token).await,
        Err(error) => Ok(Err(error)),
    };
    let mut response = match outcome.map_err(ApiError::oauth)? {
        Ok(login) => HttpResponse::Ok().json(userinfo::user_claims(&login)),
        Err(error) => challenge(&error),
    };
    allow_any_origin(&mut response);
    Ok(response)
}

/// The challenge for a missing or invalid bearer token (RFC 6750 §3).
pub(in crate::http) fn challenge(error: &Error) -> HttpResponse {
    let code = error.code();
    let challenge = match error {
        // §3.1: without a token there is no error code.
        Error::NoBearerToken => format!("Bearer realm=\"{REALM}\""),
        _ => format!(
            "Bearer realm=\"{REALM}\", error=\"{code}\", error_description=\"{}\"",
            error.description()
        ),
    };
    let status = match error {
        Error::NoBearerToken | Error::InvalidToken => StatusCode::UNAUTHORIZED,
        Error::InsufficientScope(_) => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    HttpResponse::build(status).insert_header((header::WWW_AUTHENTICATE, challenge)).json(error_body(error))
}

/// The CORS preflight of userinfo (Fetch §3.2).
pub(in crate::http) async fn preflight() -> HttpResponse {
    let mut response = HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "3600"))
        .finish();
    allow_any_origin(&mut response);
    response
}

/// Allows any origin: these routes use no cookies, only tokens that the page already has.
pub(in crate::http) fn allow_any_origin(response: &mut HttpResponse) {
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header::HeaderValue::from_static("*"));
}

/// The `Authorization` header; an error if there is more than one.
pub(in crate::http) fn authorization(request: &HttpRequest) -> Result<Option<&str>, Error> {
    let malformed =
        |reason: &str| Error::Malformed { name: "the Authorization header", reason: reason.to_owned() };
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let first = values.next();
    if values.next().is_some() {
        return Err(malformed("was sent more than once"));
    }
    first.map(|value| value.to_str().map_err(|_| malformed("is not ASCII"))).transpose()
}
