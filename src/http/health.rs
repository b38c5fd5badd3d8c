//! Liveness and readiness, for load balancers.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::app::State;

/// `/healthz`: the process answers.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// `/readyz`: the database answers, can be written, and has a schema that this program serves. The reason of a failure is only logged.
pub async fn ready(state: web::Data<State>) -> HttpResponse {
    let Err(fault) = state.db.probe().await else {
        return HttpResponse::Ok().json(json!({ "status": "ok" }));
    };
    tracing::error!(fault, "not ready");
    HttpResponse::ServiceUnavailable().json(json!({ "status": "not ready" }))
}
