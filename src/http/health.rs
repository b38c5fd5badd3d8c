//! Liveness and readiness, for load balancers.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::app::State;

/// `/healthz`: the process answers.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// `/readyz`: the database answers and has every migration. The reason of a failure is only logged.
pub async fn ready(state: web::Data<State>) -> HttpResponse {
    let fault = match state.db.migrations().await {
        Ok(migrations) if migrations.missing.is_empty() => {
            return HttpResponse::Ok().json(json!({ "status": "ok" }));
        }
        Ok(migrations) => format!("migrations are missing: {}", migrations.missing.join(", ")),
        Err(error) => error.to_string(),
    };
    tracing::error!(fault, "not ready");
    HttpResponse::ServiceUnavailable().json(json!({ "status": "not ready" }))
}
