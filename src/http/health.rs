//! Liveness and readiness, for load balancers.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::app::State;

/// Whether the server is about to stop: then it is not ready, and asks for each connection to be closed, so that load
/// balancers and clients turn to others before it is gone.
#[derive(Debug, Clone, Default)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    /// The server is about to stop.
    pub fn announce(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is.
    pub fn is_announced(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// `/healthz`: the process answers.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// `/readyz`: the database answers, can be written, and has a schema that this program serves; and the server is not
/// about to stop. The reason of a failure is only logged.
pub async fn ready(state: web::Data<State>, stopping: web::Data<Stopping>) -> HttpResponse {
    if stopping.is_announced() {
        return HttpResponse::ServiceUnavailable().json(json!({ "status": "stopping" }));
    }
    let Err(fault) = state.db.probe().await else {
        return HttpResponse::Ok().json(json!({ "status": "ok" }));
    };
    tracing::error!(fault, "not ready");
    HttpResponse::ServiceUnavailable().json(json!({ "status": "not ready" }))
}
