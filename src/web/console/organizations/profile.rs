//! The parts of an organization's page that say what it is: where it came from, what is above and below it, what is kept with it.

use std::collections::BTreeMap;

use base::{id::OrganizationId, time::Timestamp};
use maud::{Markup, html};
use model::{
    organization::{AppliedTemplate, Organization},
    organization_reference::Handle,
};
use serde_json::Value;

use super::{children::new_below, mechanisms, metadata::schema_form};
use crate::{
    links::console,
    web::{
        console::kit::labels::{self, Href},
        kit::{
            components::{copyable, day, facts, time},
            json,
        },
    },
};

/// What is around an organization in the tree.
#[derive(Debug, Clone, Default)]
pub(in crate::web::console) struct Surroundings {
    /// The names of its parent and its template, as far as they are there.
    pub names: BTreeMap<OrganizationId, String>,
    /// How many organizations are right below it.
    pub children: i64,
    /// The first of them.
    pub first_children: Vec<Organization>,
    /// The first violations of its metadata schema.
    pub violations: Vec<String>,
}

/// Another organization as a link, or in these words where it is gone.
fn link(names: &BTreeMap<OrganizationId, String>, id: OrganizationId, href: Href<'_>, gone: &str) -> Markup {
    html! {
        @match names.get(&id) {
            None => (gone),
            Some(name) => a href=(href(console::ORGANIZATION, &[&id])) {
                @if name.trim().is_empty() { (id) } @else { (name) }
            },
        }
    }
}

/// The colour of an organization with its code.
pub(in crate::web::console) fn color(color: &str) -> Markup {
    html! {
        @if color.is_empty() { span.soft { "none" } }
        @else {
            svg.swatch viewBox="0 0 12 12" aria-hidden="true" { rect width="12" height="12" rx="2" fill=(color) {} }
            " " code { (color) }
        }
    }
}

/// The facts of an organization.
pub(super) fn about(
    organization: &Organization,
    around: &Surroundings,
    href: Href<'_>,
    now: Timestamp,
) -> Markup {
    let mut rows = vec![
        ("ID", copyable(&organization.id.to_string(), "organization id")),
        (
            "External ID",
            match &organization.external_id {
                Some(external) => copyable(external, "external id"),
                None => html! { span.soft { "none" } },
            },
        ),
    ];
    if let Some(alias) = &organization.public_alias {
        rows.push(("Chosen ID", copyable(alias.as_str(), "chosen id")));
    }
    if let Some(name) =
        organization.name.as_deref().filter(|name| *name != labels::organization(organization))
    {
        rows.push(("Name for programs", html! { code { (name) } }));
    }
    if let Some(handle) = organization.handle.as_ref().map(Handle::as_str) {
        // WSO2's API gives each organization its id as its handle.
        if handle.replace('-', "") != format!("{:032x}", organization.id.bits()) {
            rows.push(("Handle", copyable(handle, "handle")));
        }
    }
    if let Some(AppliedTemplate { id, at }) = organization.applied_template {
        let template = html! {
            "from " @if around.names.contains_key(&id) { "template " }
            (link(&around.names, id, href, "a template that is gone")) ", on " (day(at, now))
        };
        rows.push(("Made", template));
    }
    if let Some(parent) = organization.parent() {
        rows.push(("Parent", link(&around.names, parent, href, "gone")));
    }
    if !organization.description.is_empty() {
        rows.push(("Description", html! { span.lines { (organization.description) } }));
    }
    if let Some(email) = &organization.contact_email {
        rows.push(("Contact", html! { a href={ "mailto:" (email) } { (email) } }));
    }
    rows.push((
        "How people may sign in",
        mechanisms::words(organization.authentication_mechanisms.as_deref()),
    ));
    if !organization.color.is_empty() {
        rows.push(("Colour", color(&organization.color)));
    }
    rows.push(("Created", time(organization.created_at, now)));
    html! { section.card { (facts(&rows)) } }
}

/// Attributes as facts.
pub(in crate::web::console) fn attributes(organization: &Organization) -> Markup {
    let rows: Vec<(&str, Markup)> =
        organization.attributes.iter().map(|(key, value)| (key.as_str(), html! { (value) })).collect();
    facts(&rows)
}

/// What programs keep with an organization.
pub(super) fn kept(
    organization: &Organization,
    around: &Surroundings,
    may_manage: bool,
    href: Href<'_>,
) -> Markup {
    let id = &organization.id;
    let metadata = organization.metadata.to_map();
    html! {
        section.card aria-labelledby="metadata" {
            div.head-row {
                h2 #metadata { "Metadata" }
                @if may_manage {
                    div.actions {
                        a.button.small href=(href(console::EDIT_ORGANIZATION_METADATA, &[id])) { "Edit metadata" }
                        a.button.small href=(href(console::EDIT_METADATA_SCHEMA, &[id])) { "Schema" }
                    }
                }
            }
            @if metadata.is_empty() {
                p {
                    "None yet. It is what your programs keep with this customer, such as its number in your CRM."
                    @if !organization.metadata_schema.is_empty() { " Its schema says which fields there are." }
                }
            } @else {
                (schema_form(organization).facts(&metadata))
                (json::collapsed("As JSON", &Value::Object(metadata)))
            }
            @if !around.violations.is_empty() {
                p.soft { "It does not match its schema, and stays as it is until somebody edits it:" }
                ul { @for violation in &around.violations { li { (violation) } } }
            }
            @if !organization.attributes.is_empty() {
                h3 { "Attributes" }
                (attributes(organization))
            }
        }
    }
}

/// The organizations below one.
pub(super) fn children(
    organization: &Organization,
    around: &Surroundings,
    may_manage: bool,
    href: Href<'_>,
) -> Markup {
    let shown = i64::try_from(around.first_children.len()).unwrap_or(i64::MAX);
    html! {
        section.card aria-labelledby="children" {
            div.head-row {
                h2 #children { "Organizations below it" @if around.children > 0 { " (" (around.children) ")" } }
                @if may_manage {
                    div.actions { a.button.small href=(new_below(href, organization.id)) { "New organization below" } }
                }
            }
            @if around.children == 0 {
                p { "None. A customer that has customers or companies of its own has them here." }
            } @else {
                ul.rows {
                    @for child in &around.first_children {
                        li {
                            a href=(href(console::ORGANIZATION, &[&child.id])) { (labels::organization(child)) }
                            @if child.is_disabled() { (labels::switched_off()) }
                        }
                    }
                }
                @if around.children > shown {
                    p { a href=(href(console::ORGANIZATION_CHILDREN, &[&organization.id])) { "All " (around.children) } }
                }
            }
        }
    }
}
