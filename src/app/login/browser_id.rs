//! The browser that a login is bound to: a random value in a cookie, of which the flow stores the digest.

use std::fmt;

use base::{random::Random, secret::Digest};

/// The value of the per-browser cookie: 32 hexadecimal digits. It identifies a browser, not a person.
#[derive(Clone, PartialEq, Eq)]
pub struct BrowserId(String);

impl BrowserId {
    /// A new value, for a browser without the cookie.
    pub fn new(random: &dyn Random) -> Self {
        Self(format!("{:032x}", random.bits()))
    }

    /// Parses the cookie's value; `None` if the format is not ours.
    pub fn parse(value: &str) -> Option<Self> {
        (value.len() == 32 && value.bytes().all(|b| b.is_ascii_hexdigit())).then(|| Self(value.to_owned()))
    }

    /// The cookie's value.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The digest that the flow stores.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Debug for BrowserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
