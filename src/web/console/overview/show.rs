//! `/console/{environment}`: login statistics and current problems of an environment.

use maud::{Markup, html};

use crate::{
    app::{
        self,
        support::overview::{Bar, FailingConnectionView, NextStep, Overview, Period},
    },
    links::{self, console},
    model::{id::EnvironmentId, time::Timestamp},
    web::{
        console::kit::{context::EnvironmentContext, shell::Section},
        kit::{
            components::{ButtonStyle, Icon, exact, link_button, mark, notice, table, time},
            error::PageResult,
            list::{column, number},
        },
    },
};

/// `GET /console/{environment}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let span = Period::parse(context.place(&["span"]).filter("span"));
    let overview = app::support::overview::load(&context.state, &context.actor, span).await?;
    let content = view(context.environment.id, &overview);
    Ok(context.shell(Section::Overview, "Overview").respond(content))
}

/// The whole page.
pub(in crate::web::console) fn view(environment: EnvironmentId, overview: &Overview) -> Markup {
    let totals = overview
        .bars
        .iter()
        .fold(Default::default(), |sum: app::support::overview::Outcomes, bar| sum.plus(bar.outcomes));
    html! {
        div.head-row {
            h1 { "Overview" }
            (span_links(environment, overview.span))
        }
        @match overview.next {
            Some(step) => (first_step(environment, step)),
            None => section.card.stack {
                h2 { "Logins" }
                dl.figures {
                    (figure(Icon::Good, "Succeeded", totals.succeeded))
                    (figure(Icon::Bad, "Refused", totals.failed))
                    (figure(Icon::Note, "Not finished", totals.in_progress))
                    @if totals.stray > 0 { (figure(Icon::Attention, "Unmatched responses", totals.stray)) }
                }
                (chart(&overview.bars, overview.span))
                (chart_table(&overview.bars, overview.span))
                p.soft.small { "Logins by when they began, in UTC; counted every minute." }
            },
        }
        (failing_connections(environment, &overview.connections, overview.now))
        (failing_organizations(environment, overview))
        (expiring_certificates(environment, overview))
        (silent_directories(environment, overview))
    }
}

fn span_links(environment: EnvironmentId, current: Period) -> Markup {
    let base = links::expand(console::OVERVIEW, &[&environment]);
    html! {
        nav.spans aria-label="Time" {
            @for (span, label, query) in [(Period::Day, "24 hours", ""), (Period::TwoWeeks, "14 days", "?span=14d")] {
                a.button.small href={ (base) (query) } aria-current=[(span == current).then_some("true")] { (label) }
            }
        }
    }
}

fn first_step(environment: EnvironmentId, step: NextStep) -> Markup {
    let (words, label, href) = match step {
        NextStep::Organization => (
            "Nobody has signed in here yet. Begin with a customer: the company whose people are to sign in.",
            "Create the first organization",
            links::expand(console::NEW_ORGANIZATION, &[&environment]),
        ),
        NextStep::FirstLogin(organization) => (
            "Nobody has signed in here yet. Connect the company’s identity provider, then try a login.",
            "Open the organization",
            links::expand(console::ORGANIZATION, &[&environment, &organization]),
        ),
    };
    html! {
        section.card.empty {
            h2 { "No logins yet" }
            p { (words) }
            p { (link_button(ButtonStyle::Primary, label, &href)) }
        }
    }
}

fn figure(shape: Icon, word: &str, count: i64) -> Markup {
    html! { div { dt { (mark(shape, word)) } dd { (grouped(count)) } } }
}

/// `12 345`, with a narrow space that does not break.
fn grouped(count: i64) -> String {
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
fn chart(bars: &[Bar], span: Period) -> Markup {
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
fn scale_end(highest: i64) -> i64 {
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
fn bar_label(from: Timestamp, span: Period) -> String {
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
fn chart_table(bars: &[Bar], span: Period) -> Markup {
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

fn failing_connections(
    environment: EnvironmentId,
    failing: &[FailingConnectionView],
    now: Timestamp,
) -> Markup {
    html! {
        section.card.stack {
            h2 { "Failing connections" }
            @if failing.is_empty() {
                p { (mark(Icon::Good, "Every connection with a refused login has had a successful one since.")) }
            } @else {
                p.soft { "No login has succeeded since the last refused one." }
                ul.rows {
                    @for FailingConnectionView { connection, flow } in failing {
                        li {
                            div {
                                a href=(links::expand(console::SAML_CONNECTION, &[&environment, &connection.saml_connection_id])) { strong { (name(&connection.organization_name)) } }
                                @if let Some(meaning) = flow.as_ref().and_then(|flow| app::login::description(flow.refusal.as_deref()?)) {
                                    p { (meaning) }
                                }
                                p.soft.small {
                                    "Refused " (time(connection.last_failed_at, now)) ". "
                                    @if connection.last_succeeded_at.millis() == 0 { "No login has succeeded yet." }
                                    @else { "Last success " (time(connection.last_succeeded_at, now)) "." }
                                }
                            }
                            @if let Some(flow) = flow {
                                (link_button(ButtonStyle::Plain, "See why", &links::expand(console::FLOW, &[&environment, &flow.id])))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn failing_organizations(environment: EnvironmentId, overview: &Overview) -> Markup {
    html! {
        @if !overview.organizations.is_empty() {
            section.card.stack {
                h2 { "Most refused logins, last 24 hours" }
                @let most = overview.organizations.iter().map(|one| one.failed).max().unwrap_or(1).max(1);
                ul.meters {
                    @for one in &overview.organizations {
                        @let href = links::expand(console::FLOWS, &[&environment]);
                        li {
                            a href={ (href) "?q=" (one.organization_id) "&outcome=failed&time=24h" } { (name(&one.organization_name)) }
                            span.number { (grouped(one.failed)) }
                            svg.meter viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
                                rect.bad width=(one.failed * 100 / most) height="6" {}
                            }
                        }
                    }
                }
            }
        }
    }
}

fn expiring_certificates(environment: EnvironmentId, overview: &Overview) -> Markup {
    html! {
        @if !overview.certificates.is_empty() {
            section.card.stack {
                h2 { "Certificates that end soon" }
                p.soft { "An expired certificate still verifies here; identity providers replace theirs around that day, and then logins fail." }
                ul.rows {
                    @for certificate in &overview.certificates {
                        li {
                            a href=(links::expand(console::SAML_CONNECTION, &[&environment, &certificate.saml_connection_id])) { (name(&certificate.organization_name)) }
                            @if certificate.expires_at <= overview.now {
                                (mark(Icon::Bad, "Ended")) (time(certificate.expires_at, overview.now))
                            } @else {
                                (mark(Icon::Attention, "Ends")) (time(certificate.expires_at, overview.now))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn silent_directories(environment: EnvironmentId, overview: &Overview) -> Markup {
    html! {
        @if !overview.directories.is_empty() {
            section.card.stack {
                h2 { "Directories without recent requests" }
                (notice(Icon::Attention, "Their identity providers have not called for a day", html! {
                    p { "Whoever leaves these companies may keep their access. Ask the customer whether provisioning still runs." }
                }))
                ul.rows {
                    @for directory in &overview.directories {
                        li {
                            a href=(links::expand(console::SCIM_DIRECTORY, &[&environment, &directory.directory_id])) { (name(&directory.organization_name)) }
                            span.soft { "Last called " (time(directory.last_used_at, overview.now)) }
                        }
                    }
                }
            }
        }
    }
}

fn name(name: &str) -> &str {
    if name.trim().is_empty() { "(no name)" } else { name }
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
