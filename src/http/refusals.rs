//! Requests of authenticated callers that their role or their key does not allow: they stand in the audit log.

use actix_web::{HttpMessage as _, HttpRequest, http::StatusCode, web};

use crate::{
    app::{State, audit, principal::Principal},
    web::kit::routing::MatchedRoute,
};

/// Records the refusal of a request, if it was one. An API key that was not given for a route is answered 401, as SSOReady
/// answers.
pub(super) async fn record(request: &HttpRequest, status: StatusCode) {
    if !matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED) {
        return;
    }
    let principal = request.extensions().get::<Principal>().copied();
    let route = request.extensions().get::<MatchedRoute>().cloned();
    let (Some(principal), Some(route), Some(state)) =
        (principal, route, request.app_data::<web::Data<State>>())
    else {
        return;
    };
    audit::refused(state, &principal, request.method().as_str(), &route.pattern).await;
}
