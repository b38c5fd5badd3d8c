//! The SAML endpoints for browsers: login initiation, the Assertion Consumer Service, and SP metadata.

use actix_web::{
    FromRequest as _, HttpMessage as _, HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use base::id::SamlConnectionId;
use model::{client_address::ClientAddress, saml_connection::SamlConnection};

use super::{api_error::ApiError, login_error::refusal_response};
use crate::{
    app::{
        Error, State,
        connections::saml::sp_metadata,
        limits::body_allowance::{BodyAllowance, BodyError},
        login::{self, AcsOutcome, AcsRequest, BeginOutcome, Sender},
    },
    links::path,
    web::{
        kit::{
            posted,
            request::host,
            response::{PagePolicy, page},
            routing::Routes,
        },
        login::{
            auto_post::{AutoPost, AutoPostPurpose},
            browser_cookie::browser,
            idp_redirect::{banner, see_other, send_to_idp},
        },
    },
};

/// The form field that marks a form posted again from our own origin.
const REPOSTED_FIELD: &str = "ostiary_bounced";

/// The maximum number of fields in a posted form.
const MAX_FORM_FIELDS: usize = 64;

/// Registers the routes.
pub fn configure(routes: &mut Routes<'_>) {
    routes
        .resource(path::SAML_INIT, |resource| resource.get(init))
        .resource(path::SAML_ACS, |resource| resource.post(acs))
        .resource(path::SAML_METADATA, |resource| resource.get(sp_metadata));
}

/// `GET /v1/saml/{connection}/init?state=…`: the link that an app sends a browser to.
async fn init(
    state: web::Data<State>,
    connection: web::Path<String>,
    query: web::Query<Vec<(String, String)>>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let connection = parse_connection(&connection, &request)?;
    let link_state = single(&query, "state").unwrap_or_default();
    let begun = login::begin_from_link::<SamlConnection>(
        &state,
        connection,
        link_state,
        browser(&state.links, &request),
    )
    .await;
    Ok(match begun.map_err(|error| ApiError::page(error, &request))? {
        BeginOutcome::Begun(begun) => send_to_idp(&state, begun),
        BeginOutcome::Refused(refused) => refusal_response(&state, &refused, &request),
    })
}

/// `POST /v1/saml/{connection}/acs`: the Assertion Consumer Service (SAML 2.0 Bindings §3.5).
async fn acs(
    state: web::Data<State>,
    connection: web::Path<String>,
    payload: web::Payload,
    request: HttpRequest,
) -> actix_web::Result<HttpResponse> {
    let connection = parse_connection(&connection, &request)?;
    let problem = |error| ApiError::page(error, &request);
    let sender = sender(&state, &request);
    login::check_rate_limit(&state, connection.into(), &sender).await.map_err(problem)?;
    let answer = post(&state, connection, &sender, payload, &request).await;
    let status =
        answer.as_ref().map_or_else(|error| error.as_response_error().status_code(), HttpResponse::status);
    // A body that was too slow or found no memory does not count as a failure.
    let body = request.extensions().get::<BodyAllowance>().and_then(BodyAllowance::error);
    let is_read = !matches!(body, Some(BodyError::Busy(_) | BodyError::TooSlow));
    if is_read && status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
        login::count_failure(&state, connection.into(), &sender).await.map_err(problem)?;
    }
    answer
}

/// The sender of the response, as known without the body.
fn sender(state: &State, request: &HttpRequest) -> Sender {
    let origin = request.headers().get(header::ORIGIN).and_then(|value| value.to_str().ok());
    let client = request.extensions().get::<ClientAddress>().copied();
    Sender {
        client: client.unwrap_or(ClientAddress([0, 0, 0, 0].into())),
        browser: browser(&state.links, request),
        origin: origin.map(str::to_owned),
    }
}

/// Reads the form of an admitted sender and handles the response.
async fn post(
    state: &State,
    connection: SamlConnectionId,
    sender: &Sender,
    payload: web::Payload,
    request: &HttpRequest,
) -> actix_web::Result<HttpResponse> {
    let body = web::Bytes::from_request(request, &mut payload.into_inner()).await?;
    let form = Form::read(request, &body);
    let post = AcsRequest {
        saml_response: form.single("SAMLResponse").map(str::to_owned),
        relay_state: form.single("RelayState").map(str::to_owned),
        host: host(request).to_owned(),
        client: sender.client,
        browser: sender.browser.clone(),
        reposted: form.single(REPOSTED_FIELD).is_some(),
    };
    let outcome = login::receive(state, connection, post).await;
    Ok(match outcome.map_err(|error| ApiError::page(error, request))? {
        AcsOutcome::Accepted { location, .. } | AcsOutcome::InitiateAtApp { location } => {
            see_other(&location)
        }
        AcsOutcome::Restarted(begun) => send_to_idp(state, begun),
        AcsOutcome::Repost => repost_form(state, &form, request),
        AcsOutcome::Refused(refused) => refusal_response(state, &refused, request),
    })
}

/// `GET /v1/saml/{connection}/metadata`: our metadata (SAML 2.0 Metadata §2.4.4).
async fn sp_metadata(
    state: web::Data<State>,
    connection: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let connection = parse_connection(&connection, &request)?;
    let xml =
        sp_metadata::render(&state, connection).await.map_err(|error| ApiError::page(error, &request))?;
    Ok(HttpResponse::Ok()
        .content_type("application/samlmetadata+xml")
        .insert_header((header::CONTENT_DISPOSITION, "inline; filename=\"metadata.xml\""))
        .body(xml))
}

/// The connection id in the path; `NotFound` if it is malformed.
fn parse_connection(text: &str, request: &HttpRequest) -> Result<SamlConnectionId, ApiError> {
    text.parse().map_err(|_| ApiError::page(Error::not_found("SAML connection", "(no such id)"), request))
}

/// The fields of a posted form; none if it cannot be read.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(request: &HttpRequest, body: &[u8]) -> Self {
        let is_form = request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded");
        let fields = is_form.then(|| posted::parse_urlencoded(body, MAX_FORM_FIELDS)).flatten();
        Self(fields.unwrap_or_default())
    }

    fn single(&self, name: &str) -> Option<&str> {
        single(&self.0, name)
    }
}

/// The value of a parameter that occurs exactly once.
fn single<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

/// A page of our origin that posts the same form again, so that the browser sends its cookies.
fn repost_form(state: &State, form: &Form, request: &HttpRequest) -> HttpResponse {
    let mut fields: Vec<(&str, &str)> = ["SAMLResponse", "RelayState"]
        .into_iter()
        .filter_map(|name| form.single(name).map(|value| (name, value)))
        .collect();
    fields.push((REPOSTED_FIELD, "1"));
    let view = AutoPost {
        action: request.path(),
        fields: &fields,
        purpose: AutoPostPurpose::Finish,
        banner: banner(state),
    };
    page(StatusCode::OK, PagePolicy::AnyFormTarget, view.view())
}
