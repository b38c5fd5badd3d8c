//! The HTTP handlers of the test identity provider.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{self, Bytes, Data},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use maud::Markup;
use test_idp_protocol::{
    authn_request::{ParsedAuthnRequest, RequestError, parse_post, parse_redirect},
    build_response::{BuildError, ResponseOptions, build_response},
    flaw::Flaw,
    metadata::idp_metadata,
    parties::ServiceProvider,
};

use super::{
    forms::{Fields, FormAction, FormError, LoginRequest, relay_state},
    provider::TestIdp,
    scim_client::ScimClient,
    views::{BANNER, LoginPage, ReviewPage, StartPage, no_encryption_certificate, request_refused},
};
use crate::{
    links::path,
    web::{
        kit::{
            message::Message,
            response::{PagePolicy, page},
            routing::Routes,
        },
        login::auto_post::{AutoPost, AutoPostPurpose},
    },
};

/// The maximum size of a form in bytes.
const MAX_FORM_BYTES: usize = 128 * 1024;

/// Registers the routes. A `web::Data<TestIdp>` must be among the app's data.
pub fn configure(routes: &mut Routes<'_>) {
    routes
        .resource(path::TEST_IDP, |resource| resource.get(start_page))
        .resource(path::TEST_IDP_METADATA, |resource| resource.get(metadata))
        .resource(path::TEST_IDP_START, |resource| resource.get(idp_initiated))
        .resource(path::TEST_IDP_SSO, |resource| {
            resource.app_data(web::PayloadConfig::new(MAX_FORM_BYTES)).get(sso_redirect).post(sso_post)
        })
        .resource(path::TEST_IDP_RESPOND, |resource| {
            resource.app_data(web::PayloadConfig::new(MAX_FORM_BYTES)).post(respond)
        });
}

/// An error page, for a request that cannot be answered or an internal error.
struct ErrorPage(HttpResponse);

impl ErrorPage {
    fn bad(happened: &str) -> Self {
        Self(page(StatusCode::BAD_REQUEST, PagePolicy::SameOriginForms, request_refused(happened)))
    }

    fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "the test identity provider failed");
        Self(page(StatusCode::INTERNAL_SERVER_ERROR, PagePolicy::SameOriginForms, Message::internal().view()))
    }
}

impl From<FormError> for ErrorPage {
    fn from(error: FormError) -> Self {
        Self::bad(&error.to_string())
    }
}

impl From<RequestError> for ErrorPage {
    fn from(error: RequestError) -> Self {
        Self::bad(&error.to_string())
    }
}

fn into_response(result: Result<HttpResponse, ErrorPage>) -> HttpResponse {
    result.unwrap_or_else(|ErrorPage(response)| response)
}

fn own_page(markup: Markup) -> HttpResponse {
    page(StatusCode::OK, PagePolicy::SameOriginForms, markup)
}

/// `GET /test-idp`
async fn start_page(idp: Data<TestIdp>, scim: Option<Data<ScimClient>>) -> HttpResponse {
    let service_providers = idp.service_providers.list().await;
    into_response(idp.keys.certificate_pem().map_err(|error| ErrorPage::internal(&error)).map(
        |certificate_pem| {
            own_page(
                StartPage {
                    entity_id: &idp.entity_id(),
                    sso_url: &idp.sso_url(),
                    certificate_pem: &certificate_pem,
                    service_providers: &service_providers,
                    provisioning: scim.is_some_and(|client| !client.targets().is_empty()),
                }
                .view(),
            )
        },
    ))
}

/// `GET /test-idp/metadata`
async fn metadata(idp: Data<TestIdp>) -> HttpResponse {
    let written = idp_metadata(&idp.entity_id(), &idp.sso_url(), &idp.keys.certificate);
    into_response(written.map_err(|error| ErrorPage::internal(&error)).map(|xml| {
        HttpResponse::Ok()
            .content_type("application/samlmetadata+xml")
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body(xml)
    }))
}

/// `GET /test-idp/start?acs_url=…`: an IdP-initiated login.
async fn idp_initiated(idp: Data<TestIdp>, request: HttpRequest) -> HttpResponse {
    let fields = Fields::parse(request.query_string().as_bytes());
    let result = async {
        let acs_url = fields.get("acs_url")?.unwrap_or_default();
        let known = idp.service_providers.list().await;
        let to = known.into_iter().find(|sp| sp.acs_url == acs_url).ok_or_else(|| {
            ErrorPage::bad("No connection to this identity provider has this address any more.")
        })?;
        let relay_state = relay_state(&fields, "RelayState")?;
        let login = LoginRequest {
            request_id: None,
            acs_url: to.acs_url.clone(),
            audience: to.sp_entity_id.clone(),
            relay_state,
        };
        Ok(login_page(&idp, &login, &to, false))
    };
    into_response(result.await)
}

/// `GET /test-idp/sso`: a request over HTTP-Redirect (SAML Bindings §3.4). Signatures of requests are
/// not verified: the metadata asks for none.
async fn sso_redirect(idp: Data<TestIdp>, request: HttpRequest) -> HttpResponse {
    let fields = Fields::parse(request.query_string().as_bytes());
    into_response(sign_in(&idp, &fields, parse_redirect).await)
}

/// `POST /test-idp/sso`: a request over HTTP-POST (SAML Bindings §3.5).
async fn sso_post(idp: Data<TestIdp>, body: Bytes) -> HttpResponse {
    into_response(sign_in(&idp, &Fields::parse(&body), parse_post).await)
}

async fn sign_in(
    idp: &TestIdp,
    fields: &Fields,
    read: fn(&str, &str) -> Result<ParsedAuthnRequest, RequestError>,
) -> Result<HttpResponse, ErrorPage> {
    let parameter = fields.get("SAMLRequest")?.ok_or_else(|| {
        ErrorPage::bad("There is no SAMLRequest. Apps send people here with one; to start a login here, use the page below.")
    })?;
    let request = read(parameter, &idp.sso_url())?;
    let to = find_service_provider(idp, &request.issuer, request.acs_url.as_deref()).await?;
    let login = LoginRequest {
        request_id: Some(request.id),
        acs_url: to.acs_url.clone(),
        audience: request.issuer,
        relay_state: relay_state(fields, "RelayState")?,
    };
    Ok(login_page(idp, &login, &to, request.force_authn))
}

async fn find_service_provider(
    idp: &TestIdp,
    entity_id: &str,
    acs_url: Option<&str>,
) -> Result<ServiceProvider, ErrorPage> {
    idp.service_provider(entity_id, acs_url).await.ok_or_else(|| {
        let shown: String = acs_url.unwrap_or(entity_id).chars().take(200).collect();
        ErrorPage::bad(&format!(
            "It answers only to connections of this Ostiary that are configured with it, and {shown} belongs to none of them."
        ))
    })
}

fn login_page(idp: &TestIdp, login: &LoginRequest, to: &ServiceProvider, force_authn: bool) -> HttpResponse {
    own_page(LoginPage { login, to, users: &idp.users, force_authn, response_form: None, error: None }.view())
}

/// `POST /test-idp/respond`: the choice on the page. The answer is the page that posts the response.
async fn respond(idp: Data<TestIdp>, body: Bytes) -> HttpResponse {
    into_response(try_respond(idp, &Fields::parse(&body)).await)
}

async fn try_respond(idp: Data<TestIdp>, fields: &Fields) -> Result<HttpResponse, ErrorPage> {
    let login = LoginRequest::read(fields)?;
    let to = find_service_provider(&idp, &login.audience, Some(&login.acs_url)).await?;
    let again = |response_form, error| LoginPage {
        login: &login,
        to: &to,
        users: &idp.users,
        force_authn: false,
        response_form,
        error,
    };
    let (options, show) = match FormAction::read(fields, &idp)? {
        FormAction::SignIn(options) => (options, false),
        FormAction::Edit(response_form) => return Ok(own_page(again(Some(&response_form), None).view())),
        FormAction::Send(response_form) => match response_form.options() {
            Ok(options) if !options.name_id.is_empty() => (options, response_form.show),
            Ok(_) => {
                let markup =
                    again(Some(&response_form), Some("Write a NameID: an assertion needs a subject.")).view();
                return Ok(page(StatusCode::BAD_REQUEST, PagePolicy::SameOriginForms, markup));
            }
            Err(error) => {
                let markup = again(Some(&response_form), Some(&error.to_string())).view();
                return Ok(page(StatusCode::BAD_REQUEST, PagePolicy::SameOriginForms, markup));
            }
        },
    };
    send_response(idp, &login, to, options, show).await
}

async fn send_response(
    idp: Data<TestIdp>,
    login: &LoginRequest,
    to: ServiceProvider,
    options: ResponseOptions,
    show: bool,
) -> Result<HttpResponse, ErrorPage> {
    let replay = options.flaw == Some(Flaw::Replayed);
    let request_id = login.request_id.clone();
    let signed = web::block(move || {
        let now = idp.clock.now();
        build_response(&idp.entity_id(), &idp.keys, &to, request_id.as_deref(), &options, now, &*idp.random)
    });
    let xml = match signed.await.map_err(|error| ErrorPage::internal(&error))? {
        Ok(xml) => xml,
        Err(BuildError::NoEncryptionCertificate) => {
            return Ok(page(
                StatusCode::CONFLICT,
                PagePolicy::SameOriginForms,
                no_encryption_certificate(login),
            ));
        }
        Err(error) => return Err(ErrorPage::internal(&error)),
    };
    let encoded = BASE64.encode(&xml);
    let mut fields = vec![("SAMLResponse", encoded.as_str())];
    fields.extend(login.relay_state.as_deref().map(|state| ("RelayState", state)));
    let markup = if show || replay {
        ReviewPage { acs_url: &login.acs_url, fields: &fields, xml: &xml, replay }.view()
    } else {
        AutoPost {
            action: &login.acs_url,
            fields: &fields,
            purpose: AutoPostPurpose::Respond,
            banner: Some(BANNER),
        }
        .view()
    };
    Ok(page(StatusCode::OK, PagePolicy::AnyFormTarget, markup))
}

#[cfg(test)]
mod tests;
