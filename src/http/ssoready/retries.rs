//! Writes of the management API that are retried with an `Idempotency-Key`.

use actix_web::{Error, HttpMessage as _, HttpResponse, dev::ServiceRequest, http::header, web};
use serde_json::json;

use super::call::{self, ManagementKey};
use crate::{
    app::{self, State, principal::Subject},
    http::{api_error::ApiError, idempotency::Writes},
    links::path,
    web::kit::routing::MatchedRoute,
};

/// The writes of API keys.
pub struct ApiWrites;

impl Writes for ApiWrites {
    async fn caller(request: &ServiceRequest) -> Option<(web::Data<State>, String)> {
        // Login calls are not management; an access code can be redeemed only once anyway.
        let is_login = {
            let is_login =
                |route: &MatchedRoute| [path::SAML_REDIRECT, path::SAML_REDEEM].contains(&&*route.pattern);
            request.extensions().get::<MatchedRoute>().is_some_and(is_login)
        };
        if is_login {
            return None;
        }
        let state = request.app_data::<web::Data<State>>()?.clone();
        let principal = call::authenticate::<ManagementKey>(request.request()).await.ok()?;
        match principal.subject {
            Subject::ApiKey(id) => Some((state, id.to_string())),
            _ => None,
        }
    }

    fn error(_: &ServiceRequest, error: app::Error) -> Error {
        ApiError::api(error).into()
    }

    /// The only 409 of the API: it is temporary, so SDKs that retry it are right.
    fn still_running(_: &ServiceRequest) -> HttpResponse {
        HttpResponse::Conflict().insert_header((header::RETRY_AFTER, "1")).json(json!({
            "code": 10,
            "message": "the same request is still running; its answer can be had under the same Idempotency-Key",
            "details": [],
        }))
    }

    fn key_reused(_: &ServiceRequest) -> HttpResponse {
        HttpResponse::UnprocessableEntity().json(json!({
            "code": 3,
            "message": "bad Idempotency-Key: another request was made with it; take a fresh one",
            "details": [],
        }))
    }
}
