//! Logs every authenticated request after its response. Unauthenticated requests are not logged, since anybody can
//! send them; they only appear in the metrics.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use actix_web::{
    Error, HttpMessage as _, HttpRequest,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};
use base::{id::ScimDirectoryId, time::Timestamp};
use serde_json::Value;

use super::{
    call::ScimCall,
    extensions::{AuthenticatedDirectory, ErrorCode, LoggedBody, ReceivedAt, RequestPermit},
};
use crate::app::{
    State,
    directories::request_log::{self, NewScimRequest},
};

/// The log entry of a request that continues after its client has disconnected.
pub(super) struct DetachedRequest {
    directory: ScimDirectoryId,
    at: Timestamp,
    method: String,
    path: String,
    body: web::Bytes,
    began: Instant,
}

impl DetachedRequest {
    /// Copies what the log needs from a request.
    pub(super) fn of(request: &HttpRequest, call: &ScimCall, at: Timestamp) -> Self {
        Self {
            directory: call.directory.directory.id,
            at,
            method: request.method().to_string(),
            path: request.uri().path_and_query().map_or("", |path| path.as_str()).to_owned(),
            body: call.body().clone(),
            began: Instant::now(),
        }
    }

    /// The response to hand over: it is logged unless somebody takes it.
    pub(super) fn answer(self, state: State, body: Value) -> DetachedAnswer {
        DetachedAnswer { request: self, state, body: Some(body) }
    }
}

/// The response of a [`DetachedRequest`]. If it is dropped before it is taken, on whichever side of the hand-over, the log
/// has it as one that was not sent.
pub(super) struct DetachedAnswer {
    request: DetachedRequest,
    state: State,
    body: Option<Value>,
}

impl DetachedAnswer {
    /// The response, to be sent and logged like any other.
    pub(super) fn take(mut self) -> Value {
        self.body.take().unwrap_or_default()
    }
}

impl Drop for DetachedAnswer {
    fn drop(&mut self) {
        let (Some(body), request) = (self.body.take(), &self.request) else { return };
        request_log::enqueue(
            &self.state,
            &NewScimRequest {
                directory: request.directory,
                at: request.at,
                method: &request.method,
                path: &request.path,
                status: 200,
                duration: request.began.elapsed(),
                request_body: &request.body,
                response_body: body.to_string().as_bytes(),
                error: Some("unanswered"),
            },
        );
    }
}

/// Middleware that logs a request after its response. Logging does not delay the response.
pub(super) async fn log_request(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (at, began) = (state.now(), Instant::now());
    request.extensions_mut().insert(ReceivedAt(at));
    let response = next.call(request).await?.map_into_boxed_body();
    let (request, response) = response.into_parts();
    let Some(AuthenticatedDirectory(directory)) =
        request.extensions().get::<AuthenticatedDirectory>().copied()
    else {
        return Ok(ServiceResponse::new(request, response));
    };
    let code = response.extensions().get::<ErrorCode>().map(|code| code.0);
    let (head, body) = response.into_parts();
    // All bodies are in memory; a streamed one would not be logged.
    let (body, bytes) = match body.try_into_bytes() {
        Ok(bytes) => (BoxBody::new(bytes.clone()), bytes),
        Err(body) => (body, web::Bytes::new()),
    };
    let came = request.extensions().get::<LoggedBody>().map(|came| came.0.clone()).unwrap_or_default();
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    request_log::enqueue(
        &state,
        &NewScimRequest {
            directory,
            at,
            method: request.method().as_str(),
            path,
            status: head.status().as_u16(),
            duration: began.elapsed(),
            request_body: &came,
            response_body: &bytes,
            error: code,
        },
    );
    let turn = request.extensions_mut().remove::<RequestPermit>();
    let response = head.set_body(BoxBody::new(BodyWithPermit { body, _turn: turn }));
    Ok(ServiceResponse::new(request, response))
}

/// A response body that holds its request's permit: a client that reads slowly delays only its own directory, and
/// limits how many such responses are in memory.
struct BodyWithPermit {
    body: BoxBody,
    _turn: Option<RequestPermit>,
}

impl MessageBody for BodyWithPermit {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<web::Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
