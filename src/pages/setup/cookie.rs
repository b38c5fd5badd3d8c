//! The cookie of a browser that redeemed a setup link.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
};

use crate::links::Links;

/// The cookie where it can be `Secure`: https, and localhost in browsers that count it as secure.
const SECURE: &str = "__Host-ostiary_setup";

/// The cookie on plain http. On localhost both are set: some browsers and most HTTP clients keep
/// `Secure` cookies from it.
const PLAIN: &str = "ostiary_setup";

/// The names that count here. Where there is https only the one counts that no neighbouring host and no
/// page without TLS can set.
fn names(links: &Links) -> &'static [&'static str] {
    match (links.origin().starts_with("https:"), links.is_trustworthy()) {
        (true, _) => &[SECURE],
        (false, true) => &[SECURE, PLAIN],
        (false, false) => &[PLAIN],
    }
}

/// The values of the session cookie that came.
pub fn read(links: &Links, request: &HttpRequest) -> Vec<String> {
    let found = names(links).iter().filter_map(|name| request.cookie(name));
    let mut values: Vec<String> = found.map(|cookie| cookie.value().to_owned()).collect();
    values.dedup();
    values
}

/// Sets the session cookie; it stays until `lasts` is over, so that the admin may come back tomorrow.
pub fn set(links: &Links, response: &mut HttpResponse, value: &str, lasts: std::time::Duration) {
    for name in names(links) {
        let mut cookie = base(name, value);
        cookie.set_max_age(Duration::seconds(i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX)));
        add(response, cookie);
    }
}

/// Takes the session cookie away.
pub fn clear(links: &Links, response: &mut HttpResponse) {
    for name in names(links) {
        let mut cookie = base(name, "");
        cookie.set_max_age(Duration::ZERO);
        add(response, cookie);
    }
}

fn base<'a>(name: &'a str, value: &'a str) -> Cookie<'a> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .secure(name == SECURE)
        // Links in mails lead here; posts from elsewhere come without it.
        .same_site(SameSite::Lax)
        .finish()
}

fn add(response: &mut HttpResponse, cookie: Cookie<'_>) {
    // A cookie of ours is always a valid header.
    let _ = response.add_cookie(&cookie);
}
