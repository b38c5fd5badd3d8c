//! `/console/{environment}/audit-events`: who did what to what, from where, with old and new values; and the
//! same as JSON lines.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpResponse,
    body::{BodySize, MessageBody},
    http::header,
    web::Bytes,
};
use maud::{Markup, html};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{here::Here, shell::Section};
use crate::{
    app::{
        self, Error,
        audit::AuditFilter,
        page::{Page, PageQuery},
    },
    links::console,
    model::{
        audit::AuditEvent,
        id::{OrganizationId, SamlConnectionId, ScimDirectoryId},
        time::Timestamp,
    },
    pages::{
        components::{copyable, exact, time},
        error::{self, Answer, Failure},
        forms::{FormErrors, FormView, Typed},
        list::{List, Place, column},
    },
};

const FILTERS: [&str; 6] = ["action", "actorId", "organizationId", "targetId", "since", "until"];

/// An entry with the names of who and what it speaks of.
pub(super) struct Told {
    pub event: AuditEvent,
    /// Who, as a person knows them.
    pub who: String,
}

/// Finds the names of those who did it.
pub(super) async fn tell(here: &Here, events: Vec<AuditEvent>) -> Result<Vec<Told>, Failure> {
    let names = app::audit::names(&here.state, &here.actor, &events).await?;
    Ok(events.into_iter().map(|event| Told { who: who(&event, &names), event }).collect())
}

pub(super) fn who(event: &AuditEvent, names: &BTreeMap<String, String>) -> String {
    let name = names.get(&event.actor.id).filter(|name| !name.is_empty());
    match (event.actor.kind.as_str(), name) {
        ("administrator", Some(name)) => name.clone(),
        ("administrator", None) => "an administrator".to_owned(),
        ("api_key", Some(name)) => format!("API key “{name}”"),
        ("api_key", None) => "an API key".to_owned(),
        ("setup_link", _) => "the customer’s admin, by a setup link".to_owned(),
        ("operator", _) => "the operator, at the command line".to_owned(),
        ("service", _) => "Ostiary itself".to_owned(),
        (other, _) => other.to_owned(),
    }
}

/// `saml_connection.updated` → `SAML connection updated`.
pub(super) fn deed(action: &str) -> String {
    let text = action.replace(['.', '_'], " ").replace("saml oauth client", "OAuth client");
    let text = text.replace("saml", "SAML").replace("scim", "SCIM");
    let text = text.replace("oauth", "OAuth").replace("api ", "API ");
    let mut letters = text.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    first + letters.as_str()
}

/// Where the thing is seen, when it is one that has a page and may still be there.
fn target_href(event: &AuditEvent, href: Href<'_>) -> Option<String> {
    if event.action.ends_with(".deleted") {
        return None;
    }
    let id = event.target_id.as_str();
    match event.target_kind.as_str() {
        "organization" => id.parse::<OrganizationId>().ok().map(|id| href(console::ORGANIZATION, &[&id])),
        "saml_connection" => {
            id.parse::<SamlConnectionId>().ok().map(|id| href(console::SAML_CONNECTION, &[&id]))
        }
        "scim_directory" => {
            id.parse::<ScimDirectoryId>().ok().map(|id| href(console::SCIM_DIRECTORY, &[&id]))
        }
        _ => None,
    }
}

/// Makes addresses in the environment.
pub(super) type Href<'a> = &'a dyn Fn(&str, &[&dyn std::fmt::Display]) -> String;

impl Told {
    /// The entry in one line.
    pub fn line(&self, href: Href<'_>, now: Timestamp) -> Markup {
        html! {
            span {
                @match target_href(&self.event, href) {
                    Some(href) => a href=(href) { (deed(&self.event.action)) },
                    None => (deed(&self.event.action)),
                }
                span.soft { " by " (self.who) }
            }
            (time(self.event.at, now))
        }
    }

    /// What changed: a row a field.
    fn changes(&self) -> Markup {
        let (before, after) = (&self.event.before, &self.event.after);
        let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        html! {
            @if !fields.is_empty() {
                details {
                    summary { (super::words::count(fields.len(), "value", "values")) }
                    dl.changes {
                        @for field in fields {
                            dt { code { (field) } }
                            dd {
                                @if let Some(old) = before.get(field) { del { (shown(old)) } }
                                @if before.contains_key(field) && after.contains_key(field) { span aria-hidden="true" { " → " } }
                                @if let Some(new) = after.get(field) { ins { (shown(new)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A value for people: texts without quotes, nothing as a word.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) if text.is_empty() => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(values) if values.is_empty() => "nothing".to_owned(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// What is looked for, or what is wrong with how it was asked for.
fn filter(place: &Place) -> Result<AuditFilter, Error> {
    let given = |name: &str| Some(place.filter(name).to_owned()).filter(|text| !text.is_empty());
    let moment = |name: &'static str| {
        given(name).map(|text| day(&text).ok_or_else(|| Error::invalid(name, "must be a day"))).transpose()
    };
    let organization = given("organizationId").map(|text| {
        text.parse().map_err(|_| Error::invalid("organizationId", "must be the ID of an organization"))
    });
    Ok(AuditFilter {
        target_id: given("targetId"),
        organization_id: organization.transpose()?,
        actor_id: given("actorId"),
        action: given("action"),
        since: moment("since")?,
        until: moment("until")?,
    })
}

/// A day as date fields send it, or a whole moment.
fn day(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).or_else(|| Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")))
}

/// `GET …/audit-events`
pub async fn list(here: Here) -> Answer {
    let place = here.place(&FILTERS);
    let (page, errors) = match filter(&place) {
        Ok(filter) => {
            (app::audit::list(&here.state, &here.actor, &filter, &place.query()).await?, FormErrors::none())
        }
        Err(error) => (Page { items: Vec::new(), next_token: String::new() }, FormErrors::from(error)?),
    };
    let told = tell(&here, page.items).await?;
    let href = |pattern: &str, segments: &[&dyn std::fmt::Display]| here.href(pattern, segments);
    let content = view(&told, &page.next_token, &place, &errors, &href, here.now());
    Ok(here.shell(Section::Audit, "Audit log").respond_with(errors.status(), content))
}

/// The log.
pub(super) fn view(
    told: &[Told],
    next_token: &str,
    place: &Place,
    errors: &FormErrors,
    href: Href<'_>,
    now: Timestamp,
) -> Markup {
    let rows = told.iter().map(|told| {
        let event = &told.event;
        vec![
            time(event.at, now),
            html! {
                @match target_href(event, href) {
                    Some(href) => a href=(href) { (deed(&event.action)) },
                    None => strong { (deed(&event.action)) },
                }
                (told.changes())
            },
            html! {
                (told.who)
                @if let Some(address) = event.address { div.soft.small { "from " (address) } }
            },
            html! { @if !event.target_id.is_empty() { (copyable(&event.target_id, "id")) } },
        ]
    });
    let columns = [column("When"), column("What"), column("Who"), column("To what")];
    let list = List {
        caption: "Audit log",
        columns: &columns,
        rows: rows.collect(),
        next_token,
        empty: html! { p { "Every change in this environment is written down here. There was none yet." } },
    };
    let typed = FILTERS.iter().fold(Typed::new(), |typed, name| typed.with(name, place.filter(name)));
    let form = FormView::new(&typed, errors);
    html! {
        div.head-row {
            h1 { "Audit log" }
            div.actions { a.button.small href=(href(console::EXPORT_AUDIT_EVENTS, &[])) { "Export as JSON lines" } }
        }
        details.filter open[place.is_filtered()] {
            summary { "Filter" }
            form.card method="get" action=(place.unfiltered()) {
                div.filters {
                    (form.text("action", "What").code().optional().hint("For example organization.updated"))
                    (form.text("actorId", "Who").code().optional().hint("The ID of an administrator, key or link"))
                    (form.text("organizationId", "Organization").code().optional().hint("Its ID"))
                    (form.text("targetId", "To what").code().optional().hint("The ID of a thing"))
                    (form.date("since", "From").optional().hint("The day, in UTC"))
                    (form.date("until", "Until").optional().hint("Up to the beginning of this day"))
                }
                div.actions {
                    button.button type="submit" { "Filter" }
                    @if place.is_filtered() { a.quiet href=(place.unfiltered()) { "Show all" } }
                }
            }
        }
        (list.view(place))
    }
}

/// `GET …/audit-events/export`: everything, the newest first, a JSON object a line, read page by page while
/// it is sent.
pub async fn export(here: Here) -> Answer {
    let (state, actor) = (here.state.clone(), here.actor);
    // The first page before anything is sent: an error can still be told.
    let mut page = app::audit::list(&state, &actor, &AuditFilter::default(), &whole(None)).await?;
    let (send, lines) = mpsc::channel(2);
    actix_web::rt::spawn(async move {
        loop {
            let text: String = page.items.iter().map(|event| json_line(event) + "\n").collect();
            if send.send(Ok(Bytes::from(text))).await.is_err() || page.next_token.is_empty() {
                return;
            }
            let query = whole(Some(std::mem::take(&mut page.next_token)));
            page = match app::audit::list(&state, &actor, &AuditFilter::default(), &query).await {
                Ok(next) => next,
                Err(failed) => {
                    error::record(&failed);
                    // The connection breaks off, so that nobody takes a part for the whole. If it is gone
                    // already, nobody minds.
                    drop(send.send(Err(io::Error::other("the log could not be read on"))).await);
                    return;
                }
            };
        }
    });
    let name = format!("audit-{}-{}.jsonl", here.environment.slug, &exact(here.now())[..10]);
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(Lines(lines)))
}

/// A body that arrives in parts.
struct Lines(mpsc::Receiver<io::Result<Bytes>>);

impl MessageBody for Lines {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.0.poll_recv(context)
    }
}

fn whole(token: Option<String>) -> PageQuery {
    PageQuery { token, size: Some("100".to_owned()) }
}

fn json_line(event: &AuditEvent) -> String {
    serde_json::json!({
        "id": event.id,
        "at": event.at,
        "actor": { "kind": event.actor.kind, "id": event.actor.id },
        "address": event.address,
        "action": event.action,
        "targetKind": event.target_kind,
        "targetId": event.target_id,
        "organizationId": event.organization_id,
        "before": event.before,
        "after": event.after,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_read_like_sentences() {
        for (action, said) in [
            ("organization.created", "Organization created"),
            ("saml_connection.updated", "SAML connection updated"),
            ("api_key.deleted", "API key deleted"),
            ("scim_directory.bearer_token_rotated", "SCIM directory bearer token rotated"),
            ("saml_oauth_client.secret_rotated", "OAuth client secret rotated"),
        ] {
            assert_eq!(deed(action), said);
        }
    }

    #[test]
    fn days_and_moments_are_read() {
        assert_eq!(day("2026-11-21").unwrap().to_string(), "2026-11-21T00:00:00.000Z");
        assert_eq!(day("2026-11-21T10:00:00+01:00").unwrap().to_string(), "2026-11-21T09:00:00.000Z");
        assert_eq!(day("yesterday"), None);
    }

    #[test]
    fn values_are_shown_as_people_write_them() {
        assert_eq!(shown(&serde_json::json!(["a", "b"])), "a, b");
        assert_eq!(shown(&serde_json::json!([])), "nothing");
        assert_eq!(shown(&serde_json::json!(true)), "yes");
        assert_eq!(shown(&serde_json::json!(null)), "nothing");
    }
}
