//! The endpoints of the environments' issuers, each under its workspace (SecureAuth's paths) or environment (WSO2's).

use std::fmt;

use actix_web::{
    Error as ActixError, FromRequest, HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder,
    ResponseError,
    dev::Payload,
    http::{Method, StatusCode, header},
    web,
};
use base::id::ApplicationId;
use model::client_address::ClientAddress;
use oauth::{
    Error,
    issuer_metadata::{IssuerEndpoints, IssuerMetadata, SignInEndpoints},
};

use super::{
    DISCOVERY_MAX_AGE, authorization,
    body::{error_response, error_status, form, issuer_error_body},
    cacheable,
};
use crate::{
    app::{
        self, State,
        authorization_server::{
            access_token_keys, issuer_clients,
            issuer_token::{self, IssuerRequest},
            issuers::{self, Issuer, IssuerKind},
            organization_switch::find_organization,
            scopes::SYSTEM_SCOPES,
            signing_keys::JWKS_MAX_AGE,
        },
    },
    links::path,
    web::kit::{
        error,
        routing::{Routes, is_environment},
    },
};

/// Registers WSO2's forms, whose first segments are reserved.
pub fn configure(routes: &mut Routes<'_>) {
    for address in path::TENANT_DISCOVERIES {
        routes.resource(address, |resource| resource.get(discovery));
    }
    for address in path::TENANT_JWKS {
        routes.resource(address, |resource| resource.get(jwks));
    }
    for address in
        [path::DEFAULT_TENANT_TOKEN, path::TENANT_TOKEN].into_iter().chain(path::TENANT_ORGANIZATION_TOKENS)
    {
        routes.resource(address, |resource| {
            resource.post(token).route(web::method(Method::OPTIONS).to(preflight))
        });
    }
    for address in path::TENANT_INTROSPECTS {
        routes.resource(address, |resource| resource.post(introspect));
    }
    for address in path::TENANT_REVOKES {
        routes.resource(address, |resource| {
            resource.post(revoke).route(web::method(Method::OPTIONS).to(preflight))
        });
    }
}

/// Registers the workspaces. Their first segment is an environment, so they come after every other route.
pub fn configure_workspaces(routes: &mut Routes<'_>) {
    routes
        .resource(path::WORKSPACE_SERVER_METADATA, |resource| resource.get(discovery))
        .resource(path::WORKSPACE_DISCOVERY, |resource| resource.guard(is_environment()).get(discovery))
        .resource(path::WORKSPACE_JWKS, |resource| resource.guard(is_environment()).get(jwks))
        .resource(path::WORKSPACE_TOKEN, |resource| {
            resource.guard(is_environment()).post(token).route(web::method(Method::OPTIONS).to(preflight))
        })
        .resource(path::WORKSPACE_INTROSPECT, |resource| resource.guard(is_environment()).post(introspect))
        .resource(path::WORKSPACE_REVOKE, |resource| {
            resource.guard(is_environment()).post(revoke).route(web::method(Method::OPTIONS).to(preflight))
        });
}

/// The issuer that the path names.
struct Called(Issuer);

impl FromRequest for Called {
    type Error = ActixError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, ActixError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(find(&request).await.map_err(IssuerError)?)) })
    }
}

pub(in crate::http) async fn find(request: &HttpRequest) -> app::Result<Issuer> {
    let state = request
        .app_data::<web::Data<State>>()
        .ok_or_else(|| app::Error::internal("the server was built without its state"))?;
    let mut conn = state.db.read().await?;
    let segment = |name| request.match_info().get(name);
    if let Some(organization) = segment("organization") {
        let tenant = match segment("tenant") {
            Some(tenant) => issuers::find_tenant(&mut conn, tenant).await?,
            None => issuers::default_tenant(state, &mut conn).await?,
        };
        let is_default = issuers::is_default(state, &mut conn, &tenant).await?;
        let found = find_organization(&mut conn, &tenant, is_default, organization).await?;
        let id = found.ok_or_else(|| app::Error::not_found("workspace", "the segment after o"))?;
        return issuers::of_organization(&mut conn, tenant.environment_id, id).await;
    }
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
    let metadata = IssuerMetadata::new(&endpoints, scopes);
    let sign_in = SignInEndpoints {
        authorization_endpoint: at("oauth2/authorize"),
        userinfo_endpoint: at(if is_workspace { "userinfo" } else { "oauth2/userinfo" }),
        end_session_endpoint: at("oidc/logout"),
    };
    cacheable(DISCOVERY_MAX_AGE).json(match &issuer.kind {
        IssuerKind::Organization(_) => metadata.with_sign_in(&sign_in),
        IssuerKind::DefaultTenant | IssuerKind::Tenant => metadata.with_sign_in(&sign_in).with_switch(),
        IssuerKind::System => metadata,
    })
}

/// The environment's public keys (RFC 7517 §5), readable from any origin.
async fn jwks(state: web::Data<State>, issuer: Called) -> Result<HttpResponse, IssuerError> {
    let keys = access_token_keys::published(&state, issuer.0.tenant.environment_id).await;
    Ok(cacheable(JWKS_MAX_AGE.as_secs()).json(keys.map_err(IssuerError)?))
}

/// The token endpoint (RFC 6749 §3.2).
async fn token(call: FormCall) -> Result<HttpResponse, IssuerError> {
    call.share(call.answer(issuer_token::exchange, |tokens| no_store().json(tokens)).await).await
}

/// Introspection (RFC 7662).
async fn introspect(call: FormCall) -> Result<HttpResponse, IssuerError> {
    call.answer(issuer_token::introspect, |told| no_store().json(told)).await
}

/// Revocation (RFC 7009).
async fn revoke(call: FormCall) -> Result<HttpResponse, IssuerError> {
    call.share(call.answer(issuer_token::revoke, |()| no_store().finish()).await).await
}

/// What browsers ask before a script's request with headers of its own (Fetch §3.2). Any script may send a form; which one may
/// read the answer, that says.
async fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "POST"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "3600"))
        .finish()
}

/// Lets the scripts of a public client's own origins read what the client gets. No cookie counts at these endpoints.
pub(in crate::http) async fn allow_own_origins(
    state: &State,
    issuer: &Issuer,
    request: &HttpRequest,
    client: Option<ApplicationId>,
    response: &mut HttpResponse,
) -> app::Result<()> {
    response.headers_mut().insert(header::VARY, header::HeaderValue::from_static("origin"));
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    let (Some(client), Ok(text)) = (client, origin.to_str()) else { return Ok(()) };
    if issuer_clients::allows_origin(state, issuer, client, text).await? {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    Ok(())
}

/// A form that was posted to an endpoint of an issuer.
struct FormCall {
    state: web::Data<State>,
    issuer: Issuer,
    request: HttpRequest,
    body: web::Bytes,
}

impl FromRequest for FormCall {
    type Error = ActixError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, ActixError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let state = web::Data::<State>::extract(&request).await?;
            let Called(issuer) = Called::extract(&request).await?;
            let body = web::Bytes::from_request(&request, &mut payload).await?;
            Ok(Self { state, issuer, request, body })
        })
    }
}

impl FormCall {
    /// Answers with what the use case returns, or with its error (RFC 6749 §5.2).
    async fn answer<T>(
        &self,
        use_case: impl for<'a> AsyncFnOnce(&'a State, IssuerRequest<'a>) -> app::Result<Result<T, Error>>,
        response: impl FnOnce(T) -> HttpResponse,
    ) -> Result<HttpResponse, IssuerError> {
        let outcome = match self.read() {
            Ok(read) => use_case(&self.state, read).await.map_err(IssuerError)?,
            Err(error) => Err(error),
        };
        Ok(outcome.map_or_else(|error| refusal(&self.request, &error), response))
    }

    /// Lets the scripts of a public client's own origins read the response, errors too.
    async fn share(&self, answer: Result<HttpResponse, IssuerError>) -> Result<HttpResponse, IssuerError> {
        let mut response = answer.unwrap_or_else(|error| error.error_response());
        let client = form(&self.request, &self.body).ok().and_then(issuer_clients::named);
        let shared = allow_own_origins(&self.state, &self.issuer, &self.request, client, &mut response).await;
        shared.map(|()| response).map_err(IssuerError)
    }

    fn read(&self) -> Result<IssuerRequest<'_>, Error> {
        Ok(IssuerRequest {
            issuer: &self.issuer,
            address: self.request.extensions().get::<ClientAddress>().map(|client| client.0),
            authorization: authorization(&self.request)?,
            form: form(&self.request, &self.body)?,
        })
    }
}

/// A good response that is not to be kept (RFC 6749 §5.1).
fn no_store() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store")).insert_header((header::PRAGMA, "no-cache"));
    response
}

/// An error (RFC 6749 §5.2) with SecureAuth's additions.
fn refusal(request: &HttpRequest, error: &Error) -> HttpResponse {
    error_response(request, error).json(issuer_error_body(
        error.code(),
        &error.description(),
        error_status(error),
    ))
}

/// An error of a use case at an issuer: there is no such issuer, a limit, a failure.
#[derive(Debug)]
struct IssuerError(app::Error);

impl fmt::Display for IssuerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for IssuerError {
    fn status_code(&self) -> StatusCode {
        error::status(&self.0)
    }

    fn error_response(&self) -> HttpResponse {
        error::log_internal_error(&self.0);
        let code = match &self.0 {
            app::Error::Internal(_) => "server_error",
            app::Error::Limited { .. } | app::Error::Unavailable { .. } => "temporarily_unavailable",
            _ => "invalid_request",
        };
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(retry_after) = self.0.retry_after() {
            response.insert_header((header::RETRY_AFTER, retry_after.as_secs().max(1)));
        }
        response.json(issuer_error_body(code, &self.0.to_string(), self.status_code()))
    }
}
