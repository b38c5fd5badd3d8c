//! Attribute names (RFC 7644 §3.10).

use std::fmt;

use base::bounded_json::quoted;

use crate::{
    Error, ResourceType,
    schema::{self, Attribute},
};

/// Maximum length of a path in bytes.
pub const MAX_PATH_BYTES: usize = 16 * 1024;

/// Maximum number of segments in the URN of an unknown attribute.
const MAX_SEGMENTS: usize = 16;

/// An attribute, or a sub-attribute, or a whole extension: `[URN ":"] name ["." sub]`.
///
/// Known names are spelled as in their definition, and the URN of a core schema is omitted, so that all names
/// of the same attribute are equal. `department` alone means the enterprise extension's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributePath {
    schema: Option<String>,
    name: String,
    sub: Option<String>,
}

impl AttributePath {
    /// Parses a name. Names are case-insensitive (RFC 7643 §2.1).
    ///
    /// A URN that is not of a known schema names a whole schema when its last segment follows a version, as
    /// in `urn:example:2.0:User`, or when it has three segments; otherwise it is split at its last colon. The
    /// older dotted form (`…:2.0:User.department`) is accepted.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_PATH_BYTES {
            return Err(Error::InvalidPath(format!("a path is longer than {MAX_PATH_BYTES} bytes")));
        }
        if !is_urn(text) {
            return Self::unqualified(text);
        }
        for known in schema::KNOWN {
            let Some(rest) = strip_prefix(text, known.id) else { continue };
            let extension = schema::extends_user(known.id).then(|| known.id.to_owned());
            match rest.strip_prefix([':', '.']) {
                Some(rest) => return Self::of(extension, rest, text),
                None if rest.is_empty() => return Ok(Self::for_schema(known.id)),
                None => {}
            }
        }
        Self::of_unknown(text)
    }

    /// Parses a URN, or a URL used as one, of an unknown schema.
    fn of_unknown(text: &str) -> Result<Self, Error> {
        let refused =
            || Error::InvalidPath(format!("{} names neither a schema nor an attribute", quoted(text)));
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"()[]<>\\^`{|}".contains(&byte)) {
            return Err(refused());
        }
        let (before, last) = text.rsplit_once(':').ok_or_else(refused)?;
        if text.contains("://") {
            let attribute = before.matches(':').count() == 1 && last.split('.').all(is_name);
            return if attribute {
                Self::of(Some(before.to_owned()), last, text)
            } else {
                Ok(Self::for_schema(text))
            };
        }
        let segments: Vec<&str> = text.split(':').collect();
        if segments.len() < 3 || segments.iter().any(|segment| segment.is_empty()) {
            return Err(refused());
        }
        // `urn:example:2.0:User`: the schema's name follows the version.
        if let Some(behind) = segments.iter().skip(2).position(|segment| is_version(segment)) {
            return match (segments.len() - behind - 3, last.split_once('.')) {
                (0, _) | (1, None) => Ok(Self::for_schema(text)),
                (1, Some((name, attribute))) if !name.is_empty() => {
                    Self::of(Some(format!("{before}:{name}")), attribute, text)
                }
                (2, _) if !before.rsplit(':').next().is_some_and(|name| name.contains('.')) => {
                    Self::of(Some(before.to_owned()), last, text)
                }
                _ => Err(refused()),
            };
        }
        match segments.as_slice() {
            [_, _, _] => Ok(Self::for_schema(text)),
            [_, _, _, _] => Self::of(Some(before.to_owned()), last, text),
            // The schema's own URN must parse as one too.
            _ if segments.len() <= MAX_SEGMENTS => {
                Self::of_unknown(before).and_then(|_| Self::of(Some(before.to_owned()), last, text))
            }
            _ => Err(refused()),
        }
    }

    /// Parses a name without a URN: of a core schema, else of the enterprise extension.
    fn unqualified(text: &str) -> Result<Self, Error> {
        let name = text.split_once('.').map_or(text, |(name, _)| name);
        let extension = match schema::by_name(name) {
            Some((Some(schema), _)) if schema.id == schema::ENTERPRISE_USER.id => Some(schema.id.to_owned()),
            _ => None,
        };
        Self::of(extension, text, text)
    }

    fn of(schema: Option<String>, text: &str, whole: &str) -> Result<Self, Error> {
        let (name, sub) = match text.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (text, None),
        };
        if !is_name(name) || !sub.is_none_or(is_name) {
            return Err(Error::InvalidPath(format!("{} names no attribute", quoted(whole))));
        }
        let mut path = Self { schema, name: name.to_owned(), sub: sub.map(str::to_owned) };
        if let Some(definition) = path.definition() {
            path.name = definition.name.to_owned();
            if let Some(sub) = sub {
                path = path.with_sub(sub)?;
            }
        }
        Ok(path)
    }

    /// The whole schema with this URN.
    pub(super) fn for_schema(urn: &str) -> Self {
        Self { schema: Some(urn.to_owned()), name: String::new(), sub: None }
    }

    /// The attribute with this name in an extension.
    pub(super) fn in_extension(urn: &str, name: &str) -> Result<Self, Error> {
        Self::of(Some(urn.to_owned()), name, name)
    }

    /// The sub-attribute with this name of an element of `parent`.
    pub(super) fn within(parent: Option<&'static Attribute>, text: &str) -> Result<Self, Error> {
        if !is_name(text) {
            return Err(Error::InvalidPath(format!("{} names no sub-attribute", quoted(text))));
        }
        let known = parent.and_then(|parent| parent.sub_attribute(text));
        Ok(Self { schema: None, name: known.map_or(text, |known| known.name).to_owned(), sub: None })
    }

    /// The sub-attribute with this name of this attribute.
    pub(super) fn with_sub(mut self, sub: &str) -> Result<Self, Error> {
        if !is_name(sub) {
            return Err(Error::InvalidPath(format!("{} names no sub-attribute", quoted(sub))));
        }
        let definition = self.definition();
        if definition.is_some_and(|definition| definition.sub_attributes.is_empty()) {
            return Err(Error::InvalidPath(format!("{} has no sub-attributes", self.name)));
        }
        let known = definition.and_then(|definition| definition.sub_attribute(sub));
        self.sub = Some(known.map_or(sub, |known| known.name).to_owned());
        Ok(self)
    }

    /// The URN of its extension; `None` for core and common attributes.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The attribute's name; empty for a whole schema.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The sub-attribute's name.
    pub fn sub(&self) -> Option<&str> {
        self.sub.as_deref()
    }

    /// Whether it names a whole schema.
    pub fn is_schema(&self) -> bool {
        self.name.is_empty()
    }

    /// The definition of the attribute, not of its sub-attribute, if known.
    pub fn definition(&self) -> Option<&'static Attribute> {
        match &self.schema {
            Some(id) => schema::by_id(id)?.attribute(&self.name),
            None => match schema::by_name(&self.name)? {
                (Some(schema), _) if schema.id == schema::ENTERPRISE_USER.id => None,
                (_, attribute) => Some(attribute),
            },
        }
    }

    /// The definition of the sub-attribute or, without one, of the attribute, if known.
    pub fn target(&self) -> Option<&'static Attribute> {
        match &self.sub {
            Some(sub) => self.definition()?.sub_attribute(sub),
            None => self.definition(),
        }
    }

    /// The attribute's definition for this resource type: `displayName` is required for groups only.
    pub(super) fn definition_in(&self, kind: ResourceType) -> Option<&'static Attribute> {
        let own = if self.schema.is_none() { kind.schema().attribute(&self.name) } else { None };
        own.or_else(|| self.definition())
    }

    /// Whether a resource of this type may have it: it is not an attribute of the other type only.
    pub fn applies_to(&self, kind: ResourceType) -> bool {
        if self.schema.as_deref().is_some_and(schema::extends_user) {
            return kind == ResourceType::User;
        }
        if let Some(urn) = &self.schema {
            return ResourceType::ALL.into_iter().all(|other| other == kind || other.schema().id != urn);
        }
        kind.schema().attribute(&self.name).is_some()
            || schema::COMMON.iter().any(|common| common.name == self.name)
            || schema::by_name(&self.name).is_none()
    }

    pub(super) fn without_sub(&self) -> Self {
        Self { sub: None, ..self.clone() }
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.schema, self.name.is_empty()) {
            (Some(schema), true) => f.write_str(schema)?,
            (Some(schema), false) => write!(f, "{schema}:{}", self.name)?,
            (None, _) => f.write_str(&self.name)?,
        }
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

/// Whether a name is a URN rather than an attribute name.
pub(super) fn is_urn(text: &str) -> bool {
    text.contains(':')
}

/// `attrName` of RFC 7643 §2.1. A leading digit, `_` or `$` (as in `$ref`) is accepted too.
fn is_name(text: &str) -> bool {
    let plain = text.strip_prefix('$').unwrap_or(text);
    !plain.is_empty()
        && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Whether a URN has a version, which shows where the schema's name ends.
pub(super) fn is_versioned(urn: &str) -> bool {
    !urn.contains("://") && urn.split(':').skip(2).any(is_version)
}

fn is_version(segment: &str) -> bool {
    segment.starts_with(|c: char| c.is_ascii_digit())
        && segment.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| text.get(prefix.len()..)).flatten()
}

#[cfg(test)]
mod tests;
