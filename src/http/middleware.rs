//! The middleware of every request. Before the handler: normalises the path, assigns the request id and the client
//! address, limits time and body, checks the rate limit. After it: counts failures, adds an error body where there is
//! none, adds security headers, writes the access log and the metrics.

use std::{
    any::Any,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use actix_web::{
    Error, HttpMessage as _, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        ConnectionType, Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
};
use base::{random::Random, time::Clock};
use ipnet::IpNet;
use model::client_address::ClientAddress;
use tracing::Instrument as _;

use super::{
    api_error::ApiError, body, branded_error, client_address, connection::ConnectionState, fallback,
    health::Stopping, normalize, refusals, route_limits, shares::ShareStates,
};
use crate::{
    app::{
        self, for_client,
        limits::{
            body_allowance::{BodyAllowance, BodyError},
            rate_limiter::{RateLimitKey, RateLimiter},
            request_memory::RequestMemory,
        },
    },
    links::console,
    telemetry,
    web::{
        console::kit::error::ExtractError,
        kit::{
            error::{self, Area, PageError},
            routing::{ErrorFormat, MatchedRoute, RouteTable, Surface},
        },
    },
};

/// How long a request may take, including the arrival of its body.
pub const MAX_REQUEST_TIME: Duration = Duration::from_secs(30);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request in logs and on error pages.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

/// The settings and state of the middleware.
pub struct MiddlewareState {
    /// Proxies whose `X-Forwarded-For` and `X-Request-Id` are accepted.
    pub trusted_proxies: Vec<IpNet>,
    /// The rate limits, or `None` when they are off.
    pub limits: Option<RateLimiter>,
    /// The memory that requests share.
    pub memory: Arc<RequestMemory>,
    /// The clock for the limits.
    pub clock: Arc<dyn Clock>,
    /// The source of request ids.
    pub random: Arc<dyn Random>,
    /// Whether the public URL is https: then responses have `Strict-Transport-Security`.
    pub https: bool,
    /// Whether the server is about to stop: then connections are closed after their response.
    pub stopping: Stopping,
    /// How long a request may take, including the arrival of its body.
    pub max_request_time: Duration,
}

impl MiddlewareState {
    /// The request's id. One from a trusted proxy is kept, so that its log and ours can be correlated.
    fn request_id(&self, request: &ServiceRequest, peer_is_trusted: bool) -> Arc<str> {
        let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
        match given {
            Some(id)
                if peer_is_trusted
                    && (1..=64).contains(&id.len())
                    && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) =>
            {
                id.into()
            }
            _ => format!("{:032x}", self.random.bits()).into(),
        }
    }

    /// The rate-limit entry of the request, if failures count on this route.
    fn caller(&self, request: &ServiceRequest, route: &str, client: ClientAddress) -> Option<RateLimitKey> {
        let limits = self.limits.as_ref()?;
        let rate_limit = route_limits::rate_limit(request.method(), route)?;
        Some(limits.key(rate_limit, client.network(), &route_limits::limit_key(route, request.path())))
    }
}

/// Handles one request from its arrival to its response.
pub async fn handle(
    middleware: Arc<MiddlewareState>,
    table: Rc<RouteTable>,
    shares: Rc<ShareStates>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let _in_flight = telemetry::RequestInFlight::begin();
    normalize::normalize(&mut request);
    let connection = request.request().conn_data::<Rc<ConnectionState>>().cloned();
    if let Some(connection) = &connection {
        connection.request_started();
    }
    let peer = request.peer_addr().map_or([0, 0, 0, 0].into(), |address| address.ip().to_canonical());
    let peer_is_trusted = middleware.trusted_proxies.iter().any(|network| network.contains(&peer));
    let client = client_address::client_address(peer, request.headers(), &middleware.trusted_proxies);
    let id = middleware.request_id(&request, peer_is_trusted);
    let method = method_name(request.method());
    let route = table.find(&request);
    shares.assign(&mut request, &route);
    let format = route.surface.error_format(request.headers());
    let caller = middleware.caller(&request, &route.pattern, client);
    let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let allowance = BodyAllowance::new(
        middleware.memory.reservation(Some(client.network())),
        route_limits::max_unauthenticated_body(&route.pattern),
    );
    let body = body::meter(&mut request, allowance, &middleware.clock, connection.clone());
    request.extensions_mut().insert(client);
    request.extensions_mut().insert(route.clone());
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    if *request.method() == Method::HEAD {
        // HEAD is GET without the body in the response (RFC 9110 §9.3.2). actix-http remembers the method and omits
        // the body.
        request.head_mut().method = Method::GET;
    }

    // `telemetry::request_is_of_login` adds the login.
    let flow = tracing::field::Empty;
    let span = tracing::info_span!("request", request_id = %id, method, route = &*route.pattern, flow);
    let refused = caller.as_ref().and_then(|caller| {
        middleware.limits.as_ref().and_then(|limits| limits.check(caller, middleware.clock.now()).err())
    });
    let mut longest_poll = Duration::ZERO;
    let outcome = match refused {
        Some(retry_after) => {
            caller.iter().for_each(RateLimitKey::count_refusal);
            Ok(request.into_response(fallback::rate_limited(format, retry_after, &id)).map_into_boxed_body())
        }
        None => {
            let limit = middleware.max_request_time;
            let handled = run_handler(request, next, limit, body.as_ref(), &mut longest_poll);
            for_client(client.network(), handled.instrument(span.clone())).await
        }
    };
    let (request, mut response) = match outcome {
        Ok(answered) => {
            let (request, response) = answered.into_parts();
            (Some(request), response)
        }
        Err(error) => (None, error.error_response().map_into_boxed_body()),
    };

    if let Some(request) = &request {
        refusals::record(request, response.status()).await;
    }
    // If the body could not be read, the handler's error is a consequence of that and is replaced.
    let unread = body.and_then(|body| body.error()).filter(|_| response.status().as_u16() >= 400);
    if let Some(error @ (BodyError::TooSlow | BodyError::Busy(_))) = unread {
        response = fallback::body_error(format, error, &route, &id);
    }
    // An overload does not count as the client's failure.
    let overloaded = matches!(unread, Some(BodyError::Busy(_)));
    if let (Some(caller), Some(limits), None, false) = (caller, &middleware.limits, refused, overloaded)
        && route_limits::is_failure(&caller, response.status())
    {
        limits.record_failure(caller, middleware.clock.now());
    }
    let branded = match &request {
        Some(request) => branded_error::page_of(request, &response, &id).await,
        None => None,
    };
    let path = request.as_ref().map(|request| request.path().to_owned()).unwrap_or_default();
    let home = console::delegated_home(&path).filter(|_| route.surface == Surface::Console);
    let area = home.map_or_else(|| route.surface.area(), Area::Delegated);
    if let Some(page) = branded.or_else(|| error_page(&response, area, &id)) {
        response = page;
    } else if home.is_some() && is_unknown_page(&response, format) {
        response = error::respond(&app::Error::not_found("page", ""), area, Some(&id));
    } else if needs_error_body(&response) {
        response = with_error_body(response, format, &route, &id);
    }
    add_head_to_allow(response.headers_mut());
    add_security_headers(response.headers_mut(), &id, middleware.https);
    let took = began.elapsed();
    span.in_scope(|| log_response(response.status(), took));
    telemetry::request_answered(
        route.pattern.into_owned(),
        method,
        response.status().as_u16(),
        took,
        longest_poll,
    );
    if let Some(connection) = &connection
        && !connection.request_answered()
        && is_chunked
    {
        // The length of the rest of the body is unknown; actix-http would read all of it.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    if middleware.stopping.is_announced() {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }

    match request {
        Some(request) => Ok(ServiceResponse::new(request, response)),
        None => Err(InternalError::from_response("replaced by the middleware", response).into()),
    }
}

/// Runs the handler within the time `limit`. Beyond it the client is to blame only if its body did not arrive. A panic
/// becomes a 500 and does not close the connection. `longest_poll` is set to the longest time for which the handler
/// blocked its thread.
async fn run_handler(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    limit: Duration,
    body: Option<&BodyAllowance>,
    longest_poll: &mut Duration,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answer = catch_panic(next.call(request), longest_poll);
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(outcome)) => outcome.map(ServiceResponse::map_into_boxed_body),
        Ok(Err(panic)) => {
            let said = panic
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            tracing::error!(panic = said.unwrap_or("?"), "a handler panicked");
            Err(InternalError::new("", StatusCode::INTERNAL_SERVER_ERROR).into())
        }
        Err(_) if body.is_some_and(BodyAllowance::is_awaited) => {
            Err(InternalError::new("", StatusCode::REQUEST_TIMEOUT).into())
        }
        Err(_) => {
            tracing::error!("a request was not handled in time");
            Err(InternalError::new("", StatusCode::SERVICE_UNAVAILABLE).into())
        }
    }
}

/// Polls `future` and returns a panic as an error. `longest_poll` is the longest duration of a poll.
async fn catch_panic<T>(
    future: impl Future<Output = T>,
    longest_poll: &mut Duration,
) -> Result<T, Box<dyn Any + Send>> {
    let mut future: Pin<Box<_>> = Box::pin(future);
    std::future::poll_fn(move |context| {
        let began = Instant::now();
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        *longest_poll = began.elapsed().max(*longest_poll);
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

/// The page for an error of a handler, with the texts for the readers in `area` and the request's id.
fn error_page(response: &HttpResponse, area: Area<'_>, id: &str) -> Option<HttpResponse> {
    let error = response.error()?;
    let failure = error.as_error::<PageError>().map(|failure| &failure.0);
    let extracted = || error.as_error::<ExtractError>().and_then(ExtractError::told);
    let api = || error.as_error::<ApiError>().and_then(ApiError::page_error);
    let told = failure.or_else(extracted).or_else(api)?;
    Some(error::respond(told, area, Some(id)))
}

/// Whether a browser asked for a page that there is not.
fn is_unknown_page(response: &HttpResponse, format: ErrorFormat) -> bool {
    response.status() == StatusCode::NOT_FOUND && format == ErrorFormat::Page && needs_error_body(response)
}

/// Whether an error response needs a body: errors of the framework have none, or one line of plain text.
fn needs_error_body(response: &HttpResponse) -> bool {
    if response.status().as_u16() < 400 {
        return false;
    }
    let plain = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|value| value.as_bytes().starts_with(b"text/plain"));
    plain || matches!(response.body().size(), BodySize::None | BodySize::Sized(0))
}

fn with_error_body(
    response: HttpResponse,
    format: ErrorFormat,
    route: &MatchedRoute,
    id: &str,
) -> HttpResponse {
    let mut better = fallback::respond(format, response.status(), route, id);
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            better.headers_mut().append(name.clone(), value.clone());
        }
    }
    better
}

/// Adds HEAD to `Allow` where GET is allowed.
fn add_head_to_allow(headers: &mut HeaderMap) {
    let Some(allowed) = headers.get(header::ALLOW).and_then(|value| value.to_str().ok()) else { return };
    let takes = |method: &str| allowed.split(',').any(|one| one.trim() == method);
    if takes("GET")
        && !takes("HEAD")
        && let Ok(value) = HeaderValue::from_str(&format!("{allowed}, HEAD"))
    {
        headers.insert(header::ALLOW, value);
    }
}

/// Adds the security headers that the handler did not set.
fn add_security_headers(headers: &mut HeaderMap, id: &str, https: bool) {
    const SAFE: &[(HeaderName, &str)] = &[
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    ];
    for (name, value) in SAFE {
        if !headers.contains_key(name) {
            headers.insert(name.clone(), HeaderValue::from_static(value));
        }
    }
    if https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
}

/// Writes the access log: route patterns, never paths or queries, which contain codes and state.
fn log_response(status: StatusCode, took: Duration) {
    // A server that has too much to do refuses, as by a limit; what is wrong where something is was logged by whoever noticed.
    let is_refusal = status == StatusCode::SERVICE_UNAVAILABLE;
    let (status, ms) = (status.as_u16(), took.as_micros() as f64 / 1000.0);
    if status >= 500 && !is_refusal {
        tracing::error!(status, ms, "answered");
    } else {
        tracing::info!(status, ms, "answered");
    }
}

/// The method as a metric label: a closed list, since clients can send any method.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{
        App, HttpResponse,
        dev::Payload,
        middleware::from_fn,
        test::{self, TestRequest},
        web::Bytes,
    };

    use super::*;
    use crate::{app::limits::request_memory::MemoryBounds, web::kit::routing::Surface};
    use base::{
        random::SeededRandom,
        time::{ManualClock, Timestamp},
    };

    fn middleware() -> MiddlewareState {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1)));
        MiddlewareState {
            trusted_proxies: Vec::new(),
            limits: Some(RateLimiter::new()),
            memory: RequestMemory::new(MemoryBounds::share(1 << 20, true), clock.clone()),
            clock,
            random: Arc::new(SeededRandom::new(1)),
            https: true,
            stopping: Stopping::default(),
            max_request_time: MAX_REQUEST_TIME,
        }
    }

    #[actix_web::test]
    async fn only_a_body_that_does_not_arrive_is_the_clients_fault() {
        async fn reads(_: Bytes) -> HttpResponse {
            HttpResponse::Ok().finish()
        }
        async fn waits() -> HttpResponse {
            std::future::pending().await
        }
        let mut table = RouteTable::default();
        let app = App::new().configure(|config| {
            table.configure(config, |routes| {
                routes.surface(Surface::Ssoready, "", |routes| {
                    routes
                        .resource("/v1/reads", |resource| resource.post(reads))
                        .resource("/v1/waits", |resource| resource.post(waits));
                });
            });
        });
        let table = Rc::new(table);
        let middleware =
            Arc::new(MiddlewareState { max_request_time: Duration::from_millis(50), ..middleware() });
        let app = app.wrap(from_fn(move |request, next| {
            handle(Arc::clone(&middleware), Rc::clone(&table), Rc::default(), request, next)
        }));
        let app = test::init_service(app).await;
        for (path, status, code) in [("/v1/reads", 408, 4), ("/v1/waits", 503, 14)] {
            let never: actix_http::BoxedPayloadStream = Box::pin(futures_util::stream::pending());
            let request = TestRequest::post().uri(path).to_request();
            let (request, _) = request.replace_payload(Payload::Stream { payload: never });
            let error = test::try_call_service(&app, request).await.unwrap_err();
            let response = error.error_response();
            assert_eq!(response.status(), status, "{path}");
            assert_eq!(response.headers().contains_key(header::RETRY_AFTER), status == 503, "{path}");
            let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["code"], code, "{body}");
        }
    }

    #[actix_web::test]
    async fn a_panic_is_our_failure_and_not_the_end_of_the_connection() {
        let middleware = Arc::new(middleware());
        async fn panics() -> HttpResponse {
            panic!("a secret of the handler")
        }
        let mut table = RouteTable::default();
        let app = App::new().configure(|config| {
            table.configure(config, |routes| {
                routes.surface(Surface::Ssoready, "", |routes| {
                    routes.resource("/v1/organizations", |resource| resource.get(panics));
                });
            });
        });
        let table = Rc::new(table);
        let app = app.wrap(from_fn(move |request, next| {
            handle(Arc::clone(&middleware), Rc::clone(&table), Rc::default(), request, next)
        }));
        let app = test::init_service(app).await;
        let error = test::try_call_service(&app, TestRequest::get().uri("/v1/organizations").to_request())
            .await
            .unwrap_err();
        let response = error.error_response();
        assert_eq!(response.status(), 500);
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("strict-transport-security", "max-age=31536000")]
        {
            assert_eq!(response.headers().get(name).unwrap(), value);
        }
        assert_eq!(response.headers().get("x-request-id").unwrap().len(), 32);
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["code"], 13);
        assert!(!body.to_string().contains("secret"));
    }
}
