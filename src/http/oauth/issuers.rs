//! The endpoints of the environments' issuers, each under its workspace (SecureAuth's paths) or environment (WSO2's).

use actix_web::{
    Error as ActixError, FromRequest, HttpMessage as _, HttpRequest, HttpResponse,
    dev::Payload,
    guard,
    http::{StatusCode, header},
    web,
};
use model::{client_address::ClientAddress, slug::RESERVED_SLUGS};
use oauth::{
    Error,
    issuer_metadata::{IssuerEndpoints, IssuerMetadata},
};
use serde_json::json;

use super::{DISCOVERY_MAX_AGE, REALM, authorization, body::form, cacheable};
use crate::{
    app::{
        self, State,
        authorization_server::{
            access_token_keys,
            issuer_token::{self, IssuerRequest},
            issuers::{self, Issuer, IssuerKind},
            scopes::SYSTEM_SCOPES,
            signing_keys::JWKS_MAX_AGE,
        },
    },
    http::api_error::ApiError,
    links::path,
    web::kit::routing::Routes,
};

/// Registers WSO2's forms, whose first segments are reserved.
pub fn configure(routes: &mut Routes<'_>) {
    for address in path::TENANT_DISCOVERIES {
        routes.resource(address, |resource| resource.get(discovery));
    }
    for address in path::TENANT_JWKS {
        routes.resource(address, |resource| resource.get(jwks));
    }
    for address in [path::DEFAULT_TENANT_TOKEN, path::TENANT_TOKEN] {
        routes.resource(address, |resource| resource.post(token));
    }
    for address in path::TENANT_INTROSPECTS {
        routes.resource(address, |resource| resource.post(introspect));
    }
    for address in path::TENANT_REVOKES {
        routes.resource(address, |resource| resource.post(revoke));
    }
}

/// Registers the workspaces. Their first segment is an environment, so they come after every other route.
pub fn configure_workspaces(routes: &mut Routes<'_>) {
    routes
        .resource(path::WORKSPACE_SERVER_METADATA, |resource| resource.get(discovery))
        .resource(path::WORKSPACE_DISCOVERY, |resource| resource.guard(is_environment()).get(discovery))
        .resource(path::WORKSPACE_JWKS, |resource| resource.guard(is_environment()).get(jwks))
        .resource(path::WORKSPACE_TOKEN, |resource| resource.guard(is_environment()).post(token))
        .resource(path::WORKSPACE_INTROSPECT, |resource| resource.guard(is_environment()).post(introspect))
        .resource(path::WORKSPACE_REVOKE, |resource| resource.guard(is_environment()).post(revoke));
}

/// Whether the first segment of the path can be an environment: none of the words of other routes.
fn is_environment() -> impl guard::Guard {
    guard::fn_guard(|context| {
        let first = context.head().uri.path().trim_start_matches('/').split('/').next();
        !first.is_some_and(|first| RESERVED_SLUGS.contains(&first))
    })
}

/// The issuer that the path names.
struct Called(Issuer);

impl FromRequest for Called {
    type Error = ActixError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, ActixError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(find(&request).await.map_err(ApiError::oauth)?)) })
    }
}

async fn find(request: &HttpRequest) -> app::Result<Issuer> {
    let state = request
        .app_data::<web::Data<State>>()
        .ok_or_else(|| app::Error::internal("the server was built without its state"))?;
    let mut conn = state.db.read().await?;
    let segment = |name| request.match_info().get(name);
    match (segment("tenant"), segment("workspace")) {
        (None, _) => {
            let tenant = issuers::default_tenant(state, &mut conn).await?;
            Ok(Issuer { tenant, kind: IssuerKind::DefaultTenant })
        }
        (Some(tenant), None) => {
            let tenant = issuers::find_tenant(&mut conn, tenant).await?;
            Ok(Issuer { tenant, kind: IssuerKind::Tenant })
        }
        (Some(tenant), Some(workspace)) => {
            let tenant = issuers::find_tenant(&mut conn, tenant).await?;
            issuers::find_workspace(&mut conn, tenant, workspace).await
        }
    }
}

/// The issuer's metadata (RFC 8414 §3, OpenID Connect Discovery 1.0 §4): the canonical URLs, whichever form was called.
async fn discovery(state: web::Data<State>, issuer: Called) -> HttpResponse {
    let links = &state.links;
    let issuer = &issuer.0;
    let tenant = issuer.tenant.name.as_str();
    let at = |endpoint: &str| match &issuer.kind {
        IssuerKind::DefaultTenant => links.default_tenant_endpoint(endpoint),
        IssuerKind::Tenant => links.tenant_endpoint(tenant, endpoint),
        IssuerKind::System | IssuerKind::Organization(_) => {
            links.workspace_endpoint(tenant, &issuer.workspace(), endpoint)
        }
    };
    let is_workspace = matches!(issuer.kind, IssuerKind::System | IssuerKind::Organization(_));
    let endpoints = IssuerEndpoints {
        issuer: issuer.url(links),
        token_endpoint: at("oauth2/token"),
        jwks_uri: at(if is_workspace { ".well-known/jwks.json" } else { "oauth2/jwks" }),
        introspection_endpoint: at("oauth2/introspect"),
        revocation_endpoint: at("oauth2/revoke"),
    };
    let scopes = if issuer.kind == IssuerKind::System { &SYSTEM_SCOPES[..] } else { &[] };
    cacheable(DISCOVERY_MAX_AGE).json(IssuerMetadata::new(&endpoints, scopes))
}

/// The environment's public keys (RFC 7517 §5), readable from any origin.
async fn jwks(state: web::Data<State>, issuer: Called) -> Result<HttpResponse, ApiError> {
    let keys = access_token_keys::published(&state, issuer.0.tenant.environment_id).await;
    Ok(cacheable(JWKS_MAX_AGE.as_secs()).json(keys.map_err(ApiError::oauth)?))
}

/// The token endpoint (RFC 6749 §3.2).
async fn token(
    state: web::Data<State>,
    issuer: Called,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, ApiError> {
    let outcome = match read(&issuer.0, &request, &body) {
        Ok(read) => issuer_token::exchange(&state, read).await,
        Err(error) => Ok(Err(error)),
    };
    respond(&request, outcome.map_err(ApiError::oauth)?.map(|tokens| no_store(&json!(tokens))))
}

/// Introspection (RFC 7662).
async fn introspect(
    state: web::Data<State>,
    issuer: Called,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, ApiError> {
    let outcome = match read(&issuer.0, &request, &body) {
        Ok(read) => issuer_token::introspect(&state, read).await,
        Err(error) => Ok(Err(error)),
    };
    respond(&request, outcome.map_err(ApiError::oauth)?.map(|told| no_store(&json!(told))))
}

/// Revocation (RFC 7009).
async fn revoke(
    state: web::Data<State>,
    issuer: Called,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, ApiError> {
    let outcome = match read(&issuer.0, &request, &body) {
        Ok(read) => issuer_token::revoke(&state, read).await,
        Err(error) => Ok(Err(error)),
    };
    let done = || HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).finish();
    respond(&request, outcome.map_err(ApiError::oauth)?.map(|()| done()))
}

fn read<'a>(
    issuer: &'a Issuer,
    request: &'a HttpRequest,
    body: &'a [u8],
) -> Result<IssuerRequest<'a>, Error> {
    let address = request.extensions().get::<ClientAddress>().map(|client| client.0);
    Ok(IssuerRequest { issuer, address, authorization: authorization(request)?, form: form(request, body)? })
}

/// A response that is not to be kept (RFC 6749 §5.1).
fn no_store(body: &serde_json::Value) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::PRAGMA, "no-cache"))
        .json(body)
}

/// The response, or the error (RFC 6749 §5.2) with SecureAuth's additions.
fn respond(request: &HttpRequest, outcome: Result<HttpResponse, Error>) -> Result<HttpResponse, ApiError> {
    let error = match outcome {
        Ok(response) => return Ok(response),
        Err(error) => error,
    };
    let status = match error.is_client_authentication() {
        true => StatusCode::UNAUTHORIZED,
        false => StatusCode::BAD_REQUEST,
    };
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CACHE_CONTROL, "no-store")).insert_header((header::PRAGMA, "no-cache"));
    // RFC 6749 §5.2: a client that used the Authorization header gets a challenge.
    if error.is_client_authentication() && request.headers().contains_key(header::AUTHORIZATION) {
        response
            .insert_header((header::WWW_AUTHENTICATE, format!("Basic realm=\"{REALM}\", charset=\"UTF-8\"")));
    }
    Ok(response.json(json!({
        "error": error.code(),
        "error_description": error.description(),
        "error_hint": "",
        "cause": "",
        "details": {},
        "status_code": status.as_u16(),
    })))
}
