//! How much one request may have the server compute.
//!
//! What an operation costs depends on what the client sent and on what is stored: a filter is evaluated
//! over each value of an attribute, a value may be put into each of them. The product of the two is
//! counted before it is computed, in units that depend on neither machine nor load.

use serde_json::Value;

use super::Error;

/// How many units one request may take: 500 operations that each select among a thousand values take
/// most of them.
pub const MAX_WORK: u64 = 2_000_000;

/// How many bytes of text count as one more unit.
const TEXT: usize = 64;

/// The units that a request may still take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    limit: u64,
    spent: u64,
    exhausted: bool,
}

impl Default for Work {
    fn default() -> Self {
        Self::of(MAX_WORK)
    }
}

impl Work {
    /// So many units.
    pub const fn of(limit: u64) -> Self {
        Self { limit, spent: 0, exhausted: false }
    }

    /// Takes units for what is about to be computed. [`Error::TooLarge`]: there are not that many left.
    pub fn spend(&mut self, units: u64) -> Result<(), Error> {
        match self.spent.checked_add(units) {
            Some(spent) if spent <= self.limit && !self.exhausted => {
                self.spent = spent;
                Ok(())
            }
            _ => {
                self.exhausted = true;
                Err(Error::TooLarge(format!(
                    "the request takes more work than the server does at once ({} units: its operations, \
                     times the values that each of them looks at); send fewer operations in one request",
                    self.limit
                )))
            }
        }
    }

    /// How many units were taken.
    pub const fn spent(&self) -> u64 {
        self.spent
    }

    /// Whether something was refused for want of units.
    pub const fn is_exhausted(&self) -> bool {
        self.exhausted
    }
}

/// What it costs to look at a value: one unit for each value in it, and more for long texts and names.
pub fn weight(value: &Value) -> u64 {
    let units = |text: &str| (text.len() / TEXT) as u64;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
        Value::String(text) => 1 + units(text),
        Value::Array(elements) => 1 + elements.iter().map(weight).sum::<u64>(),
        Value::Object(members) => {
            1 + members.iter().map(|(name, value)| units(name) + weight(value)).sum::<u64>()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn work_ends_and_does_not_begin_again() {
        let mut work = Work::of(10);
        assert!(work.spend(10).is_ok() && !work.is_exhausted());
        assert!(matches!(work.spend(1), Err(Error::TooLarge(_))));
        assert!(work.is_exhausted() && work.spend(0).is_err());
        assert_eq!(work.spent(), 10);
        assert!(Work::of(10).spend(u64::MAX).is_err());
    }

    #[test]
    fn a_value_weighs_what_is_in_it() {
        for (value, units) in [
            (json!(null), 1),
            (json!("x"), 1),
            (json!("x".repeat(640)), 11),
            (json!([1, [2], {}]), 5),
            (json!({"a": 1, "b": {"c": "d"}}), 4),
        ] {
            assert_eq!(weight(&value), units, "{value}");
        }
    }
}
