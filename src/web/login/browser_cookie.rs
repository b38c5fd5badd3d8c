//! The cookie that binds a login to its browser.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite},
};

use crate::{app::login::BrowserId, links::Links, web::kit::cookie_names::CookieNames};

/// The cookie that binds a browser to its logins.
const COOKIE: CookieNames = CookieNames::new("__Host-ostiary_browser", "ostiary_browser");

/// The browser's cookie, under a name that is accepted here. With https that is one that no sibling host and no
/// page without TLS can set; otherwise an attacker could plant a login of their own (login CSRF).
pub fn browser(links: &Links, request: &HttpRequest) -> Option<BrowserId> {
    COOKIE.read(links, request).find_map(|cookie| BrowserId::parse(cookie.value()))
}

/// Sets the browser's cookie. A response of the identity provider is a cross-site post, so the cookie
/// must be `SameSite=None` where it can be `Secure`; elsewhere it is `Lax`, and the second post brings it.
pub(super) fn set_cookies(response: &mut HttpResponse, links: &Links, browser: &BrowserId) {
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
