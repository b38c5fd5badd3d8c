//! Redirects, and query strings with only the console's own paths.

use actix_web::HttpRequest;

use crate::links::console;

/// A query parameter.
pub(in crate::web::console) fn query(request: &HttpRequest, name: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
    pairs.into_owned().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// The path and query of this request, to return to after sign-in.
pub(super) fn requested_path(request: &HttpRequest) -> String {
    request.uri().path_and_query().map_or_else(String::new, |path| path.as_str().to_owned())
}

/// The path to redirect to after sign-in: `next` if it is a path of the console, else the console's first
/// page. Prevents open redirects.
pub fn safe_next(next: &str) -> &str {
    let inside = next
        .strip_prefix(console::HOME)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with('?'));
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    // Sign-in and sign-out as targets would loop.
    let leads_on =
        ![console::SIGN_IN, console::SIGN_OUT, console::JOIN].iter().any(|own| next.starts_with(own));
    let upwards = next.split(['/', '?']).any(|segment| segment == "..");
    if inside && plain && leads_on && !upwards && next.len() <= 2000 { next } else { console::HOME }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_console_are_gone_on_to() {
        for good in
            ["/console", "/console/", "/console/env_1/organizations?search=a%20b&page=2", "/console?x"]
        {
            assert_eq!(safe_next(good), good);
        }
        for bad in [
            "",
            "/",
            "console",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/console",
            "/console\\@evil.example",
            "/consoles",
            "/console@evil.example",
            "/console.evil.example",
            "javascript:alert(1)",
            "/console/../v1/oauth/authorize",
            "/console/..",
            "/console/\r\nX: y",
            "/console/ä",
            "/console/sign-in",
            "/console/sign-in?next=/console",
            "/console/sign-out",
            "/console/join?token=x",
            "/\t/evil.example",
            "/console/\u{0}",
        ] {
            assert_eq!(safe_next(bad), "/console", "{bad:?}");
        }
        assert_eq!(safe_next(&format!("/console/{}", "x".repeat(2000))), "/console");
    }
}
