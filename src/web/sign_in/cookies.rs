//! The cookies of a browser at an issuer: each issuer has its own, so that signing in at one organization does not sign out of
//! another. Their names carry no product's name: customers see them.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
};
use base::{id::OrganizationId, secret::Digest};

use crate::{app::login::BrowserId, links::Links};

/// The prefix with which browsers guarantee that this host set the cookie over TLS (RFC 6265bis §4.1.3.2).
const SECURE_PREFIX: &str = "__Host-";

/// What a cookie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The session.
    Session,
    /// What binds a request to its browser.
    Browser,
    /// What was just done, by a code: the next page says it.
    Done,
    /// The confirmation code of the invitation of a guest, until it is accepted.
    GuestInvitation,
    /// The invitation for which somebody signs in, by what stands in its link.
    Invitation,
    /// The page of the account for which somebody signs in, by its name.
    Next,
}

/// The names of a cookie of an organization's issuer that are set and accepted at the origin of these links, the safer one
/// first. On localhost both are: some browsers and most HTTP clients do not send `Secure` cookies to it.
pub fn names(links: &Links, organization: OrganizationId, purpose: Purpose) -> Vec<String> {
    let hash = Digest::of(format!("issuer/{organization}")).to_hex();
    let kind = match purpose {
        Purpose::Session => "session",
        Purpose::Browser => "browser",
        Purpose::Done => "done",
        Purpose::GuestInvitation => "guest_invitation",
        Purpose::Invitation => "invitation",
        Purpose::Next => "next",
    };
    let plain = format!("{kind}_{}", &hash[..16]);
    let secure = format!("{SECURE_PREFIX}{plain}");
    match (links.origin().starts_with("https:"), links.is_trustworthy()) {
        (true, _) => vec![secure],
        (false, true) => vec![secure, plain],
        (false, false) => vec![plain],
    }
}

/// The values of a cookie in a request, at most two.
pub fn read(
    links: &Links,
    request: &HttpRequest,
    organization: OrganizationId,
    purpose: Purpose,
) -> Vec<String> {
    let names = names(links, organization, purpose);
    let found = names.iter().filter_map(|name| request.cookie(name));
    let mut values: Vec<String> = found.map(|cookie| cookie.value().to_owned()).collect();
    values.dedup();
    values
}

/// The browser of a request.
pub fn browser(links: &Links, request: &HttpRequest, organization: OrganizationId) -> Option<BrowserId> {
    read(links, request, organization, Purpose::Browser).iter().find_map(|value| BrowserId::parse(value))
}

/// Sets a cookie. It has no `Max-Age`: the browser drops it on close, the server expires the session.
pub fn set(
    links: &Links,
    response: &mut HttpResponse,
    organization: OrganizationId,
    purpose: Purpose,
    value: &str,
) {
    for name in names(links, organization, purpose) {
        add(response, base(&name, value));
    }
}

/// Deletes a cookie.
pub fn clear(links: &Links, response: &mut HttpResponse, organization: OrganizationId, purpose: Purpose) {
    for name in names(links, organization, purpose) {
        let mut cookie = base(&name, "");
        cookie.set_max_age(Duration::ZERO);
        add(response, cookie);
    }
}

fn base<'a>(name: &'a str, value: &'a str) -> Cookie<'a> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .secure(name.starts_with(SECURE_PREFIX))
        // Lax: applications on other sites send people here; cross-site posts carry no cookie.
        .same_site(SameSite::Lax)
        .finish()
}

fn add(response: &mut HttpResponse, cookie: Cookie<'_>) {
    // These cookies are always valid header values.
    let _ = response.add_cookie(&cookie);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_issuer_has_cookies_of_its_own() {
        let links = |url: &str| Links::new(&url.parse().unwrap()).unwrap();
        let (one, other) = (OrganizationId::from_bits(1), OrganizationId::from_bits(2));
        let https = links("https://sso.example");
        let name = |organization, purpose| names(&https, organization, purpose).remove(0);
        assert!(name(one, Purpose::Session).starts_with("__Host-session_"));
        assert_ne!(name(one, Purpose::Session), name(other, Purpose::Session));
        assert_ne!(name(one, Purpose::Session), name(one, Purpose::Browser));
        assert_eq!(names(&https, one, Purpose::Session).len(), 1);
        assert_eq!(names(&links("http://localhost:8080"), one, Purpose::Session).len(), 2);
        let plain = names(&links("http://sso.example"), one, Purpose::Session);
        assert!(plain.len() == 1 && plain[0].starts_with("session_"));
    }
}
