//! Notes every request to a directory that is there, after it was answered.

use std::time::Instant;

use actix_web::{
    Error, HttpMessage as _,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};

use super::{
    answer::Code,
    call::{Called, Came},
};
use crate::app::{
    State,
    scim_requests::{self, NewScimRequest},
};

/// Answers a request and notes it. The note waits for nothing.
pub(super) async fn note(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (at, began) = (state.now(), Instant::now());
    let response = next.call(request).await?.map_into_boxed_body();
    let (request, response) = response.into_parts();
    let Some(Called(directory)) = request.extensions().get::<Called>().copied() else {
        return Ok(ServiceResponse::new(request, response));
    };
    let code = response.extensions().get::<Code>().map(|code| code.0);
    let (head, body) = response.into_parts();
    // Every body of ours is in memory already; another kind would not be noted.
    let (body, bytes) = match body.try_into_bytes() {
        Ok(bytes) => (BoxBody::new(bytes.clone()), bytes),
        Err(body) => (body, web::Bytes::new()),
    };
    let came = request.extensions().get::<Came>().map(|came| came.0.clone()).unwrap_or_default();
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    scim_requests::note(
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
    let response = head.set_body(body);
    Ok(ServiceResponse::new(request, response))
}
