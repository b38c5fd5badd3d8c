//! Filters (RFC 7644 §3.4.2.2): the syntax tree and the formatter.

use std::fmt;

use base::time::Timestamp;
use serde_json::{Number, Value};

use crate::{AttributePath, comparison};

/// Maximum length of a filter in bytes.
pub const MAX_FILTER_BYTES: usize = crate::attribute_path::MAX_PATH_BYTES;

/// Maximum nesting depth of parentheses, `not` and brackets.
pub const MAX_FILTER_DEPTH: usize = 32;

/// Maximum number of comparisons in a filter.
pub const MAX_FILTER_TERMS: usize = 200;

/// A filter. Known attributes are spelled as in their definitions, and every literal has the type of its
/// attribute. Within [`Filter::Element`] paths are relative to the element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Any of these matches. At least two.
    Or(Vec<Filter>),
    /// All of these match. At least two.
    And(Vec<Filter>),
    /// The inner filter does not match.
    Not(Box<Filter>),
    /// A comparison. It matches if any value of a multi-valued attribute does. An unassigned attribute
    /// matches `ne` and `eq null`.
    Compare {
        /// The attribute; `members` is parsed as `members.value`.
        path: AttributePath,
        /// The operator.
        operator: Operator,
        /// The value it is compared with.
        value: Literal,
    },
    /// `pr`: the attribute is present and not empty.
    Present(AttributePath),
    /// `path[filter]`: one element matches the whole filter.
    Element {
        /// A complex or multi-valued attribute.
        path: AttributePath,
        /// The filter on the element.
        filter: Box<Filter>,
    },
}

/// Whether the strings of filters need quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Quoting {
    /// They do (RFC 7644 §3.4.2.2).
    #[default]
    Required,
    /// They may stand without, or in single ones, as WSO2's clients send them. A value without quotes goes up to the next `and`,
    /// `or` or `not` or to the bracket that closes what is around it; the blanks between its words count as one each. It holds no
    /// quote, parenthesis or bracket. Where the attribute is known it is read as a value of its type.
    Optional,
}

/// A comparison operator (RFC 7644 table 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal, or unassigned.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater, later, or after in code point order.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

impl Operator {
    /// All of them.
    pub const ALL: [Self; 9] =
        [Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    /// Its name in a filter.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    /// Whether it tests for a substring: `co`, `sw`, `ew`.
    pub const fn is_substring(self) -> bool {
        matches!(self, Self::Co | Self::Sw | Self::Ew)
    }

    /// Whether it needs an order: `gt`, `ge`, `lt`, `le`.
    pub const fn is_ordering(self) -> bool {
        matches!(self, Self::Gt | Self::Ge | Self::Lt | Self::Le)
    }
}

/// The right side of a comparison (`compValue`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// `null`: unassigned. Only with `eq` and `ne`.
    Null,
    /// `true`, `false`.
    Boolean(bool),
    /// A number.
    Number(Number),
    /// A string, also for dates.
    Text(String),
}

impl Literal {
    /// The point in time, if it is a date and time. Without a zone it is UTC.
    pub fn date_time(&self) -> Option<Timestamp> {
        match self {
            Self::Text(text) => comparison::parse_date_time(text),
            _ => None,
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => write!(f, "{}", Value::from(value.as_str())),
        }
    }
}

impl Filter {
    /// The number of comparisons: the cost of evaluating it on one value.
    pub fn terms(&self) -> u64 {
        match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().map(Self::terms).sum(),
            Self::Not(part) | Self::Element { filter: part, .. } => part.terms(),
            Self::Compare { .. } | Self::Present(_) => 1,
        }
    }

    /// Visits every path relative to the resource, not those relative to an element.
    pub fn paths<'a>(&'a self, visit: &mut dyn FnMut(&'a AttributePath)) {
        match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().for_each(|part| part.paths(visit)),
            Self::Not(part) => part.paths(visit),
            Self::Compare { path, .. } | Self::Present(path) | Self::Element { path, .. } => visit(path),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    let before = if index == 0 { "" } else { " or " };
                    match part {
                        Self::Or(_) => write!(f, "{before}({part})")?,
                        _ => write!(f, "{before}{part}")?,
                    }
                }
                Ok(())
            }
            Self::And(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    let before = if index == 0 { "" } else { " and " };
                    match part {
                        Self::Or(_) | Self::And(_) => write!(f, "{before}({part})")?,
                        _ => write!(f, "{before}{part}")?,
                    }
                }
                Ok(())
            }
            Self::Not(part) => write!(f, "not ({part})"),
            Self::Compare { path, operator, value } => write!(f, "{path} {} {value}", operator.name()),
            Self::Present(path) => write!(f, "{path} pr"),
            Self::Element { path, filter } => write!(f, "{path}[{filter}]"),
        }
    }
}

#[cfg(test)]
mod tests;
