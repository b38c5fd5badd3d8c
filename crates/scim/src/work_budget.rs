//! The work budget of a request.
//!
//! The cost of an operation depends on the request and on the stored data: a filter is evaluated on each
//! value of an attribute, and a value may be copied into each of them. The product is charged before the work
//! is done, in units that are independent of machine and load.

use serde_json::Value;

use crate::Error;

/// Maximum number of units for one request. 500 operations that each select among a thousand values use most
/// of them.
pub const MAX_WORK_UNITS: u64 = 2_000_000;

/// The number of bytes of text that cost one more unit.
const TEXT_BYTES_PER_UNIT: usize = 64;

/// The budget of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkBudget {
    limit: u64,
    spent: u64,
    exhausted: bool,
}

impl Default for WorkBudget {
    fn default() -> Self {
        Self::new(MAX_WORK_UNITS)
    }
}

impl WorkBudget {
    /// A budget of this many units.
    pub const fn new(limit: u64) -> Self {
        Self { limit, spent: 0, exhausted: false }
    }

    /// Charges units before the work is done. Returns [`Error::TooLarge`] when not enough are left.
    pub fn spend(&mut self, units: u64) -> Result<(), Error> {
        match self.spent.checked_add(units) {
            Some(spent) if spent <= self.limit && !self.exhausted => {
                self.spent = spent;
                Ok(())
            }
            _ => {
                self.exhausted = true;
                Err(Error::TooLarge(format!(
                    "the request needs more work than allowed ({} units: its operations, times the values \
                     that each of them reads); send fewer operations in one request",
                    self.limit
                )))
            }
        }
    }

    /// The number of units used.
    pub const fn spent(&self) -> u64 {
        self.spent
    }

    /// Whether a charge was refused.
    pub const fn is_exhausted(&self) -> bool {
        self.exhausted
    }
}

/// The cost of reading a value: one unit for each value in it, and more for long texts and names.
pub fn weight(value: &Value) -> u64 {
    let units = |text: &str| (text.len() / TEXT_BYTES_PER_UNIT) as u64;
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
        let mut work = WorkBudget::new(10);
        assert!(work.spend(10).is_ok() && !work.is_exhausted());
        assert!(matches!(work.spend(1), Err(Error::TooLarge(_))));
        assert!(work.is_exhausted() && work.spend(0).is_err());
        assert_eq!(work.spent(), 10);
        assert!(WorkBudget::new(10).spend(u64::MAX).is_err());
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
