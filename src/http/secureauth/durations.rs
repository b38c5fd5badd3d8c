//! Durations as Go writes them: `1h30m0s`, `15m`, `1.5h`, `300ms`; `0s` for none.

use std::time::Duration;

use crate::app::{Error, Result};

/// The maximum length of a duration, in bytes.
const MAX_LENGTH: usize = 64;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The units and their nanoseconds; those that begin as another one do come first.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1000),
    ("\u{b5}s", 1000),
    ("\u{3bc}s", 1000),
    ("ms", 1_000_000),
    ("s", NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("h", 3600 * NANOS_PER_SECOND),
];

/// A duration, of milliseconds at the least; `None` for `0s` and for an empty text.
pub(super) fn parse(field: impl Into<String>, text: &str) -> Result<Option<Duration>> {
    let text = text.trim();
    if text.is_empty() || text == "0" {
        return Ok(None);
    }
    let duration = parse_nanos(text).map(|nanos| Duration::from_millis(nanos / 1_000_000));
    let duration =
        duration.ok_or_else(|| Error::invalid(field.into(), "must be a duration such as 1h30m0s"))?;
    Ok(Some(duration).filter(|duration| !duration.is_zero()))
}

fn parse_nanos(text: &str) -> Option<u64> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let (mut rest, mut total) = (text, 0_u64);
    while !rest.is_empty() {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, after) = rest.split_at(digits(rest));
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => after.split_at(digits(after)),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let (unit, nanos) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        let part = match whole {
            "" => 0,
            whole => whole.parse::<u64>().ok()?.checked_mul(*nanos)?,
        };
        total = total.checked_add(part)?.checked_add(fraction_of(fraction, *nanos))?;
        rest = after.get(unit.len()..)?;
    }
    Some(total)
}

/// The nanoseconds of a unit's decimal places.
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let mut nanos = 0;
    let mut place = u128::from(unit);
    for digit in digits.bytes() {
        place /= 10;
        nanos += place * u128::from(digit - b'0');
    }
    u64::try_from(nanos).unwrap_or(0)
}

/// As Go writes a duration: hours, minutes and seconds, those before the first that counts left out.
pub(super) fn written(duration: Option<Duration>) -> String {
    let Some(duration) = duration else { return "0s".to_owned() };
    let millis = duration.subsec_millis();
    if duration.as_secs() == 0 {
        return format!("{millis}ms");
    }
    let (hours, minutes, seconds) =
        (duration.as_secs() / 3600, duration.as_secs() / 60 % 60, duration.as_secs() % 60);
    let fraction = match millis {
        0 => String::new(),
        millis => format!(".{millis:03}").trim_end_matches('0').to_owned(),
    };
    match (hours, minutes) {
        (0, 0) => format!("{seconds}{fraction}s"),
        (0, minutes) => format!("{minutes}m{seconds}{fraction}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}{fraction}s"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, millis) in [
            ("", Some(None)),
            ("0", Some(None)),
            ("0s", Some(None)),
            ("0h0m0s", Some(None)),
            ("15m", Some(Some(900_000))),
            ("15m0s", Some(Some(900_000))),
            ("1h30m0s", Some(Some(5_400_000))),
            ("1.5h", Some(Some(5_400_000))),
            (".5m", Some(Some(30_000))),
            ("300ms", Some(Some(300))),
            ("1500\u{b5}s", Some(Some(1))),
            ("720h0m0.25s", Some(Some(2_592_000_250))),
            ("-1h", None),
            ("1", None),
            ("h", None),
            (".h", None),
            ("1d", None),
            ("1h ", Some(Some(3_600_000))),
            ("1h 1m", None),
            ("99999999999999999999h", None),
            ("9999999h", None),
        ] {
            let parsed = parse("f", text).ok();
            assert_eq!(parsed, millis.map(|millis| millis.map(Duration::from_millis)), "{text}");
        }
        assert!(parse("f", &"1h".repeat(40)).is_err());
    }

    #[test]
    fn durations_are_written_as_go_does() {
        for (millis, text) in [
            (900_000, "15m0s"),
            (5_400_000, "1h30m0s"),
            (30_000, "30s"),
            (1_250, "1.25s"),
            (250, "250ms"),
            (90_000_000, "25h0m0s"),
        ] {
            assert_eq!(written(Some(Duration::from_millis(millis))), text);
        }
        assert_eq!(written(None), "0s");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(millis in 1_u64..4_000_000_000_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse("f", &written(Some(duration))).unwrap(), Some(duration));
        }

        #[test]
        fn anything_is_a_duration_or_an_error(text in "\\PC{0,20}") {
            let _ = parse("f", &text);
        }
    }
}
