//! Sends a browser to an identity provider: the cookie that binds it to its login (ruling 6), and the redirect
//! or the page with a form that posts itself.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite},
    http::{StatusCode, header},
};

use super::auto_post::{AutoPost, AutoPostPurpose};
use crate::{
    app::{
        State,
        login::{BegunLogin, BrowserId, IdpRedirect},
    },
    links::Links,
    web::kit::{
        cookie_names::CookieNames,
        layout,
        response::{PagePolicy, page},
    },
};

/// The cookie that binds a browser to its logins.
const COOKIE: CookieNames = CookieNames::new("__Host-ostiary_browser", "ostiary_browser");

/// The requested host, from the `Host` header; browsers store cookies by it. It decides only where a login
/// begins, never whether it is valid.
pub fn host(request: &HttpRequest) -> &str {
    let header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    header.unwrap_or_else(|| request.uri().authority().map_or("", |authority| authority.as_str()))
}

/// The browser's cookie, under a name that is accepted here. With https that is one that no sibling host and no
/// page without TLS can set; otherwise an attacker could plant a login of their own (login CSRF).
pub fn browser(links: &Links, request: &HttpRequest) -> Option<BrowserId> {
    COOKIE.read(links, request).find_map(|cookie| BrowserId::parse(cookie.value()))
}

/// Sets the browser's cookie. A response of the identity provider is a cross-site post, so the cookie
/// must be `SameSite=None` where it can be `Secure`; elsewhere it is `Lax`, and the second post brings it.
fn set_cookies(response: &mut HttpResponse, links: &Links, browser: &BrowserId) {
    let cookie = |name: &'static str, secure: bool| {
        Cookie::build(name, browser.reveal().to_owned())
            .path("/")
            .http_only(true)
            .secure(secure)
            .same_site(if secure { SameSite::None } else { SameSite::Lax })
            .finish()
    };
    for name in COOKIE.at(links) {
        // Our cookies are always valid header values.
        let _ = response.add_cookie(&cookie(name, *name == COOKIE.secure()));
    }
}

/// The banner of every login page where the bundled identity provider is switched on (ruling 24).
pub fn banner(state: &State) -> Option<&'static str> {
    state.settings.test_idp.then_some(layout::TEST_SETUP_BANNER)
}

/// Sends the browser to the identity provider.
pub fn send_to_idp(state: &State, begun: BegunLogin) -> HttpResponse {
    let mut response = match &begun.redirect {
        IdpRedirect::Redirect(location) => see_other(location),
        IdpRedirect::Post(form) => {
            let fields: Vec<(&str, &str)> =
                form.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let view = AutoPost {
                action: &form.action,
                fields: &fields,
                purpose: AutoPostPurpose::SignIn { organization: None },
                banner: banner(state),
            };
            page(StatusCode::OK, PagePolicy::AnyFormTarget, view.view())
        }
    };
    set_cookies(&mut response, &state.links, &begun.browser);
    response
}

/// Redirects the browser, without a referrer.
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .finish()
}
