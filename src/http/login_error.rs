//! The response to a refused login, of SAML and of OAuth.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};
use saml::check::Check;
use serde_json::json;

use crate::{
    app::{State, login::RefusedLogin},
    web::{
        kit::response::{PagePolicy, page},
        login::{
            error_page::LoginErrorPage,
            error_texts,
            idp_redirect::{banner, see_other},
        },
    },
};

/// The response to a refused login: a page, or JSON for clients that ask for it.
pub(super) fn refusal_response(state: &State, refused: &RefusedLogin, request: &HttpRequest) -> HttpResponse {
    let code = refused.refusal.code();
    let flow = refused.flow.to_string();
    let status = if refused.is_invalid_message() { StatusCode::BAD_REQUEST } else { StatusCode::FORBIDDEN };
    let words = error_texts::text(code);
    let decisive = refused.failed_check();
    if let Some(page) = refused.test_result_url.as_deref().filter(|_| !wants_json(request)) {
        return see_other(page);
    }
    if wants_json(request) {
        let evidence = decisive.filter(|_| refused.signature_verified && words.show_values);
        return HttpResponse::build(status).insert_header((header::CACHE_CONTROL, "no-store")).json(json!({
            "reason": code,
            "message": words.happened,
            "remedy": words.remedy,
            "samlFlowId": flow,
            "expected": evidence.and_then(|check: &Check| check.expected.as_deref()),
            "found": evidence.and_then(|check| check.found.as_deref()),
            "redirectUrl": refused.error_redirect,
        }));
    }
    let view = LoginErrorPage {
        code,
        reference: &flow,
        check: decisive,
        signature_verified: refused.signature_verified,
        application: refused.application.as_deref(),
        organization: refused.organization.as_deref(),
        back: refused.error_redirect.as_deref(),
        banner: banner(state),
    };
    page(status, PagePolicy::SameOriginForms, view.view())
}

/// Whether the client accepts JSON and not HTML.
pub(super) fn wants_json(request: &HttpRequest) -> bool {
    let accept =
        request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/html")
}
