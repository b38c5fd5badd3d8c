//! Liveness and readiness, for load balancers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::app::State;

/// How long a load balancer waits for the answer at most.
const MAX_PROBE_TIME: Duration = Duration::from_millis(950);

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

/// `/readyz`: the database answers, can be written, and has a schema that this program serves; no background task has ended
/// that only a restart brings back; and the server is not about to stop. A job that fails is no reason: it is tried again, and
/// the replica serves meanwhile. The reason of a failure is only logged.
pub async fn ready(state: web::Data<State>, stopping: web::Data<Stopping>) -> HttpResponse {
    if stopping.is_announced() {
        return HttpResponse::ServiceUnavailable().json(json!({ "status": "stopping" }));
    }
    // The probe has a deadline itself; a caller may also wait for that of another one, which went away.
    let probed = tokio::time::timeout(MAX_PROBE_TIME, state.db.probe()).await;
    let dead = state.background_tasks.dead();
    let fault = match probed.unwrap_or_else(|_| Err("the database does not answer in time".to_owned())) {
        Ok(()) if dead.is_empty() => return HttpResponse::Ok().json(json!({ "status": "ok" })),
        Ok(()) => format!("background tasks have ended: {}", dead.join(", ")),
        Err(fault) => fault,
    };
    tracing::error!(fault, "not ready");
    HttpResponse::ServiceUnavailable().json(json!({ "status": "not ready" }))
}
