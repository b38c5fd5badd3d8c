//! The cookie of a browser that redeemed a setup link.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
};
use model::environment::Environment;

use crate::{app::State, links::Links, web::kit::cookie_names::CookieNames};

/// The session's cookie.
const SESSION: CookieNames = CookieNames::new("__Host-ostiary_setup", "ostiary_setup");

/// The links of the requested host. Setup pages are served below the environment's own auth URL, which setup
/// links use, and below the public URL; browsers store cookies by host, and each may have its own scheme.
pub fn links_for_host(state: &State, environment: &Environment, request: &HttpRequest) -> Links {
    let own = state.links_of(environment);
    if own.authority().eq_ignore_ascii_case(crate::web::kit::request::host(request)) {
        own
    } else {
        state.links.clone()
    }
}

/// A session cookie of a request. Whether it is accepted depends on the environment that its session belongs to.
pub struct PresentedCookie {
    name: &'static str,
    /// Its value.
    pub value: String,
}

impl PresentedCookie {
    /// Whether its name is accepted at the origin of these links.
    pub fn is_accepted_at(&self, links: &Links) -> bool {
        SESSION.at(links).contains(&self.name)
    }
}

/// The request's session cookies.
pub fn read(request: &HttpRequest) -> Vec<PresentedCookie> {
    let came =
        |name| request.cookie(name).map(|cookie| PresentedCookie { name, value: cookie.value().to_owned() });
    SESSION.all().into_iter().filter_map(came).collect()
}

/// Sets the session cookie with the lifetime `max_age`, so that the admin may come back another day.
pub fn set(links: &Links, response: &mut HttpResponse, value: &str, max_age: std::time::Duration) {
    for name in SESSION.at(links) {
        let mut cookie = base(name, value);
        cookie.set_max_age(Duration::seconds(i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX)));
        add(response, cookie);
    }
}

/// Removes the session cookie.
pub fn clear(links: &Links, response: &mut HttpResponse) {
    for name in SESSION.at(links) {
        let mut cookie = base(name, "");
        cookie.set_max_age(Duration::ZERO);
        add(response, cookie);
    }
}

fn base<'a>(name: &'a str, value: &'a str) -> Cookie<'a> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .secure(name == SESSION.secure())
        // It is sent when a link in an e-mail is opened, and not with posts from other sites.
        .same_site(SameSite::Lax)
        .finish()
}

fn add(response: &mut HttpResponse, cookie: Cookie<'_>) {
    // Our cookies are always valid header values.
    let _ = response.add_cookie(&cookie);
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn a_cookie_without_tls_counts_only_where_there_is_none() {
        for (origin, secure, plain) in [
            ("https://sso.example.com", true, false),
            ("http://localhost:8080", true, true),
            ("http://10.0.0.7:8080", false, true),
        ] {
            let links = Links::new(&Url::parse(origin).unwrap()).unwrap();
            let counts = |name| PresentedCookie { name, value: String::new() }.is_accepted_at(&links);
            let [prefixed, unprefixed] = SESSION.all();
            assert_eq!((counts(prefixed), counts(unprefixed)), (secure, plain), "{origin}");
        }
    }
}
