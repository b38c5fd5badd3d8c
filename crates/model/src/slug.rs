//! Slugs: the short names of environments, and those reserved for routes.

use std::fmt;

use serde::Serialize;

/// First path segments of present or planned routes, which cannot be slugs.
pub const RESERVED_SLUGS: [&str; 24] = [
    ".well-known",
    "admin",
    "api",
    "assets",
    "branding",
    "console",
    "demo",
    "docs",
    "favicon.ico",
    "healthz",
    "internal",
    "metrics",
    "o",
    "oauth2",
    "oidc",
    "openapi.json",
    "readyz",
    "robots.txt",
    "scim2",
    "setup",
    "system",
    "t",
    "test-idp",
    "v1",
];

/// A short name used in paths: 1 to 63 lower-case letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Slug(String);

impl Slug {
    /// Parses a slug. The error is a message for the person who typed it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let slug = Self::parse_stored(text)
            .ok_or("must be 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end")?;
        if slug.is_reserved() {
            return Err("is reserved for a path of the service");
        }
        Ok(slug)
    }

    /// Reads a slug that an environment has. It may have been taken before its word was reserved.
    pub fn parse_stored(text: &str) -> Option<Self> {
        let good = (1..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        good.then(|| Self(text.to_owned()))
    }

    /// Whether a path of the service begins with it, so that the environment is reached by its id only.
    pub fn is_reserved(&self) -> bool {
        RESERVED_SLUGS.contains(&self.as_str())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_never_collide_with_routes() {
        for slug in RESERVED_SLUGS {
            assert!(Slug::parse(slug).is_err(), "{slug}");
            assert!(Slug::parse_stored(slug).is_none_or(|slug| slug.is_reserved()), "{slug}");
        }
        for slug in ["", "Prod", "a b", "-a", "a-", "ä"] {
            assert!(Slug::parse(slug).is_err(), "{slug:?}");
        }
        assert_eq!(Slug::parse("prod-2").unwrap().as_str(), "prod-2");
    }
}
