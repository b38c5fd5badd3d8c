//! The chart of logins on the overview, as SVG and as a table.

use base::time::Timestamp;
use maud::{Markup, html};

use crate::{
    app::support::overview::{Bar, Period},
    web::kit::{
        components::{exact, table},
        list::{column, number},
    },
};

/// `12 345`, with a narrow space that does not break.
pub(super) fn grouped(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    if count < 0 { format!("-{out}") } else { out }
}

/// Size and margins of the chart, in units of its `viewBox`.
const WIDTH: f64 = 720.0;

const HEIGHT: f64 = 220.0;

const LEFT: f64 = 64.0;

const RIGHT: f64 = 28.0;

const BELOW: f64 = 32.0;

const ABOVE: f64 = 14.0;

/// Logins over time as stacked bars. Refused ones are hatched, so that colour is not the only distinction.
pub(super) fn chart(bars: &[Bar], span: Period) -> Markup {
    let sum = |bar: &Bar| bar.outcomes.succeeded + bar.outcomes.failed + bar.outcomes.in_progress;
    let highest = scale_end(bars.iter().map(sum).max().unwrap_or(0));
    let height = HEIGHT - BELOW - ABOVE;
    let of = |count: i64| count as f64 / highest as f64 * height;
    let step = (WIDTH - LEFT - RIGHT) / bars.len().max(1) as f64;
    let width = (step * 0.72).max(2.0);
    let y = |count: i64| HEIGHT - BELOW - of(count);
    let total: i64 = bars.iter().map(sum).sum();
    let failed: i64 = bars.iter().map(|bar| bar.outcomes.failed).sum();
    let described = format!(
        "{total} logins {}, {failed} of them refused. The table below has the same numbers.",
        match span {
            Period::Day => "in the last 24 hours",
            Period::TwoWeeks => "in the last 14 days",
        }
    );
    html! {
        figure.chart {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby="chart-title chart-words" {
                title #chart-title { "Logins over time by outcome" }
                desc #chart-words { (described) }
                defs {
                    pattern #refused width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                        rect.bad width="6" height="6" {}
                        rect.stripe width="2" height="6" {}
                    }
                }
                @for part in [0, highest / 2, highest] {
                    line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(rounded(y(part))) y2=(rounded(y(part))) {}
                    text.axis x=(LEFT - 8.0) y=(rounded(y(part) + 4.0)) text-anchor="end" { (grouped(part)) }
                }
                @for (at, bar) in bars.iter().enumerate() {
                    (bar_rects(bar, LEFT + step * as_f64(at) + (step - width) / 2.0, width, &y, &of))
                    @if has_label(at, bars.len(), span) {
                        text.axis x=(rounded(LEFT + step * as_f64(at) + step / 2.0)) y=(HEIGHT - 8.0) text-anchor="middle" { (bar_label(bar.from, span)) }
                    }
                }
            }
            figcaption.legend aria-hidden="true" {
                span { svg.swatch viewBox="0 0 12 12" { rect.good width="12" height="12" {} } "Succeeded" }
                span { svg.swatch viewBox="0 0 12 12" { rect fill="url(#refused)" width="12" height="12" {} } "Refused" }
                span { svg.swatch viewBox="0 0 12 12" { rect.open x="1" y="1" width="10" height="10" {} } "Not finished" }
            }
        }
    }
}

fn as_f64(at: usize) -> f64 {
    at as f64
}

fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

fn bar_rects(bar: &Bar, x: f64, width: f64, y: &dyn Fn(i64) -> f64, of: &dyn Fn(i64) -> f64) -> Markup {
    let outcomes = bar.outcomes;
    let parts = [
        ("good", None, outcomes.succeeded, 0),
        ("", Some("url(#refused)"), outcomes.failed, outcomes.succeeded),
        ("open", None, outcomes.in_progress, outcomes.succeeded + outcomes.failed),
    ];
    html! {
        @for (class, fill, count, below) in parts {
            @if count > 0 {
                rect class=[(!class.is_empty()).then_some(class)] fill=[fill] x=(rounded(x)) width=(rounded(width))
                    y=(rounded(y(below + count))) height=(rounded(of(count).max(1.0))) {}
            }
        }
    }
}

/// The end of the scale: an even round number, at least `highest`.
pub(super) fn scale_end(highest: i64) -> i64 {
    let mut unit = 1;
    loop {
        for steps in [2, 3, 4, 5, 6, 8, 10] {
            let end = unit * steps;
            if end >= highest && end % 2 == 0 {
                return end;
            }
        }
        unit *= 10;
    }
}

/// Whether a bar has a label: every fourth hour or second day, counted from the latest bar.
fn has_label(at: usize, count: usize, span: Period) -> bool {
    let every = match span {
        Period::Day => 4,
        Period::TwoWeeks => 2,
    };
    (count - 1 - at).is_multiple_of(every)
}

/// `14:00`, or `21 Nov`.
pub(super) fn bar_label(from: Timestamp, span: Period) -> String {
    let text = exact(from);
    match span {
        Period::Day => text.get(11..16).unwrap_or_default().to_owned(),
        Period::TwoWeeks => {
            const MONTHS: [&str; 12] =
                ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
            let month = text.get(5..7).and_then(|month| month.parse::<usize>().ok()).unwrap_or(1);
            let day = text.get(8..10).unwrap_or_default().trim_start_matches('0').to_owned();
            format!("{day} {}", MONTHS.get(month.wrapping_sub(1)).copied().unwrap_or_default())
        }
    }
}

/// The chart's numbers as a table, for people who cannot see the chart.
pub(super) fn chart_table(bars: &[Bar], span: Period) -> Markup {
    let columns = [
        column("From"),
        number("Succeeded"),
        number("Refused"),
        number("Not finished"),
        number("Unmatched responses"),
    ];
    let rows: Vec<Vec<Markup>> = bars
        .iter()
        .rev()
        .map(|bar| {
            let outcomes = bar.outcomes;
            let mut row = vec![html! { time datetime=(bar.from) { (bar_label(bar.from, Period::TwoWeeks)) @if span == Period::Day { " " (bar_label(bar.from, span)) } } }];
            row.extend(
                [outcomes.succeeded, outcomes.failed, outcomes.in_progress, outcomes.stray]
                    .map(|count| html! { (grouped(count)) }),
            );
            row
        })
        .collect();
    html! { details { summary { "The same as a table" } (table("Logins over time", &columns, &rows)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_on_a_round_number() {
        for (highest, end) in
            [(0, 2), (1, 2), (3, 4), (5, 6), (7, 8), (11, 20), (21, 30), (99, 100), (254, 300), (4001, 5000)]
        {
            assert_eq!(scale_end(highest), end, "{highest}");
        }
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1\u{202f}000"),
            (1_234_567, "1\u{202f}234\u{202f}567"),
            (-1000, "-1\u{202f}000"),
        ] {
            assert_eq!(grouped(count), text);
        }
    }

    #[test]
    fn bars_are_called_by_their_hour_or_day() {
        let from = Timestamp::parse_rfc3339("2026-11-02T14:00:00Z").unwrap();
        assert_eq!(
            (bar_label(from, Period::Day), bar_label(from, Period::TwoWeeks)),
            ("14:00".into(), "2 Nov".into())
        );
    }
}
