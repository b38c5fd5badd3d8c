//! `/metrics` for Prometheus: on a separate listener, or with a bearer token.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use base::secret::Digest;

use crate::{app::State, config::Redacted, telemetry};

/// The bearer token of `/metrics` on the gateway's own address. `None`: it is not served there.
#[derive(Debug, Clone)]
pub struct MetricsToken(pub Option<Redacted<String>>);

/// `/metrics` on the gateway's own address, with the bearer token.
pub async fn serve_with_token(
    request: HttpRequest,
    state: web::Data<State>,
    token: web::Data<MetricsToken>,
) -> HttpResponse {
    let Some(Redacted(token)) = &token.0 else {
        return HttpResponse::NotFound().finish();
    };
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match given {
        // Digests are compared in constant time.
        Some(given) if Digest::of(given) == Digest::of(token) => serve(state).await,
        _ => HttpResponse::Unauthorized().insert_header((header::WWW_AUTHENTICATE, "Bearer")).finish(),
    }
}

/// `/metrics` on the separate listener, without authentication.
pub async fn serve(state: web::Data<State>) -> HttpResponse {
    let pool = state.db.pool_size();
    telemetry::pool_observed(pool.idle, pool.open.saturating_sub(pool.idle));
    telemetry::readiness_observed(state.db.probe().await.is_ok());
    telemetry::process::observe();
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(telemetry::prometheus().render())
}
