//! The clock of this host, compared with others.

use std::time::Duration;

use base::time::{Clock as _, SystemClock, Timestamp};

use crate::{
    cli::doctor::findings::Findings,
    store::{self, Db},
};

/// The largest difference between two clocks that is not reported.
pub(super) const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

/// Assertions are valid for minutes: with a wrong clock, valid ones are refused and expired ones accepted.
pub(super) async fn clock(db: &Db, findings: &mut Findings) {
    let theirs = match db.read().await {
        Ok(mut conn) => store::clock::database_time(&mut conn, db.dialect()).await,
        Err(error) => Err(error),
    };
    match theirs {
        Ok(Some(theirs)) => compare_clock("the database server", theirs, CLOCK_TOLERANCE, findings),
        // The database is on this host; identity providers may tell the time below.
        Ok(None) => {}
        Err(error) => findings.bad("clock", error.to_string(), "see what the database's own log says"),
    }
}

/// Says so if the clock was compared with no other one. Call it last.
pub(super) fn report_uncompared(findings: &mut Findings) {
    if !findings.0.iter().any(|finding| finding.subject == "clock") {
        findings.attention(
            "clock",
            format!("shows {}; it could be compared with no other clock", SystemClock.now()),
            "see that it is synchronised by NTP (`timedatectl`); assertions are refused when the clock is wrong",
        );
    }
}

pub(super) fn compare_clock(whose: &str, theirs: Timestamp, tolerance: Duration, findings: &mut Findings) {
    let ours = SystemClock.now();
    let apart = ours.since(theirs).max(theirs.since(ours));
    let seen = format!("{:.1} s from that of {whose}", apart.as_secs_f64());
    if apart > tolerance {
        findings.attention(
            "clock",
            seen,
            "synchronise both with NTP; assertions are refused when the clock is wrong",
        );
    } else {
        findings.ok("clock", seen);
    }
}

/// An IMF-fixdate (RFC 9110 §5.6.7).
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let moment = time::PrimitiveDateTime::parse(text, format).ok()?;
    Some(Timestamp::from_seconds(moment.assume_utc().unix_timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::findings::Level;

    #[test]
    fn dates_of_the_web_are_read() {
        // RFC 9110's own example.
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Timestamp::from_seconds(784_111_777)));
        assert_eq!(http_date("yesterday"), None);
    }

    #[test]
    fn a_wrong_clock_is_reported() {
        let mut findings = Findings::default();
        compare_clock("x", SystemClock.now() + Duration::from_secs(60), CLOCK_TOLERANCE, &mut findings);
        compare_clock("x", SystemClock.now(), CLOCK_TOLERANCE, &mut findings);
        let levels: Vec<Level> = findings.0.iter().map(|finding| finding.level).collect();
        assert_eq!(levels, [Level::Attention, Level::Ok]);
    }
}
