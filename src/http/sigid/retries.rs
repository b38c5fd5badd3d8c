//! Writes that are retried with an `Idempotency-Key`, of users and of clients.

use actix_web::{
    Error, HttpMessage as _, HttpResponse, ResponseError as _,
    dev::ServiceRequest,
    http::{StatusCode, header, header::HeaderValue},
    web,
};

use super::{call, error::SigidError};
use crate::{
    app::{self, State},
    http::{idempotency::Writes, middleware::RequestId},
    links::path,
    web::kit::routing::MatchedRoute,
};

/// The writes of users and clients.
pub struct SigidWrites;

impl Writes for SigidWrites {
    async fn caller(request: &ServiceRequest) -> Option<(web::Data<State>, String)> {
        // A switch ends the token with which it is asked for: with that, nobody is told again.
        let gives_token =
            |route: &MatchedRoute| [path::SIGID_SESSIONS, path::SIGID_SWITCH].contains(&&*route.pattern);
        if request.extensions().get::<MatchedRoute>().is_some_and(gives_token) {
            return None;
        }
        let state = request.app_data::<web::Data<State>>()?.clone();
        let (token, _) = call::authenticate(&state, request.request()).await.ok()?;
        Some((state, token.claims.sub))
    }

    fn error(request: &ServiceRequest, error: app::Error) -> Error {
        traced(request, &error.into()).into()
    }

    fn still_running(request: &ServiceRequest) -> HttpResponse {
        let error = SigidError::new(
            StatusCode::CONFLICT,
            "idempotency_key_in_use",
            "the same request is still running; its answer can be had under the same Idempotency-Key",
        );
        let mut response = traced(request, &error).error_response();
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        response
    }

    fn key_reused(request: &ServiceRequest) -> HttpResponse {
        let error = SigidError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "another request was made with this Idempotency-Key; take a fresh one",
        );
        traced(request, &error).error_response()
    }
}

fn traced(request: &ServiceRequest, error: &SigidError) -> SigidError {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.to_string());
    error.traced(id.as_deref().unwrap_or_default())
}
