//! `Idempotency-Key` for writes of programs: a request that is retried with the same key is carried out once. Each surface says whose
//! requests these are, and how its errors look ([`Writes`]).

use std::{future::Future, panic::resume_unwind};

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
use base::secret::Digest;

use super::request_body::BufferedBody;
use crate::app::{
    self, State,
    idempotency::{self, Claim, ClaimOutcome},
};

/// The request's header.
pub const KEY: &str = "idempotency-key";
/// The response header that marks a replayed response.
pub const REPLAYED: &str = "idempotency-replayed";

/// A surface whose writes may come with an `Idempotency-Key`.
pub trait Writes: 'static {
    /// Who makes a write, if they are authenticated; `None` also for a request that is none, or that takes no key. Whoever may not
    /// make it gets the error from the route itself.
    fn caller(request: &ServiceRequest) -> impl Future<Output = Option<(web::Data<State>, String)>>;

    /// An error, as the surface has it.
    fn error(request: &ServiceRequest, error: app::Error) -> Error;

    /// The refusal of a request that is still running.
    fn still_running(request: &ServiceRequest) -> HttpResponse;

    /// The refusal of a key with which another request was made.
    fn key_reused(request: &ServiceRequest) -> HttpResponse;
}

/// Whether a request is a write with a key.
pub fn is_write_with_key(request: &ServiceRequest) -> bool {
    let changes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(request.method());
    changes && request.headers().contains_key(KEY)
}

/// Middleware of every route of a surface.
pub async fn handle<S: Writes>(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let caller = match is_write_with_key(&request) {
        true => S::caller(&request).await,
        false => None,
    };
    let Some((state, caller)) = caller else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    let key = match read_key(request.headers()) {
        Ok(key) => key,
        Err(error) => {
            let error = S::error(&request, error);
            return Ok(request.error_response(error));
        }
    };
    let body =
        request.extract::<web::Bytes>().await.map_err(|error| match error.as_error::<PayloadError>() {
            Some(PayloadError::Overflow) => ErrorPayloadTooLarge(""),
            _ => error,
        })?;
    let asked = digest(&request, &body);
    let begun = match idempotency::claim(&state, caller, &key, asked).await {
        Ok(begun) => begun,
        Err(error) => {
            let error = S::error(&request, error);
            return Ok(request.error_response(error));
        }
    };
    let claim = match begun {
        ClaimOutcome::Claimed(claim) => claim,
        ClaimOutcome::Completed(answer) => return Ok(request.into_response(replayed(&answer))),
        ClaimOutcome::InProgress => {
            let refusal = S::still_running(&request);
            return Ok(request.into_response(refusal));
        }
        ClaimOutcome::KeyReused => {
            let refusal = S::key_reused(&request);
            return Ok(request.into_response(refusal));
        }
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
                Err(error) => Err(actix_web::error::ErrorInternalServerError(error)),
            }
        }
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
        return Err(actix_web::error::ErrorInternalServerError("the response body cannot be read"));
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
