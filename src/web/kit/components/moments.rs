//! Moments: relative to now, and exact.

use base::time::Timestamp;
use maud::{Markup, html};

/// A timestamp: relative in the text, exact in the title and in `datetime`.
pub fn time(at: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(at) title=(exact(at)) { (relative(at, now)) } }
}

/// The day of a timestamp, exact in the title: `3 May`, and with the year where it is another one than now.
pub fn day(at: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(at) title=(exact(at)) { (day_of(at, now)) } }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn day_of(at: Timestamp, now: Timestamp) -> String {
    let (text, now) = (at.to_string(), now.to_string());
    let number = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<usize>().ok());
    let month = number(5, 7).and_then(|month| MONTHS.get(month.checked_sub(1)?));
    match (number(8, 10), month) {
        (Some(day), Some(month)) if text.get(..4) == now.get(..4) => format!("{day} {month}"),
        (Some(day), Some(month)) => format!("{day} {month} {}", text.get(..4).unwrap_or_default()),
        _ => exact(at),
    }
}

/// `2026-11-21 21:41:37 UTC`.
pub fn exact(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(clock)) => format!("{day} {clock} UTC"),
        _ => text,
    }
}

/// `2 hours ago`, `in 3 days`; the date when it is more than a month away.
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let (distance, past) = if at <= now { (now.since(at), true) } else { (at.since(now), false) };
    let seconds = distance.as_secs();
    let (count, unit) = match seconds {
        0..10 => return "just now".to_owned(),
        10..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        86_400..2_678_400 => (seconds / 86_400, "day"),
        _ => return exact(at).get(..10).map_or_else(|| at.to_string(), str::to_owned),
    };
    let plural = if count == 1 { "" } else { "s" };
    if past { format!("{count} {unit}{plural} ago") } else { format!("in {count} {unit}{plural}") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn timestamps_are_relative_to_now() {
        let now = Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap();
        for (seconds, before, after) in [
            (0, "just now", "just now"),
            (9, "just now", "just now"),
            (10, "10 seconds ago", "in 10 seconds"),
            (60, "1 minute ago", "in 1 minute"),
            (7199, "1 hour ago", "in 1 hour"),
            (86_400 * 2, "2 days ago", "in 2 days"),
            (86_400 * 40, "2026-10-12", "2026-12-31"),
        ] {
            let distance = Duration::from_secs(seconds);
            assert_eq!(relative(now - distance, now), before);
            assert_eq!(relative(now + distance, now), after);
        }
        assert_eq!(exact(now), "2026-11-21 12:00:00 UTC");
        let day = |text| day_of(Timestamp::parse_rfc3339(text).unwrap(), now);
        assert_eq!(day("2026-05-03T23:59:59Z"), "3 May");
        assert_eq!(day("2025-12-31T00:00:00Z"), "31 December 2025");
    }
}
