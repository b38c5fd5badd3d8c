//! A browser on its way to an identity provider: the cookie that binds it to its login (ruling 6), and the
//! page or redirect that sends it there.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite},
    http::{StatusCode, header},
};

use super::{
    auto_post::{AutoPost, Purpose},
    layout,
    response::{Policy, page},
};
use crate::{
    app::{
        State,
        sign_in::{Begun, Browser, ToIdp},
    },
    links::Links,
};

/// The cookie where it can be `Secure`: https, and localhost in browsers that count it as secure.
const SECURE_COOKIE: &str = "__Host-ostiary_browser";

/// The cookie on plain http. On localhost both are set: some browsers and most HTTP clients keep
/// `Secure` cookies from it.
const PLAIN_COOKIE: &str = "ostiary_browser";

/// The host that the browser called, from its `Host` header: what its cookies are kept by. It decides
/// only where a login begins, never whether it is good.
pub fn host(request: &HttpRequest) -> &str {
    let header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    header.unwrap_or_else(|| request.uri().authority().map_or("", |authority| authority.as_str()))
}

/// The browser's cookie, in either form.
pub fn browser(request: &HttpRequest) -> Option<Browser> {
    [SECURE_COOKIE, PLAIN_COOKIE]
        .into_iter()
        .find_map(|name| request.cookie(name).and_then(|cookie| Browser::parse(cookie.value())))
}

/// Sets the browser's cookie. A response of the identity provider is a cross-site post, so the cookie
/// must be `SameSite=None` where it can be `Secure`; elsewhere it is `Lax` and the bounce brings it.
fn set_cookies(response: &mut HttpResponse, links: &Links, browser: &Browser) {
    let cookie = |name: &'static str, secure: bool| {
        Cookie::build(name, browser.reveal().to_owned())
            .path("/")
            .http_only(true)
            .secure(secure)
            .same_site(if secure { SameSite::None } else { SameSite::Lax })
            .finish()
    };
    let mut cookies = Vec::new();
    if links.is_trustworthy() {
        cookies.push(cookie(SECURE_COOKIE, true));
    }
    if !links.origin().starts_with("https:") {
        cookies.push(cookie(PLAIN_COOKIE, false));
    }
    for cookie in cookies {
        // A cookie of ours is always a valid header.
        let _ = response.add_cookie(&cookie);
    }
}

/// Says on every page of a login that the bundled identity provider is switched on (ruling 24).
pub fn banner(state: &State) -> Option<&'static str> {
    state.settings.test_idp.then_some(layout::TEST_SET_UP)
}

/// Sends the browser to the identity provider.
pub fn send_to_idp(state: &State, begun: Begun) -> HttpResponse {
    let mut response = match &begun.to_idp {
        ToIdp::Redirect(location) => see_other(location),
        ToIdp::Post(form) => {
            let fields: Vec<(&str, &str)> =
                form.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let view = AutoPost {
                action: &form.action,
                fields: &fields,
                purpose: Purpose::SignIn { organization: None },
                banner: banner(state),
            };
            page(StatusCode::OK, Policy::Chain, view.view())
        }
    };
    set_cookies(&mut response, &state.links, &begun.browser);
    response
}

/// Sends the browser elsewhere, and tells nobody from where.
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .finish()
}
