//! `/console/{environment}/events`: the environment's events, newest first.

use base::time::Timestamp;
use maud::{Markup, html};
use model::event::{Event, EventKind, EventType};
use serde_json::Value;
use strum::VariantArray;

use crate::{
    app::{
        self,
        events::{LatestEvents, LatestQuery},
    },
    links::console,
    web::{
        console::kit::{context::EnvironmentContext, labels, shell::Section},
        kit::{
            components::{copyable, time},
            error::PageResult,
            forms::FormErrors,
            json,
            list::{ListUrl, PAGE_SIZE},
        },
    },
};

/// A name and its path.
pub(in crate::web::console) type Linked = (String, String);

/// An event with links to what it concerns.
pub(in crate::web::console) struct EventView<'a> {
    pub event: &'a Event,
    /// The organization; `None` on a page about it.
    pub organization: Option<Linked>,
    /// The user, group or connection; `None` on a page about it.
    pub resource: Option<Linked>,
    /// Whether the page is about the resource of the event.
    pub brief: bool,
}

impl<'a> EventView<'a> {
    /// The event on a page about its resource.
    pub fn brief(event: &'a Event) -> Self {
        Self { event, organization: None, resource: None, brief: true }
    }
}

/// `GET …/events`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let place = context.place(&["type", "resource"]);
    let query = LatestQuery {
        before: place.query().token.unwrap_or_default(),
        kind: place.filter("type").to_owned(),
        resource: place.filter("resource").to_owned(),
    };
    let (latest, errors) =
        match app::events::list_latest(&context.state, &context.principal, &query, PAGE_SIZE).await {
            Ok(latest) => (latest, FormErrors::none()),
            Err(error) => {
                (LatestEvents { events: Vec::new(), next_before: None }, FormErrors::from_error(error)?)
            }
        };
    let ids = latest.events.iter().map(|event| event.organization_id);
    let names = app::organizations::names(&context.state, &context.principal, ids).await?;
    let views: Vec<EventView<'_>> = latest
        .events
        .iter()
        .map(|event| EventView {
            event,
            organization: names.get(&event.organization_id).map(|name| {
                let name =
                    if name.trim().is_empty() { event.organization_id.to_string() } else { name.clone() };
                (name, context.href(console::ORGANIZATION, &[&event.organization_id]))
            }),
            resource: resource(&context, event),
            brief: false,
        })
        .collect();
    let next = latest.next_before.map(|before| before.to_string()).unwrap_or_default();
    let content = view(&views, &next, &place, &errors, context.now());
    Ok(context.shell(Section::Events, "Events").respond_with(errors.status(), content))
}

/// The user, group or connection of the event, with the path of its page.
fn resource(context: &EnvironmentContext, event: &Event) -> Option<Linked> {
    let id = &event.resource_id;
    let name = name_in(&event.data).unwrap_or_else(|| id.clone());
    let href = match (kind_of(event), event.directory_id) {
        ("scim_user", Some(directory)) => context.href(console::SCIM_USER, &[&directory, id]),
        ("scim_group", Some(directory)) => context.href(console::SCIM_GROUP, &[&directory, id]),
        ("saml_connection", _) => context.href(console::SAML_CONNECTION, &[id]),
        _ => return None,
    };
    Some((name, href))
}

fn kind_of(event: &Event) -> &str {
    event.kind.as_str().split_once('.').map_or("", |(kind, _)| kind)
}

/// The resource's name, from the event's data.
fn name_in(data: &Value) -> Option<String> {
    let resource = [data.get("after"), data.get("before"), data.get("invitation")]
        .into_iter()
        .flatten()
        .find(|value| value.is_object())?;
    let text = |value: &Value| value.as_str().map(str::to_owned).filter(|text| !text.trim().is_empty());
    ["userName", "displayName", "email"]
        .iter()
        .find_map(|name| resource.get(name).or_else(|| resource.get("attributes")?.get(name)).and_then(text))
}

/// A readable label of a type of event; of one that this version does not know, its name.
fn kind_label(kind: &EventType) -> &str {
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
        "organization.domain_record_lost" => "DNS record of a proved domain is gone",
        "organization.domain_lapsed" => "Domain no longer counts as proved",
        "organization.domain_restored" => "DNS record of a domain is back",
        "organization.invitation.created" => "Somebody was invited",
        "organization.invitation.resent" => "An invitation was sent again",
        "organization.invitation.revoked" => "An invitation was taken back",
        "organization.invitation.accepted" => "An invitation was accepted",
        "organization.invitation.expired" => "An invitation has expired",
        "guest_invitation.created" => "User of the organization above invited",
        "guest_invitation.accepted" => "Invitation accepted",
        "guest_invitation.deleted" => "Invitation taken back",
        "organization.created" => "Organization made by its own people",
        "organization.updated" => "Organization changed by its own people",
        "organization.deleted" => "Organization deleted by its owner",
        "organization.ownership_transferred" => "Organization handed over",
        "membership.created" => "New member",
        "membership.updated" => "Member changed",
        "membership.deleted" => "Member left",
        "session.created" => "User signed in over the API",
        "session.revoked" => "User signed out over the API",
        other => other,
    }
}

/// One event.
pub(in crate::web::console) fn entry(view: &EventView<'_>, now: Timestamp) -> Markup {
    let event = view.event;
    html! {
        li.entry {
            div.head {
                p.what {
                    (kind_label(&event.kind))
                    @if let Some((name, href)) = &view.resource { ": " a href=(href) { (name) } }
                    @if let Some((name, href)) = &view.organization {
                        // The label already names another organization.
                        @if event.kind == EventKind::DomainShared.into() { "," }
                        " of " a href=(href) { (name) }
                    }
                }
                (time(event.at, now))
            }
            div.meta {
                span { "#" (event.sequence) }
                code { (event.kind.as_str()) }
                @if !view.brief { (copyable(&event.resource_id, "id")) }
            }
            (json::collapsed("Data", &event.data))
        }
    }
}

/// The page.
pub(in crate::web::console) fn view(
    events: &[EventView<'_>],
    next: &str,
    place: &ListUrl,
    errors: &FormErrors,
    now: Timestamp,
) -> Markup {
    let kinds: Vec<_> = EventKind::VARIANTS.iter().map(|kind| (kind.as_str(), kind.as_str())).collect();
    html! {
        h1 { "Events" }
        p { "What happened to your customers’ people and connections, in order. Your app reads the same at "
            code { "/v1/events" } ", or gets it by webhook." }
        (place.filter_form(&html! {
            (place.filter_select("type", "Type", "All", &kinds))
            (place.filter_input("resource", "User or group ID", "text", ""))
        }, &[]))
        @if !errors.is_empty() {
            (labels::filter_error_notice(errors))
        } @else if !events.is_empty() {
            section.card { ul.entries { @for event in events { (entry(event, now)) } } }
        } @else if place.is_filtered() {
            div.card.empty { p { "Nothing here matches." } p { a href=(place.unfiltered()) { "Show all" } } }
        } @else {
            div.card.empty {
                p { "Nothing happened yet." }
                p { "Events appear here when an identity provider pushes its first person." }
            }
        }
        (place.pagination(next))
    }
}
