//! `/console/{environment}/flows`: the list of logins, with a search for support.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use base::{id::EnvironmentId, time::Timestamp};
use maud::{Markup, html};
use model::{
    login_flow::{FlowOrigin, FlowStatus, LoginFlow, LoginProtocol},
    organization::Organization,
};

use super::page::proven_by;
use crate::{
    app::{
        self, Error,
        support::flows::{FlowQuery, FlowSummary, SearchQuery},
    },
    links::{self, console},
    web::{
        console::kit::{context::EnvironmentContext, shell::Section},
        kit::{
            components::{Icon, copyable, mark, notice, shape, time},
            error::PageResult,
            forms::{FormErrors, FormValues, FormView},
            list::{List, ListUrl, column},
        },
    },
};

const FILTERS: &[&str] = &["q", "outcome", "protocol", "time"];

const OUTCOMES: &[(&str, &str)] =
    &[("", "Any"), ("failed", "Refused"), ("succeeded", "Succeeded"), ("in_progress", "Not finished")];

const PROTOCOLS: &[(&str, &str)] = &[("", "Any"), ("saml", "SAML"), ("account", "Account")];

const TIMES: &[(&str, &str)] = &[
    ("", "Any time"),
    ("1h", "Last hour"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
];

/// `GET …/flows`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let place = context.place(FILTERS);
    let filters = FlowQuery {
        status: place.filter("outcome").to_owned(),
        protocol: place.filter("protocol").to_owned(),
        since: since(place.filter("time"), context.now()),
        ..FlowQuery::default()
    };
    let found = match app::support::flows::parse(
        &context.state,
        &context.principal,
        place.filter("q"),
        filters,
    )
    .await?
    {
        SearchQuery::Flow(id) => {
            let location = context.href(console::FLOW, &[&id]);
            return Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish());
        }
        SearchQuery::Flows(query) => {
            match app::support::flows::list_with_organizations(
                &context.state,
                &context.principal,
                &query,
                &place.query(),
            )
            .await
            {
                Ok((flows, next_token)) => FlowResults::Flows { flows, next_token },
                Err(Error::Invalid { reason, .. }) => FlowResults::InvalidQuery(reason.into_owned()),
                Err(error) => return Err(error.into()),
            }
        }
        SearchQuery::Organizations(organizations) => FlowResults::Organizations(organizations),
        SearchQuery::Nothing => FlowResults::InvalidQuery(
            "is no company here. Type a whole e-mail address, the beginning of a company’s name, or an id"
                .into(),
        ),
    };
    let status =
        if matches!(found, FlowResults::InvalidQuery(_)) { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let content = view(context.environment.id, &place, &found, context.now());
    Ok(context.shell(Section::Flows, "Login flows").respond_with(status, content))
}

/// The start of a period chosen in the form.
fn since(choice: &str, now: Timestamp) -> String {
    let hours = match choice {
        "1h" => 1,
        "24h" => 24,
        "7d" => 7 * 24,
        "30d" => 30 * 24,
        _ => return String::new(),
    };
    (now - Duration::from_secs(hours * 3600)).to_string()
}

/// The result of a search.
pub(in crate::web::console) enum FlowResults {
    /// Logins.
    Flows { flows: Vec<FlowSummary>, next_token: String },
    /// Several organizations match.
    Organizations(Vec<Organization>),
    /// The query is invalid, and why.
    InvalidQuery(String),
}

/// The status of a login as a mark.
pub(in crate::web::console) fn outcome(flow: &LoginFlow) -> Markup {
    match flow.status {
        FlowStatus::Succeeded => mark(Icon::Good, "Succeeded"),
        FlowStatus::Failed => mark(Icon::Bad, "Refused"),
        FlowStatus::InProgress => mark(Icon::Note, "Not finished"),
    }
}

/// The person's e-mail address; for a refused login the claimed one.
pub(in crate::web::console) fn person(flow: &LoginFlow) -> Markup {
    match (&flow.email, &flow.claimed_email) {
        (Some(email), _) => html! { (email) },
        (None, Some(email)) => html! { (email) },
        (None, None) if flow.origin == FlowOrigin::Detached => html! { "Unknown sender" },
        (None, None) => html! { "Not known" },
    }
}

/// The list with its search form.
pub(in crate::web::console) fn view(
    environment: EnvironmentId,
    place: &ListUrl,
    found: &FlowResults,
    now: Timestamp,
) -> Markup {
    html! {
        h1 { "Login flows" }
        (search(place, found))
        @match found {
            FlowResults::Flows { flows, next_token } => (table(environment, place, flows, next_token, now)),
            FlowResults::Organizations(organizations) => (organization_choice(place, organizations)),
            FlowResults::InvalidQuery(_) => {},
        }
    }
}

fn search(place: &ListUrl, found: &FlowResults) -> Markup {
    let typed = FILTERS.iter().fold(FormValues::new(), |typed, name| typed.with(name, place.filter(name)));
    let errors = FormErrors::none();
    let view = FormView::new(&typed, &errors);
    let error = match found {
        FlowResults::InvalidQuery(reason) => Some(reason),
        _ => None,
    };
    html! {
        form.filters role="search" method="get" action=(place.unfiltered()) {
            div class=(if error.is_some() { "field bad widest" } else { "field widest" }) {
                label for="q" { "Find a login" }
                input #q name="q" type="search" value=(place.filter("q")) autocomplete="off" spellcheck="false"
                    aria-describedby="q-hint" aria-invalid=[error.map(|_| "true")];
                p.hint #q-hint { "E-mail, company, the id of a flow, user or connection, or the code of a refusal" }
                @if let Some(reason) = error { p.error role="alert" { (shape(Icon::Bad)) "What you typed " (reason) "." } }
            }
            (view.select("outcome", "Outcome", OUTCOMES))
            (view.select("protocol", "Signed in by", PROTOCOLS))
            (view.select("time", "Begun", TIMES))
            div.actions {
                button.button.primary type="submit" { "Search" }
                @if place.is_filtered() { a.quiet href=(place.unfiltered()) { "Clear" } }
            }
        }
    }
}

fn table(
    environment: EnvironmentId,
    place: &ListUrl,
    flows: &[FlowSummary],
    next_token: &str,
    now: Timestamp,
) -> Markup {
    let rows = flows.iter().map(|FlowSummary { flow, organization, application }| {
        let href = links::expand(console::FLOW, &[&environment, &flow.reference()]);
        vec![
            html! { a href=(href) { (person(flow)) } },
            html! {
                (outcome(flow))
                @if let (FlowStatus::Failed, Some(code)) = (flow.status, &flow.refusal) { div { code.small { (code) } } }
            },
            match organization {
                Some(name) => html! { a href=(links::expand(console::ORGANIZATION, &[&environment, &flow.organization_id])) { (named(name)) } },
                None => html! { span.soft { "Deleted" } },
            },
            html! { (how(flow)) @if let Some(application) = application { div { span.small { (named(application)) } } } },
            time(flow.created_at, now),
            copyable(&flow.reference(), "flow id"),
        ]
    });
    let columns = [
        column("Person"),
        column("Outcome"),
        column("Company"),
        column("Signed in by"),
        column("Begun"),
        column("ID"),
    ];
    let list = List {
        caption: "Login flows",
        columns: &columns,
        rows: rows.collect(),
        next_token,
        empty: html! {
            p { "Every login is listed here, with each check that was made." }
            p { a href=(links::expand(console::ORGANIZATIONS, &[&environment])) { "Connect a company’s identity provider to see the first" } }
        },
    };
    html! {
        @if flows.is_empty() && !next_token.is_empty() {
            (notice(Icon::Note, "None among the newest logins", html! { p { "Older ones have not been looked at yet." } }))
            (place.pagination(next_token))
        } @else {
            div.logins { (list.view(place)) }
        }
    }
}

/// By what a person proves who they are.
pub(in crate::web::console) fn how(flow: &LoginFlow) -> &'static str {
    match flow.protocol {
        LoginProtocol::Saml => "SAML",
        LoginProtocol::Oidc => "OpenID Connect",
        LoginProtocol::Account => proven_by(flow).unwrap_or("Account"),
    }
}

fn named(name: &str) -> &str {
    if name.trim().is_empty() { "(no name)" } else { name }
}

/// The choice between several matching organizations.
fn organization_choice(place: &ListUrl, organizations: &[Organization]) -> Markup {
    let href = |organization: &Organization| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("q", &organization.id.to_string());
        for name in ["outcome", "protocol", "time"].into_iter().filter(|name| !place.filter(name).is_empty())
        {
            query.append_pair(name, place.filter(name));
        }
        format!("{}?{}", place.unfiltered(), query.finish())
    };
    html! {
        section.card {
            h2 { "Which company?" }
            ul.choices {
                @for organization in organizations {
                    @let domains: Vec<&str> = organization.accepted_domains().map(|domain| domain.as_str()).collect();
                    li { a href=(href(organization)) {
                        span.text { (named(&organization.display_name)) small { (domains.join(", ")) } }
                        (shape(Icon::Forward))
                    } }
                }
            }
        }
    }
}
