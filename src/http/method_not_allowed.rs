//! The response to a method that a resource does not support.

use std::future::ready;

use actix_web::{HttpResponse, Route, http::header, web};

/// 405 with `Allow` (RFC 9110 §15.5.6); `middleware` adds the body.
pub(super) fn method_not_allowed(allowed: impl Into<String>) -> Route {
    let allowed = allowed.into();
    web::to(move || {
        ready(HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, allowed.as_str())).finish())
    })
}
