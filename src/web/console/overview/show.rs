//! `/console/{environment}`: login statistics and current problems of an environment.

use base::{connection_id::ConnectionId, id::EnvironmentId, time::Timestamp};
use maud::{Markup, html};

use super::chart::{chart, chart_table, grouped};
use crate::{
    app::{
        self,
        support::overview::{FailingConnectionView, NextStep, Overview, Period},
    },
    links::{self, console},
    web::{
        console::kit::{context::EnvironmentContext, shell::Section},
        kit::{
            components::{ButtonStyle, Icon, link_button, mark, notice, time},
            error::PageResult,
        },
    },
};

/// `GET /console/{environment}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let span = Period::parse(context.place(&["span"]).filter("span"));
    let overview = app::support::overview::load(&context.state, &context.principal, span).await?;
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
        (domains_without_record(environment, overview))
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
                                a href=(links::expand(connection_path(connection.connection_id), &[&environment, &connection.connection_id])) { strong { (name(&connection.organization_name)) } }
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

fn domains_without_record(environment: EnvironmentId, overview: &Overview) -> Markup {
    html! {
        @if !overview.domains.is_empty() {
            section.card.stack {
                h2 { "Domains whose DNS record is gone" }
                p.soft { "DNS proved them once. Unless the record comes back, they stop counting as proved." }
                ul.rows {
                    @for lost in &overview.domains {
                        li {
                            span {
                                a href=(links::expand(console::DOMAIN, &[&environment, &lost.organization_id, &lost.domain])) { (lost.domain) }
                                " of " (name(&lost.organization_name))
                            }
                            span { (mark(Icon::Attention, "Stops counting")) " " (time(lost.counts_until, overview.now)) }
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

/// The page of a connection, by its protocol.
fn connection_path(id: ConnectionId) -> &'static str {
    match id {
        ConnectionId::Saml(_) => console::SAML_CONNECTION,
        ConnectionId::Oidc(_) => console::OIDC_CONNECTION,
    }
}
