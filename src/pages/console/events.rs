//! `/console/{environment}/events`: the environment's events, newest first.

use maud::{Markup, html};
use serde_json::Value;

use super::{here::Here, json, shell::Section};
use crate::{
    app::{
        self,
        events::{Latest, LatestQuery},
    },
    links::console,
    model::{
        event::{Event, EventKind},
        time::Timestamp,
    },
    pages::{
        components::{copyable, time},
        error::Answer,
        forms::FormErrors,
        list::{Place, SIZE},
    },
};

/// A name and its path.
pub(super) type Linked = (String, String);

/// An event with links to what it concerns.
pub(super) struct Told<'a> {
    pub event: &'a Event,
    /// The organization; `None` on a page about it.
    pub organization: Option<Linked>,
    /// The user, group or connection; `None` on a page about it.
    pub resource: Option<Linked>,
    /// Whether the page is about the resource of the event.
    pub brief: bool,
}

impl<'a> Told<'a> {
    /// The event on a page about its resource.
    pub fn brief(event: &'a Event) -> Self {
        Self { event, organization: None, resource: None, brief: true }
    }
}

/// `GET …/events`
pub async fn list(here: Here) -> Answer {
    let place = here.place(&["type", "resource"]);
    let query = LatestQuery {
        before: place.query().token.unwrap_or_default(),
        kind: place.filter("type").to_owned(),
        resource: place.filter("resource").to_owned(),
    };
    let (latest, errors) = match app::events::list_latest(&here.state, &here.actor, &query, SIZE).await {
        Ok(latest) => (latest, FormErrors::none()),
        Err(error) => (Latest { events: Vec::new(), next_before: None }, FormErrors::from(error)?),
    };
    let ids = latest.events.iter().map(|event| event.organization_id);
    let names = app::organizations::names(&here.state, &here.actor, ids).await?;
    let told: Vec<Told<'_>> = latest
        .events
        .iter()
        .map(|event| Told {
            event,
            organization: names.get(&event.organization_id).map(|name| {
                let name =
                    if name.trim().is_empty() { event.organization_id.to_string() } else { name.clone() };
                (name, here.href(console::ORGANIZATION, &[&event.organization_id]))
            }),
            resource: resource(&here, event),
            brief: false,
        })
        .collect();
    let next = latest.next_before.map(|before| before.to_string()).unwrap_or_default();
    let content = view(&told, &next, &place, &errors, here.now());
    Ok(here.shell(Section::Events, "Events").respond_with(errors.status(), content))
}

/// The user, group or connection of the event, with the path of its page.
fn resource(here: &Here, event: &Event) -> Option<Linked> {
    let id = &event.resource_id;
    let name = name_in(&event.data).unwrap_or_else(|| id.clone());
    let href = match (kind_of(event), event.directory_id) {
        ("scim_user", Some(directory)) => here.href(console::SCIM_USER, &[&directory, id]),
        ("scim_group", Some(directory)) => here.href(console::SCIM_GROUP, &[&directory, id]),
        ("saml_connection", _) => here.href(console::SAML_CONNECTION, &[id]),
        _ => return None,
    };
    Some((name, href))
}

fn kind_of(event: &Event) -> &'static str {
    event.kind.as_str().split_once('.').map_or("", |(kind, _)| kind)
}

/// The resource's name, from the event's data.
fn name_in(data: &Value) -> Option<String> {
    let resource =
        [data.get("after"), data.get("before")].into_iter().flatten().find(|value| value.is_object())?;
    let text = |value: &Value| value.as_str().map(str::to_owned).filter(|text| !text.trim().is_empty());
    ["userName", "displayName", "email"]
        .iter()
        .find_map(|name| resource.get(name).or_else(|| resource.get("attributes")?.get(name)).and_then(text))
}

/// A readable label of an event kind.
fn words(kind: EventKind) -> &'static str {
    match kind.as_str() {
        "scim_user.created" => "User pushed for the first time",
        "scim_user.updated" => "User changed",
        "scim_user.deactivated" => "User may no longer use the app",
        "scim_user.reactivated" => "User may use the app again",
        "scim_user.deleted" => "User deleted",
        "scim_group.created" => "Group pushed for the first time",
        "scim_group.updated" => "Group changed",
        "scim_group.deleted" => "Group deleted",
        "scim_group.membership_changed" => "Members of a group came or went",
        "saml_connection.metadata_changed" => "Identity provider’s metadata changed",
        "saml_connection.certificate_expiring" => "Identity provider’s certificate runs out",
        "organization.domain_shared" => "Domain shared with another organization",
        other => other,
    }
}

/// One event.
pub(super) fn entry(told: &Told<'_>, now: Timestamp) -> Markup {
    let event = told.event;
    html! {
        li.entry {
            div.head {
                p.what {
                    (words(event.kind))
                    @if let Some((name, href)) = &told.resource { ": " a href=(href) { (name) } }
                    @if let Some((name, href)) = &told.organization {
                        // The label already names another organization.
                        @if event.kind == EventKind::DomainShared { "," }
                        " of " a href=(href) { (name) }
                    }
                }
                (time(event.at, now))
            }
            div.meta {
                span { "#" (event.sequence) }
                code { (event.kind.as_str()) }
                @if !told.brief { (copyable(&event.resource_id, "id")) }
            }
            (json::folded("Data", &event.data))
        }
    }
}

/// The page.
pub(super) fn view(
    told: &[Told<'_>],
    next: &str,
    place: &Place,
    errors: &FormErrors,
    now: Timestamp,
) -> Markup {
    let kinds = EventKind::ALL.map(|kind| (kind.as_str(), kind.as_str()));
    html! {
        h1 { "Events" }
        p { "What happened to your customers’ people and connections, in order. Your app reads the same at "
            code { "/v1/events" } ", or gets it by webhook." }
        (place.narrowing(&html! {
            (place.menu("type", "Type", "All", &kinds))
            (place.line("resource", "User or group ID", "text", ""))
        }, &[]))
        @if !errors.is_empty() {
            (super::scim_requests::wrong(errors))
        } @else if !told.is_empty() {
            section.card { ul.entries { @for event in told { (entry(event, now)) } } }
        } @else if place.is_filtered() {
            div.card.empty { p { "Nothing here matches." } p { a href=(place.unfiltered()) { "Show all" } } }
        } @else {
            div.card.empty {
                p { "Nothing happened yet." }
                p { "Events appear here when an identity provider pushes its first person." }
            }
        }
        (place.pages(next))
    }
}
