//! `Idempotency-Key` for writes through the management API: a request that is retried with the same key is carried
//! out once.

use std::panic::resume_unwind;

use actix_web::{
    Error, HttpMessage as _, HttpResponse,
    body::{self, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::{ErrorPayloadTooLarge, PayloadError},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap},
    },
    middleware::Next,
    web,
};
use base::{id::ApiKeyId, secret::Digest};
use serde_json::json;

use super::call::{self, BufferedBody, ManagementKey};
use crate::{
    app::{
        self, State,
        idempotency::{self, Claim, ClaimOutcome},
        principal::Subject,
    },
    http::api_error::ApiError,
    links::path,
    web::kit::routing::MatchedRoute,
};

/// The request's header.
pub const KEY: &str = "idempotency-key";
/// The response header that marks a replayed response.
pub const REPLAYED: &str = "idempotency-replayed";

/// Middleware of every API route.
pub async fn handle(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some((state, api_key_id)) = authorize_write(&request).await else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    let key = match read_key(request.headers()) {
        Ok(key) => key,
        Err(error) => return Ok(request.error_response(ApiError::api(error))),
    };
    let body =
        request.extract::<web::Bytes>().await.map_err(|error| match error.as_error::<PayloadError>() {
            Some(PayloadError::Overflow) => ErrorPayloadTooLarge(""),
            _ => error,
        })?;
    let asked = digest(&request, &body);
    let begun = match idempotency::claim(&state, api_key_id, &key, asked).await {
        Ok(begun) => begun,
        Err(error) => return Ok(request.error_response(ApiError::api(error))),
    };
    let claim = match begun {
        ClaimOutcome::Claimed(claim) => claim,
        ClaimOutcome::Completed(answer) => return Ok(request.into_response(replayed(&answer))),
        ClaimOutcome::InProgress => return Ok(request.into_response(still_running())),
        ClaimOutcome::KeyReused => return Ok(request.into_response(key_reused())),
    };
    request.extensions_mut().insert(BufferedBody(body));
    // In a separate task, so that the response is stored even if the caller disconnects.
    let (attempt, at) = (claim.clone(), state.clone());
    let done =
        actix_web::rt::spawn(async move { store_response(&at, &attempt, next.call(request).await).await });
    match done.await {
        Ok(outcome) => outcome,
        Err(error) => {
            release_key(&state, &claim).await;
            match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(error) => Err(ApiError::api(app::Error::internal(error)).into()),
            }
        }
    }
}

/// The caller's API key, if the request is a write with an `Idempotency-Key` and the caller is authorised.
async fn authorize_write(request: &ServiceRequest) -> Option<(web::Data<State>, ApiKeyId)> {
    let changes = [Method::POST, Method::PATCH, Method::DELETE].contains(request.method());
    // Login calls are not management; an access code can be redeemed only once anyway.
    let login = {
        let is_login =
            |route: &MatchedRoute| [path::SAML_REDIRECT, path::SAML_REDEEM].contains(&&*route.pattern);
        request.extensions().get::<MatchedRoute>().is_some_and(is_login)
    };
    if !changes || login || !request.headers().contains_key(KEY) {
        return None;
    }
    let state = request.app_data::<web::Data<State>>()?.clone();
    // An unauthorised caller gets the error from the route itself.
    let principal = call::authenticate::<ManagementKey>(request.request()).await.ok()?;
    match principal.subject {
        Subject::ApiKey(id) => Some((state, id)),
        _ => None,
    }
}

/// The key: plain text, or a structured-field string (RFC 9651 §3.3.3), which is the same in quotes.
fn read_key(headers: &HeaderMap) -> app::Result<String> {
    let refused = || {
        app::Error::invalid(
            "Idempotency-Key",
            "must be one key of 1 to 255 visible ASCII characters, such as a UUID",
        )
    };
    let mut values = headers.get_all(KEY);
    let (value, None) = (values.next().ok_or_else(refused)?, values.next()) else { return Err(refused()) };
    let text = value.to_str().map_err(|_| refused())?.trim();
    let key = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let good =
        (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\,".contains(&b));
    if good { Ok(key.to_owned()) } else { Err(refused()) }
}

/// The digest of method, URI, `If-Match` and body: requests with the same digest are the same. A request that was refused
/// for its version is another one when it comes with the present version.
fn digest(request: &ServiceRequest, body: &[u8]) -> Digest {
    let mut text = format!("{} {} ", request.method(), request.uri()).into_bytes();
    for expected in request.headers().get_all(header::IF_MATCH) {
        text.extend(b"If-Match ");
        text.extend(expected.as_bytes());
        text.push(b' ');
    }
    text.extend(body);
    Digest::of(text)
}

/// Stores the response, or releases the key when a retry may succeed.
async fn store_response(
    state: &State,
    claim: &Claim,
    outcome: Result<ServiceResponse<impl MessageBody + 'static>, Error>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answered = match outcome {
        Ok(answered) => answered.map_into_boxed_body(),
        Err(error) => {
            release_key(state, claim).await;
            return Err(error);
        }
    };
    let status = answered.status();
    if status.is_server_error()
        || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status)
    {
        release_key(state, claim).await;
        return Ok(answered);
    }
    let (request, response) = answered.into_parts();
    let (response, body) = response.into_parts();
    let Ok(body) = body::to_bytes(body).await else {
        release_key(state, claim).await;
        return Err(ApiError::api(app::Error::internal("the response body cannot be read")).into());
    };
    if let Err(error) = idempotency::complete(state, claim, status.as_u16(), &body).await {
        // The request was carried out, so its response is returned; retries wait until the claim expires.
        tracing::error!(%error, "the response could not be stored for retries");
    }
    Ok(ServiceResponse::new(request, response.set_body(body).map_into_boxed_body()))
}

async fn release_key(state: &State, claim: &Claim) {
    if let Err(error) = idempotency::release(state, claim).await {
        tracing::error!(%error, "an idempotency key could not be released; it expires later");
    }
}

/// The stored response.
fn replayed(answer: &idempotency::ReplayedResponse) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    response.insert_header((REPLAYED, "true"));
    if answer.body.is_empty() {
        return response.finish();
    }
    response.content_type("application/json").body(answer.body.clone())
}

/// The only 409 of the API: it is temporary, so SDKs that retry it are right.
fn still_running() -> HttpResponse {
    HttpResponse::Conflict().insert_header((header::RETRY_AFTER, "1")).json(json!({
        "code": 10,
        "message": "the same request is still running; its answer can be had under the same Idempotency-Key",
        "details": [],
    }))
}

fn key_reused() -> HttpResponse {
    HttpResponse::UnprocessableEntity().json(json!({
        "code": 3,
        "message": "bad Idempotency-Key: another request was made with it; take a fresh one",
        "details": [],
    }))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_key_is_one_short_text() {
        let said = |values: &[&str]| {
            let mut request = TestRequest::default();
            for value in values {
                request = request.append_header((KEY, *value));
            }
            read_key(request.to_http_request().headers()).ok()
        };
        for (text, key) in [
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            ("\"8e03978e\"", "8e03978e"),
            (" order:7/retry ", "order:7/retry"),
        ] {
            assert_eq!(said(&[text]).as_deref(), Some(key));
        }
        let long = "x".repeat(256);
        for bad in ["", "\"\"", "\"", "a b", "a\"b", "a,b", "ä", "a\tb", long.as_str()] {
            assert_eq!(said(&[bad]), None, "{bad:?}");
        }
        assert_eq!(said(&["a", "b"]), None);
        assert!(said(&[&long[..255]]).is_some());
    }
}
