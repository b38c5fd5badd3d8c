//! The browser that carries a login: one random value in a cookie, of which the flow keeps the digest.

use std::fmt;

use crate::model::{random::Random, secret::Digest};

/// The value of the per-browser cookie: 32 hexadecimal digits. It names no person, only a browser.
#[derive(Clone, PartialEq, Eq)]
pub struct Browser(String);

impl Browser {
    /// A browser that was never here.
    pub fn new(random: &dyn Random) -> Self {
        Self(format!("{:032x}", random.bits()))
    }

    /// Reads the cookie's value; `None` when it is not one that we set.
    pub fn parse(value: &str) -> Option<Self> {
        (value.len() == 32 && value.bytes().all(|b| b.is_ascii_hexdigit())).then(|| Self(value.to_owned()))
    }

    /// The cookie's value.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the flow keeps.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
