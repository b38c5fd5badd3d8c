//! The two names of a cookie, and which of them is accepted at which origin.
//!
//! With the prefix `__Host-` (RFC 6265bis §4.1.3.2) the browser guarantees that the cookie was set over TLS by
//! this host. A plain name can be set by any sibling host and by any page without TLS, so it is accepted only
//! where there is no TLS.

use actix_web::{HttpRequest, cookie::Cookie};

use crate::links::Links;

/// A cookie's name where it can be `Secure`, and on plain http.
pub struct CookieNames([&'static str; 2]);

impl CookieNames {
    /// `secure` must begin with `__Host-`.
    pub const fn new(secure: &'static str, plain: &'static str) -> Self {
        Self([secure, plain])
    }

    /// The name where the cookie can be `Secure`.
    pub const fn secure(&self) -> &'static str {
        self.0[0]
    }

    /// Both names.
    pub const fn all(&self) -> [&'static str; 2] {
        self.0
    }

    /// The names that are set and accepted at the origin of these links, the safer one first. On localhost both
    /// are: some browsers and most HTTP clients do not send `Secure` cookies to it.
    pub fn at(&self, links: &Links) -> &[&'static str] {
        match (links.origin().starts_with("https:"), links.is_trustworthy()) {
            (true, _) => &self.0[..1],
            (false, true) => &self.0[..],
            (false, false) => &self.0[1..],
        }
    }

    /// The request's cookies with an accepted name, the safer one first.
    pub fn read<'a>(
        &'a self,
        links: &Links,
        request: &'a HttpRequest,
    ) -> impl Iterator<Item = Cookie<'static>> + use<'a> {
        self.at(links).to_vec().into_iter().filter_map(|name| request.cookie(name))
    }
}
