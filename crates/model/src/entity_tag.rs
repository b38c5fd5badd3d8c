//! Entity tags (RFC 9110 §8.8.3): the versions of resources, in requests and responses, in forms and in SCIM.

/// The entity tag of a version: weak, because one version has many representations (stamps of use are not part of it).
pub fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// The versions that a caller accepts: the entity tags of `If-Match` or `If-None-Match` (RFC 9110 §13.1), or the
/// version that a form was filled from.
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

    /// Whether a version matches. The comparison is weak: all our tags are weak, and clients send them in `If-Match`
    /// all the same (RFC 7644 §3.14).
    pub fn matches(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::List(tags) => tags.iter().any(|tag| *tag == version.to_string()),
        }
    }
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
