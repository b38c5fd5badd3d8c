//! How a page becomes an HTTP response: its status and the headers that keep it safe.

use actix_web::{
    HttpResponse,
    body::MessageBody,
    http::{StatusCode, header},
};
use maud::Markup;

/// Where the forms and scripts of a page may send requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagePolicy {
    /// The page begins or continues a chain of redirects and posts that may end at another site.
    /// Browsers apply `form-action` to the whole chain, so the header has none.
    AnyFormTarget,
    /// Forms post to our own origin only.
    SameOriginForms,
    /// The same, and a script may poll our own origin.
    SameOriginFormsAndFetch,
}

/// Everything but `form-action`: only our own files, nothing inline, no framing.
macro_rules! base_policy {
    () => {
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    };
}

impl PagePolicy {
    /// The `Content-Security-Policy` header.
    pub const fn content_security_policy(self) -> &'static str {
        match self {
            Self::AnyFormTarget => base_policy!(),
            Self::SameOriginForms => concat!(base_policy!(), "; form-action 'self'"),
            Self::SameOriginFormsAndFetch => {
                concat!(base_policy!(), "; form-action 'self'; connect-src 'self'")
            }
        }
    }

    /// The `Referrer-Policy` header. Our URLs carry one-time state and are never sent to other sites. A form
    /// posted to another site under `no-referrer` would carry `Origin: null`, which the CSRF checks of some
    /// identity providers refuse; `strict-origin` sends the origin only. Under `same-origin` our own CSRF
    /// check sees the origin of our own forms, and other sites see nothing.
    pub const fn referrer_policy(self) -> &'static str {
        match self {
            Self::AnyFormTarget => "strict-origin",
            Self::SameOriginForms | Self::SameOriginFormsAndFetch => "same-origin",
        }
    }
}

/// A page as an HTTP response. It is never stored, framed or sniffed.
pub fn page(status: StatusCode, policy: PagePolicy, markup: Markup) -> HttpResponse {
    page_of(status, policy, markup.into_string())
}

/// The same, of a page that was rendered before.
pub fn page_of(status: StatusCode, policy: PagePolicy, html: impl MessageBody + 'static) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, policy.content_security_policy()))
        .insert_header((header::REFERRER_POLICY, policy.referrer_policy()))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::X_FRAME_OPTIONS, "DENY"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(html)
}

/// Redirects to another of our pages.
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

#[cfg(test)]
mod tests {
    use maud::html;

    use super::*;

    #[test]
    fn every_page_carries_the_headers_that_keep_it_safe() {
        let response = page(StatusCode::FORBIDDEN, PagePolicy::SameOriginForms, html! { p { "a" } });
        assert_eq!(response.status(), 403);
        for (name, value) in [
            (
                "content-security-policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                 frame-ancestors 'none'; form-action 'self'",
            ),
            ("content-type", "text/html; charset=utf-8"),
            ("referrer-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(response.headers().get(name).unwrap(), value);
        }
    }

    #[test]
    fn a_page_in_a_login_chain_leaves_the_forms_target_open() {
        let response = page(StatusCode::OK, PagePolicy::AnyFormTarget, html! {});
        let policy = response.headers().get(header::CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
        assert!(!policy.contains("form-action"));
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"));
    }
}
