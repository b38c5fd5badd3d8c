//! The HTTP handlers of the test identity provider.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{self, Bytes, Data},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use maud::Markup;

use super::{
    flaw::Flaw,
    form::{Ask, Fields, FormError, Wish, relay_state},
    metadata::idp_metadata,
    provider::{AnswerError, ServiceProvider, Statement, TestIdp, answer},
    request::{Asked, RequestError, read_posted, read_redirected},
    scim_client::ScimClient,
    views::{BANNER, Choose, Review, Start, not_encryptable, refused},
};
use crate::{
    links::path,
    pages::{
        auto_post::{AutoPost, AutoPostPurpose},
        message::Message,
        response::{PagePolicy, page},
    },
};

/// The maximum size of a form in bytes.
const MAX_BODY: usize = 128 * 1024;

/// Registers the routes. A `web::Data<TestIdp>` must be among the app's data.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(web::resource(path::TEST_IDP).get(start_page))
        .service(web::resource(path::TEST_IDP_METADATA).get(metadata))
        .service(web::resource(path::TEST_IDP_START).get(begin))
        .service(
            web::resource(path::TEST_IDP_SSO)
                .app_data(web::PayloadConfig::new(MAX_BODY))
                .get(sign_in_by_redirect)
                .post(sign_in_by_post),
        )
        .service(
            web::resource(path::TEST_IDP_RESPOND).app_data(web::PayloadConfig::new(MAX_BODY)).post(respond),
        );
}

/// An error page, for a request that cannot be answered or an internal error.
struct Refusal(HttpResponse);

impl Refusal {
    fn bad(happened: &str) -> Self {
        Self(page(StatusCode::BAD_REQUEST, PagePolicy::SameOriginForms, refused(happened)))
    }

    fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "the test identity provider failed");
        Self(page(StatusCode::INTERNAL_SERVER_ERROR, PagePolicy::SameOriginForms, Message::internal().view()))
    }
}

impl From<FormError> for Refusal {
    fn from(error: FormError) -> Self {
        Self::bad(&error.to_string())
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        Self::bad(&error.to_string())
    }
}

fn settled(result: Result<HttpResponse, Refusal>) -> HttpResponse {
    result.unwrap_or_else(|Refusal(response)| response)
}

fn own_page(markup: Markup) -> HttpResponse {
    page(StatusCode::OK, PagePolicy::SameOriginForms, markup)
}

/// `GET /test-idp`
async fn start_page(idp: Data<TestIdp>, scim: Option<Data<ScimClient>>) -> HttpResponse {
    let service_providers = idp.service_providers.list().await;
    settled(idp.keys.certificate_pem().map_err(|error| Refusal::internal(&error)).map(|certificate_pem| {
        own_page(
            Start {
                entity_id: &idp.entity_id(),
                sso_url: &idp.sso_url(),
                certificate_pem: &certificate_pem,
                service_providers: &service_providers,
                provisioning: scim.is_some_and(|client| !client.targets().is_empty()),
            }
            .view(),
        )
    }))
}

/// `GET /test-idp/metadata`
async fn metadata(idp: Data<TestIdp>) -> HttpResponse {
    let written = idp_metadata(&idp.entity_id(), &idp.sso_url(), &idp.keys.certificate);
    settled(written.map_err(|error| Refusal::internal(&error)).map(|xml| {
        HttpResponse::Ok()
            .content_type("application/samlmetadata+xml")
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body(xml)
    }))
}

/// `GET /test-idp/start?acs_url=…`: an IdP-initiated login.
async fn begin(idp: Data<TestIdp>, request: HttpRequest) -> HttpResponse {
    let fields = Fields::parse(request.query_string().as_bytes());
    let begun = async {
        let acs_url = fields.one("acs_url")?.unwrap_or_default();
        let known = idp.service_providers.list().await;
        let to = known.into_iter().find(|sp| sp.acs_url == acs_url).ok_or_else(|| {
            Refusal::bad("No connection to this identity provider has this address any more.")
        })?;
        let relay_state = relay_state(&fields, "RelayState")?;
        let ask = Ask {
            request_id: None,
            acs_url: to.acs_url.clone(),
            audience: to.sp_entity_id.clone(),
            relay_state,
        };
        Ok(choose(&idp, &ask, &to, false))
    };
    settled(begun.await)
}

/// `GET /test-idp/sso`: a request over HTTP-Redirect (SAML Bindings §3.4). Signatures of requests are
/// not verified: the metadata asks for none.
async fn sign_in_by_redirect(idp: Data<TestIdp>, request: HttpRequest) -> HttpResponse {
    let fields = Fields::parse(request.query_string().as_bytes());
    settled(sign_in(&idp, &fields, read_redirected).await)
}

/// `POST /test-idp/sso`: a request over HTTP-POST (SAML Bindings §3.5).
async fn sign_in_by_post(idp: Data<TestIdp>, body: Bytes) -> HttpResponse {
    settled(sign_in(&idp, &Fields::parse(&body), read_posted).await)
}

async fn sign_in(
    idp: &TestIdp,
    fields: &Fields,
    read: fn(&str, &str) -> Result<Asked, RequestError>,
) -> Result<HttpResponse, Refusal> {
    let parameter = fields.one("SAMLRequest")?.ok_or_else(|| {
        Refusal::bad("There is no SAMLRequest. Apps send people here with one; to start a login here, use the page below.")
    })?;
    let asked = read(parameter, &idp.sso_url())?;
    let to = recipient(idp, &asked.issuer, asked.acs_url.as_deref()).await?;
    let ask = Ask {
        request_id: Some(asked.id),
        acs_url: to.acs_url.clone(),
        audience: asked.issuer,
        relay_state: relay_state(fields, "RelayState")?,
    };
    Ok(choose(idp, &ask, &to, asked.force_authn))
}

async fn recipient(
    idp: &TestIdp,
    entity_id: &str,
    acs_url: Option<&str>,
) -> Result<ServiceProvider, Refusal> {
    idp.service_provider(entity_id, acs_url).await.ok_or_else(|| {
        let shown: String = acs_url.unwrap_or(entity_id).chars().take(200).collect();
        Refusal::bad(&format!(
            "It answers only to connections of this Ostiary that are configured with it, and {shown} belongs to none of them."
        ))
    })
}

fn choose(idp: &TestIdp, ask: &Ask, to: &ServiceProvider, force_authn: bool) -> HttpResponse {
    own_page(Choose { ask, to, users: &idp.users, force_authn, draft: None, error: None }.view())
}

/// `POST /test-idp/respond`: the choice on the page. The answer is the page that posts the response.
async fn respond(idp: Data<TestIdp>, body: Bytes) -> HttpResponse {
    settled(try_respond(idp, &Fields::parse(&body)).await)
}

async fn try_respond(idp: Data<TestIdp>, fields: &Fields) -> Result<HttpResponse, Refusal> {
    let ask = Ask::read(fields)?;
    let to = recipient(&idp, &ask.audience, Some(&ask.acs_url)).await?;
    let again =
        |draft, error| Choose { ask: &ask, to: &to, users: &idp.users, force_authn: false, draft, error };
    let (statement, show) = match Wish::read(fields, &idp)? {
        Wish::SignIn(statement) => (statement, false),
        Wish::Edit(draft) => return Ok(own_page(again(Some(&draft), None).view())),
        Wish::Send(draft) => match draft.statement() {
            Ok(statement) if !statement.name_id.is_empty() => (statement, draft.show),
            Ok(_) => {
                let markup =
                    again(Some(&draft), Some("Write a NameID: an assertion needs a subject.")).view();
                return Ok(page(StatusCode::BAD_REQUEST, PagePolicy::SameOriginForms, markup));
            }
            Err(error) => {
                let markup = again(Some(&draft), Some(&error.to_string())).view();
                return Ok(page(StatusCode::BAD_REQUEST, PagePolicy::SameOriginForms, markup));
            }
        },
    };
    deliver(idp, &ask, to, statement, show).await
}

async fn deliver(
    idp: Data<TestIdp>,
    ask: &Ask,
    to: ServiceProvider,
    statement: Statement,
    show: bool,
) -> Result<HttpResponse, Refusal> {
    let replay = statement.flaw == Some(Flaw::Replayed);
    let request_id = ask.request_id.clone();
    let signed = web::block(move || {
        let now = idp.clock.now();
        answer(&idp.entity_id(), &idp.keys, &to, request_id.as_deref(), &statement, now, &*idp.random)
    });
    let xml = match signed.await.map_err(|error| Refusal::internal(&error))? {
        Ok(xml) => xml,
        Err(AnswerError::NothingToEncryptFor) => {
            return Ok(page(StatusCode::CONFLICT, PagePolicy::SameOriginForms, not_encryptable(ask)));
        }
        Err(error) => return Err(Refusal::internal(&error)),
    };
    let encoded = BASE64.encode(&xml);
    let mut fields = vec![("SAMLResponse", encoded.as_str())];
    fields.extend(ask.relay_state.as_deref().map(|state| ("RelayState", state)));
    let markup = if show || replay {
        Review { acs_url: &ask.acs_url, fields: &fields, xml: &xml, replay }.view()
    } else {
        AutoPost {
            action: &ask.acs_url,
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
