//! Durations as people write them: `90 days`, `1 hour 30 minutes`.

use std::time::Duration;

use crate::app::{Error, Result};

/// The maximum length of a duration, in bytes.
const MAX_LENGTH: usize = 100;

/// The units in which durations are written, the largest first: their names, and their milliseconds.
const UNITS: [(&str, &str, u64); 5] = [
    ("day", "days", 24 * 3600 * 1000),
    ("hour", "hours", 3600 * 1000),
    ("minute", "minutes", 60 * 1000),
    ("second", "seconds", 1000),
    ("millisecond", "milliseconds", 1),
];

/// Other names of units.
const OTHER_NAMES: [(&str, u64); 14] = [
    ("year", 365 * 24 * 3600 * 1000),
    ("years", 365 * 24 * 3600 * 1000),
    ("week", 7 * 24 * 3600 * 1000),
    ("weeks", 7 * 24 * 3600 * 1000),
    ("w", 7 * 24 * 3600 * 1000),
    ("d", 24 * 3600 * 1000),
    ("h", 3600 * 1000),
    ("hrs", 3600 * 1000),
    ("m", 60 * 1000),
    ("min", 60 * 1000),
    ("mins", 60 * 1000),
    ("s", 1000),
    ("sec", 1000),
    ("ms", 1),
];

/// A duration in words: `1 day 12 hours`.
pub fn words(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut parts = Vec::new();
    for (one, several, millis) in UNITS {
        let count = rest / millis;
        rest %= millis;
        if count > 0 {
            parts.push(format!("{count} {}", if count == 1 { one } else { several }));
        }
    }
    if parts.is_empty() { "0 seconds".to_owned() } else { parts.join(" ") }
}

/// What was typed as a duration; `None` where there is nothing.
pub fn parse(field: &'static str, text: &str) -> Result<Option<Duration>> {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return Ok(None);
    }
    let millis = if text.len() > MAX_LENGTH { None } else { parse_millis(&text) };
    let millis =
        millis.ok_or_else(|| Error::invalid(field, "must be a time such as 90 days or 15 minutes"))?;
    Ok(Some(Duration::from_millis(millis)))
}

fn parse_millis(text: &str) -> Option<u64> {
    let (mut rest, mut total) = (text, 0_u64);
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let after = after.trim_start();
        let (unit, after) = after.split_at(after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len()));
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit_millis(unit)?)?)?;
        rest = after.trim_start();
    }
    Some(total)
}

fn unit_millis(name: &str) -> Option<u64> {
    let written = UNITS.iter().find(|(one, several, _)| name == *one || name == *several);
    written
        .map(|(_, _, millis)| *millis)
        .or_else(|| OTHER_NAMES.iter().find(|(other, _)| *other == name).map(|(_, millis)| *millis))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("90 days", Some(Some(90 * 86_400))),
            ("1 day 12 hours", Some(Some(129_600))),
            (" 2 Weeks ", Some(Some(14 * 86_400))),
            ("1h30m", Some(Some(5400))),
            ("15 min", Some(Some(900))),
            ("0 days", Some(Some(0))),
            ("", Some(None)),
            ("90", None),
            ("days", None),
            ("1.5 hours", None),
            ("-1 day", None),
            ("3 fortnights", None),
            ("99999999999999999999 days", None),
            ("999999999999999999 days", None),
        ] {
            let expected = seconds.map(|seconds| seconds.map(Duration::from_secs));
            assert_eq!(parse("f", text).ok(), expected, "{text}");
        }
        assert!(parse("f", &"1 d ".repeat(40)).is_err());
        assert_eq!(words(Duration::from_secs(129_600)), "1 day 12 hours");
        assert_eq!(words(Duration::ZERO), "0 seconds");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(millis in 0_u64..4_000_000_000_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse("f", &words(duration)).unwrap(), Some(duration));
        }

        #[test]
        fn anything_is_a_duration_or_an_error(text in "\\PC{0,20}") {
            let _ = parse("f", &text);
        }
    }
}
