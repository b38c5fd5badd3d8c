//! The paths of PATCH operations (RFC 7644 §3.5.2).

use std::fmt;

use base::bounded_json::quoted;
use serde_json::Value;

use crate::{AttributePath, Error, Filter, attribute_path::MAX_PATH_BYTES, evaluate, filter::Quoting};

/// The target of a PATCH operation: `attrPath / valuePath [subAttr]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    attribute: AttributePath,
    filter: Option<Filter>,
}

impl Path {
    /// Parses a path.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_with(text, Quoting::Required)
    }

    /// The same, with this rule for quotes in its filter.
    pub fn parse_with(text: &str, quoting: Quoting) -> Result<Self, Error> {
        if text.len() > MAX_PATH_BYTES {
            return Err(Error::InvalidPath(format!("a path is longer than {MAX_PATH_BYTES} bytes")));
        }
        let text = text.trim_matches([' ', '\t']);
        let Some((before, after)) = text.split_once('[') else {
            return Ok(Self { attribute: AttributePath::parse(text)?, filter: None });
        };
        let attribute = AttributePath::parse(before.trim_end_matches([' ', '\t']))?;
        if attribute.is_schema() || attribute.sub().is_some() {
            return Err(Error::InvalidPath(format!("{} has no values to filter", quoted(before))));
        }
        if attribute
            .definition()
            .is_some_and(|definition| !definition.multi_valued && definition.sub_attributes.is_empty())
        {
            return Err(Error::InvalidPath(format!("{attribute} has one value only")));
        }
        let (filter, rest) = Filter::parse_element(attribute.definition(), after, quoting)?;
        let attribute = match rest {
            "" => attribute,
            _ => match rest.strip_prefix('.') {
                Some(sub) => attribute.with_sub(sub)?,
                None => return Err(Error::InvalidPath(format!("{} is not expected after ]", quoted(rest)))),
            },
        };
        Ok(Self { attribute, filter: Some(filter) })
    }

    /// The attribute, with the sub-attribute after the filter.
    pub fn attribute(&self) -> &AttributePath {
        &self.attribute
    }

    /// The filter that selects among its values.
    pub fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// Whether the path selects this value of the attribute.
    pub fn selects(&self, element: &Value) -> bool {
        let definition = self.attribute.definition();
        self.filter.as_ref().is_none_or(|filter| evaluate::matches_element(filter, definition, element))
    }
}

impl From<AttributePath> for Path {
    fn from(attribute: AttributePath) -> Self {
        Self { attribute, filter: None }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(filter) = &self.filter else { return self.attribute.fmt(f) };
        write!(f, "{}[{filter}]", self.attribute.without_sub())?;
        match self.attribute.sub() {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
