//! `/console/{environment}/organizations`: the list of organizations, with a search.

use std::collections::BTreeMap;

use base::{id::OrganizationId, time::Timestamp};
use maud::{Markup, html};
use model::{domain::Domain, organization::Organization};

use crate::{
    app::{self, pagination::Page, permissions},
    links::console,
    web::{
        console::kit::{context::EnvironmentContext, labels, shell::Section},
        kit::{
            components::{ButtonStyle, copyable, link_button, time},
            error::PageResult,
            list::{List, ListUrl, column},
        },
    },
};

/// The query parameter of the search.
const SEARCH: &str = "q";

/// How many domains a row lists.
const SHOWN_DOMAINS: usize = 3;

/// `GET …/organizations`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let place = context.place(&[SEARCH]);
    let page =
        app::organizations::search(&context.state, &context.principal, place.filter(SEARCH), &place.query())
            .await?;
    let create = context
        .may(permissions::Action::OrganizationsManage)
        .then(|| context.href(console::NEW_ORGANIZATION, &[]));
    let href = |organization: &Organization| context.href(console::ORGANIZATION, &[&organization.id]);
    let ids: Vec<OrganizationId> = page.items.iter().map(|organization| organization.id).collect();
    let shared = app::organizations::domains::sharing::list(&context.state, &context.principal, &ids).await?;
    let content = view(&page, &shared, &place, create.as_deref(), &href, context.now());
    Ok(context.shell(Section::Organizations, "Organizations").respond(content))
}

/// The list. `shared` holds their domains that count for others too; `create` is the path of the form, if the
/// administrator may use it.
pub(in crate::web::console) fn view(
    page: &Page<Organization>,
    shared: &BTreeMap<OrganizationId, Vec<Domain>>,
    place: &ListUrl,
    create: Option<&str>,
    href: &dyn Fn(&Organization) -> String,
    now: Timestamp,
) -> Markup {
    let rows = page.items.iter().map(|organization| {
        vec![
            html! {
                a href=(href(organization)) { (labels::organization(organization)) }
                @if organization.is_disabled() { " " (labels::switched_off()) }
            },
            domains(organization, shared.get(&organization.id).map_or(&[], Vec::as_slice)),
            html! { @if let Some(id) = &organization.external_id { code { (id) } } },
            time(organization.created_at, now),
            copyable(&organization.id.to_string(), "organization id"),
        ]
    });
    let columns = [column("Name"), column("Domains"), column("External ID"), column("Created"), column("ID")];
    let list = List {
        caption: "Organizations",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.next_token,
        empty: html! {
            p { "An organization is one customer of yours: its domains, its identity provider, its people." }
            @if let Some(create) = create { p { (link_button(ButtonStyle::Primary, "Create the first one", create)) } }
        },
    };
    html! {
        div.head-row {
            h1 { "Organizations" }
            @if let Some(create) = create {
                div.actions { (link_button(ButtonStyle::Primary, "New organization", create)) }
            }
        }
        (place.search_form(SEARCH, "Search organizations", "Company, domain, external ID or ID"))
        (list.view(place))
    }
}

fn domains(organization: &Organization, shared: &[Domain]) -> Markup {
    let names: Vec<_> = organization.accepted_domains().collect();
    let waiting = organization.waiting_domains().count();
    let more = names.len().saturating_sub(SHOWN_DOMAINS);
    html! {
        @for (at, name) in names.iter().take(SHOWN_DOMAINS).enumerate() {
            @if at > 0 { ", " }
            (name)
            @if shared.contains(*name) { " (shared)" }
        }
        @if more > 0 { span.soft { " and " (more) " more" } }
        @if waiting > 0 { span.soft { @if !names.is_empty() { ", " } (waiting) " waiting" } }
        @if names.is_empty() && waiting == 0 { span.soft { "none" } }
    }
}
