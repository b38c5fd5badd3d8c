//! The console's cookies: the session, and an SSO sign-in in progress. Both are `HttpOnly`.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
};

use crate::{links::Links, web::kit::cookie_names::CookieNames};

/// The session cookie.
const SESSION: CookieNames = CookieNames::new("__Host-ostiary_console", "ostiary_console");

/// The values of the session cookie in the request, at most two.
pub fn read(links: &Links, request: &HttpRequest) -> Vec<String> {
    let found = SESSION.read(links, request);
    let mut values: Vec<String> = found.map(|cookie| cookie.value().to_owned()).collect();
    values.dedup();
    values
}

/// Sets the session cookie. It has no `Max-Age`: the browser drops it on close, the server expires the session.
pub fn set(links: &Links, response: &mut HttpResponse, value: &str) {
    for name in SESSION.at(links) {
        add(response, base(name, value));
    }
}

/// Deletes the session cookie.
pub fn clear(links: &Links, response: &mut HttpResponse) {
    for name in SESSION.at(links) {
        let mut cookie = base(name, "");
        cookie.set_max_age(Duration::ZERO);
        add(response, cookie);
    }
}

/// The cookie of an SSO sign-in in progress at an identity provider.
const SSO: CookieNames = CookieNames::new("__Host-ostiary_console_sso", "ostiary_console_sso");

/// How long an SSO sign-in may take.
const SSO_LIFETIME: Duration = Duration::minutes(15);

fn sso_name(links: &Links) -> &'static str {
    // One name is enough; on localhost every client keeps the plain one.
    SSO.at(links).last().copied().unwrap_or(SSO.secure())
}

/// The value of the SSO cookie; empty if there is none.
pub fn read_sso(links: &Links, request: &HttpRequest) -> String {
    request.cookie(sso_name(links)).map(|cookie| cookie.value().to_owned()).unwrap_or_default()
}

/// Sets the SSO cookie.
pub fn set_sso(links: &Links, response: &mut HttpResponse, value: &str) {
    let mut cookie = base(sso_name(links), value);
    cookie.set_max_age(SSO_LIFETIME);
    add(response, cookie);
}

/// Deletes the SSO cookie.
pub fn clear_sso(links: &Links, response: &mut HttpResponse) {
    let mut cookie = base(sso_name(links), "");
    cookie.set_max_age(Duration::ZERO);
    add(response, cookie);
}

fn base<'a>(name: &'a str, value: &'a str) -> Cookie<'a> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .secure(name == SESSION.secure() || name == SSO.secure())
        // Lax: links in mails and tickets open the console signed in; cross-site posts carry no cookie.
        .same_site(SameSite::Lax)
        .finish()
}

fn add(response: &mut HttpResponse, cookie: Cookie<'_>) {
    // These cookies are always valid header values.
    let _ = response.add_cookie(&cookie);
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header, test::TestRequest};
    use url::Url;

    use super::*;

    fn links(url: &str) -> Links {
        Links::new(&Url::parse(url).unwrap()).unwrap()
    }

    fn lines(change: impl FnOnce(&mut HttpResponse)) -> Vec<String> {
        let mut response = HttpResponse::Ok().finish();
        change(&mut response);
        let lines = response.headers().get_all(header::SET_COOKIE);
        lines.map(|line| line.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_cookie_is_as_secure_as_the_place_allows() {
        let secure = "__Host-ostiary_console=x; HttpOnly; SameSite=Lax; Secure; Path=/";
        let plain = "ostiary_console=x; HttpOnly; SameSite=Lax; Path=/";
        for (url, expected) in [
            ("https://sso.example.com", &[secure][..]),
            ("http://localhost:8080", &[secure, plain]),
            ("http://10.0.0.1:8080", &[plain]),
        ] {
            assert_eq!(lines(|response| set(&links(url), response, "x")), expected, "{url}");
        }
        assert!(lines(|response| clear(&links("https://a.example"), response))[0].contains("Max-Age=0"));
    }

    #[test]
    fn over_https_only_the_prefixed_cookie_counts() {
        let request = TestRequest::get()
            .insert_header((header::COOKIE, "ostiary_console=planted; __Host-ostiary_console=own"))
            .to_http_request();
        assert_eq!(read(&links("https://sso.example.com"), &request), ["own"]);
        assert_eq!(read(&links("http://localhost:1"), &request), ["own", "planted"]);
        assert_eq!(read(&links("http://10.0.0.1"), &request), ["planted"]);
    }
}
