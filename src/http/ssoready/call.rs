//! Extractor of API requests: authenticates the API key, then reads the body.

use std::{future::Future, marker::PhantomData, pin::Pin};

use actix_web::{
    Error, FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    error::{ErrorPayloadTooLarge, ErrorUnsupportedMediaType, PayloadError},
    http::header,
    web,
};
use model::{client_address::ClientAddress, entity_tag::EntityTags};

use super::fields::Fields;
use crate::{
    app::{self, Result, State, environments::api_keys, permissions::Scope, principal::Principal},
    http::{api_error::ApiError, conditions::valid_if_match, request_body::BufferedBody},
    web::kit::posted::allow_large_body,
};

/// An authenticated API request. The body is read only after the key was verified.
pub struct ApiCall<S, B = NoBody> {
    /// The authenticated caller.
    pub principal: Principal,
    /// The versions in `If-Match`: a change of any other one is refused.
    pub if_match: Option<EntityTags>,
    /// The body.
    pub body: B,
    scope: PhantomData<S>,
}

/// The kind of API key that a route accepts.
pub trait KeyScope: 'static {
    /// What the key must have been given for.
    const SCOPE: Scope;
}

/// Any key of the environment.
pub enum AnyKey {}

/// A key with management access.
pub enum ManagementKey {}

impl KeyScope for AnyKey {
    const SCOPE: Scope = Scope::App;
}

impl KeyScope for ManagementKey {
    const SCOPE: Scope = Scope::Management;
}

/// How a route reads the body.
pub trait Body: Sized + 'static {
    /// Reads the body.
    fn read(request: &HttpRequest, payload: Payload) -> impl Future<Output = Result<Self, Error>>;
}

/// The route takes no body; a body that is sent is ignored.
pub struct NoBody;

impl Body for NoBody {
    async fn read(_: &HttpRequest, _: Payload) -> Result<Self, Error> {
        Ok(Self)
    }
}

/// A JSON object; an empty body means `{}`.
impl Body for Fields {
    async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Self, Error> {
        if !is_json(request) {
            return Err(ErrorUnsupportedMediaType(""));
        }
        // A separate statement, so that the extensions are not borrowed while the body is awaited.
        let read = request.extensions_mut().remove::<BufferedBody>();
        let bytes = match read {
            Some(BufferedBody(bytes)) => bytes,
            None => web::Bytes::from_request(request, &mut payload).await.map_err(|error| match error
                .as_error::<PayloadError>(
            ) {
                Some(PayloadError::Overflow) => ErrorPayloadTooLarge(""),
                _ => error,
            })?,
        };
        Self::parse(&bytes).map_err(|error| ApiError::api(error).into())
    }
}

impl<S: KeyScope, B: Body> FromRequest for ApiCall<S, B> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let principal = authenticate::<S>(&request).await.map_err(ApiError::api)?;
            let if_match = valid_if_match(&request).map_err(ApiError::api)?;
            let body = B::read(&request, payload).await?;
            Ok(Self { principal, if_match, body, scope: PhantomData })
        })
    }
}

pub(in crate::http) async fn authenticate<S: KeyScope>(request: &HttpRequest) -> Result<Principal> {
    let state = request
        .app_data::<web::Data<State>>()
        .ok_or_else(|| app::Error::internal("the server was built without its state"))?;
    let principal = api_keys::authenticate(state, bearer(request)?).await?;
    let address = request.extensions().get::<ClientAddress>().map(|client| client.0);
    let principal = principal.at(address);
    // For the record of a refusal.
    request.extensions_mut().insert(principal);
    principal.require_scope(S::SCOPE)?;
    allow_large_body(request);
    Ok(principal)
}

/// The key in the `Authorization` header, of which exactly one is accepted.
fn bearer(request: &HttpRequest) -> Result<&str> {
    let refused = |text: &'static str| app::Error::Unauthenticated(text.into());
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let value = values.next().ok_or_else(|| refused("authorization header is required"))?;
    if values.next().is_some() {
        return Err(refused("more than one authorization header"));
    }
    value
        .to_str()
        .ok()
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(|| refused("authorization header must be: Bearer <api key>"))
}

/// Whether the content type is `application/json`, with or without parameters, or absent.
fn is_json(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else { return true };
    let essence = value.to_str().unwrap_or("?").split(';').next().unwrap_or_default().trim();
    essence.is_empty() || essence.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_key_comes_in_one_bearer_header() {
        let said = |headers: &[&str]| {
            let mut request = TestRequest::default();
            for value in headers {
                request = request.append_header((header::AUTHORIZATION, *value));
            }
            bearer(&request.to_http_request()).map(str::to_owned).map_err(|error| error.to_string())
        };
        assert_eq!(said(&["Bearer ssoready_sk_1"]), Ok("ssoready_sk_1".into()));
        assert_eq!(said(&[]), Err("authorization header is required".into()));
        for bad in ["bearer x", "Bearer", "Basic eDp5", "x", "", "Bearér x"] {
            assert_eq!(said(&[bad]), Err("authorization header must be: Bearer <api key>".into()), "{bad:?}");
        }
        assert!(said(&["Bearer a", "Bearer b"]).is_err());
    }

    #[test]
    fn json_comes_under_its_name_or_none() {
        let takes = |value: Option<&str>| {
            let mut request = TestRequest::default();
            if let Some(value) = value {
                request = request.insert_header((header::CONTENT_TYPE, value));
            }
            is_json(&request.to_http_request())
        };
        for good in
            ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8", ""]
        {
            assert!(takes(Some(good)), "{good:?}");
        }
        assert!(takes(None));
        for bad in
            ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "text/json", "json"]
        {
            assert!(!takes(Some(bad)), "{bad:?}");
        }
    }
}
