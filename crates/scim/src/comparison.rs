//! Comparing values: case folding, dates and times, and what counts as assigned (RFC 7643 §2).

use base::time::Timestamp;
use serde_json::Value;

/// Folds text for case-insensitive comparison: each character in lower case.
///
/// Each character is folded on its own, without its context (Greek final sigma), so that a substring folds to
/// a substring of the folded text and `co` finds it.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Parses an xs:dateTime (RFC 7643 §2.3.5). Without a zone it is UTC.
pub fn parse_date_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    // No date and time is shorter than 19 characters, and none needs more than 64.
    if !(19..=64).contains(&text.len()) || !text.is_ascii() {
        return None;
    }
    let upper = text.to_ascii_uppercase();
    Timestamp::parse_rfc3339(&upper).or_else(|| {
        let zoned = upper.get(19..).is_some_and(|rest| rest.contains(['Z', '+', '-']));
        if zoned { None } else { Timestamp::parse_rfc3339(&format!("{upper}Z")) }
    })
}

/// Whether a value is assigned (RFC 7643 §2.5): neither null nor empty.
pub(super) fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => elements.iter().any(is_present),
        Value::Object(object) => object.values().any(is_present),
    }
}
