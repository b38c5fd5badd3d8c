//! Which of a cookie's two names counts where.
//!
//! `__Host-` (RFC 6265bis §4.1.3.2) is a promise of the browser: such a cookie came over TLS from this very
//! host. A plain name can be set by any neighbouring host and by any page without TLS, so it counts only where
//! there is no TLS.

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

    /// The names that are set and that count at these links' origin, the better one first. On localhost both
    /// do: some browsers and most HTTP clients keep `Secure` cookies from it.
    pub fn at(&self, links: &Links) -> &[&'static str] {
        match (links.origin().starts_with("https:"), links.is_trustworthy()) {
            (true, _) => &self.0[..1],
            (false, true) => &self.0[..],
            (false, false) => &self.0[1..],
        }
    }

    /// The cookies that came under a name that counts, the better one first.
    pub fn read<'a>(
        &'a self,
        links: &Links,
        request: &'a HttpRequest,
    ) -> impl Iterator<Item = Cookie<'static>> + use<'a> {
        self.at(links).to_vec().into_iter().filter_map(|name| request.cookie(name))
    }
}
