//! Entity tags (RFC 7644 §3.14): the versions of resources, in requests and responses.

use super::error::{Error, Result};

/// The entity tag of a version (RFC 7644 §3.14): weak, because one version has many representations.
pub fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// The entity tags of `If-Match` or `If-None-Match` (RFC 9110 §13.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntityTags {
    /// `*`: any version.
    Any,
    /// These versions, without `W/` and quotes.
    List(Vec<String>),
}

impl EntityTags {
    /// Parses the value of the header.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if text == "*" {
            return Self::Any;
        }
        let one = |tag: &str| {
            let tag = tag.trim();
            let tag = tag.strip_prefix("W/").or_else(|| tag.strip_prefix("w/")).unwrap_or(tag);
            tag.trim_matches('"').to_owned()
        };
        Self::List(text.split(',').map(one).collect())
    }

    /// Whether a version matches. The comparison is weak: all our tags are weak, and RFC 7644 §3.14 has clients send
    /// them in `If-Match`.
    pub fn matches(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::List(tags) => tags.iter().any(|tag| *tag == version.to_string()),
        }
    }
}

/// Refuses a write whose `If-Match` does not match the version.
pub(super) fn check_version(if_match: Option<&EntityTags>, version: i64) -> Result<()> {
    match if_match {
        Some(tags) if !tags.matches(version) => Err(version_conflict(version)),
        _ => Ok(()),
    }
}

/// The error for a resource that is of this version, and not of the one that was expected.
pub(super) fn version_conflict(version: i64) -> Error {
    let now = etag(version);
    scim::Error::PreconditionFailed(format!("the resource was changed: its version is now {now}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        assert!(EntityTags::parse(&etag(3)).matches(3));
        assert!(EntityTags::parse("\"2\", W/\"3\"").matches(3));
        assert!(EntityTags::parse(" * ").matches(3));
        for other in ["", "\"33\"", "W/\"2\"", "3x"] {
            assert!(!EntityTags::parse(other).matches(3), "{other}");
        }
    }
}
