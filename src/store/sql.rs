//! SQL that is assembled at run time.

use std::fmt::Write as _;

/// SQL that is assembled at run time: text comes from literals, values are parameters only, so SQL injection is
/// impossible by construction.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Sql {
    pub(super) text: String,
    pub(super) values: Vec<Parameter>,
}

/// A value in a [`Sql`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameter {
    /// TEXT.
    Text(String),
    /// BIGINT.
    Integer(i64),
    /// BOOLEAN.
    Boolean(bool),
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::default().push(text)
    }
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Parameter {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Parameter {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Parameter {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

impl Sql {
    /// Adds text. It contains no `$`: placeholders are added by [`Sql::value`].
    #[must_use]
    pub fn push(mut self, text: &'static str) -> Self {
        debug_assert!(!text.contains('$'), "placeholders are made by `value`: {text}");
        self.text.push_str(text);
        self
    }

    /// Adds a placeholder and its value.
    #[must_use]
    pub fn value(mut self, value: impl Into<Parameter>) -> Self {
        self.values.push(value.into());
        // Writing to a String cannot fail.
        let _ = write!(self.text, "${}", self.values.len());
        self
    }

    /// Adds a comma-separated list of placeholders with their values.
    #[must_use]
    pub fn values<V: Into<Parameter>>(self, values: impl IntoIterator<Item = V>) -> Self {
        values.into_iter().enumerate().fold(self, |sql, (at, value)| {
            if at == 0 { sql.value(value) } else { sql.push(", ").value(value) }
        })
    }

    /// Appends another statement part; its placeholders are renumbered after ours.
    #[must_use]
    pub fn append(mut self, other: Self) -> Self {
        let mut pieces = other.text.split('$');
        self.text.push_str(pieces.next().unwrap_or_default());
        for (piece, value) in pieces.zip(other.values) {
            self = self.value(value);
            self.text.push_str(piece.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        self
    }
}

/// The highest `$n` in a statement.
pub(super) fn placeholders(text: &str) -> usize {
    text.split('$')
        .skip(1)
        .filter_map(|rest| rest[..rest.bytes().take_while(u8::is_ascii_digit).count()].parse().ok())
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_keep_their_values_when_they_are_joined() {
        let inner = Sql::from("b = ").value("x").push(" OR c IN (").values([1, 2]).push(")");
        let sql = Sql::from("SELECT 1 WHERE a = ").value(true).push(" AND (").append(inner).push(")");
        assert_eq!(sql.text, "SELECT 1 WHERE a = $1 AND (b = $2 OR c IN ($3, $4))");
        let values = [Parameter::Boolean(true), "x".into(), 1.into(), 2.into()];
        assert_eq!(sql.values, values);
        assert_eq!(placeholders(&sql.text), 4);
    }
}
