//! `/console/{environment}/organizations/{organization}/organizations`: the organizations right below one.

use base::{id::OrganizationId, time::Timestamp};
use maud::{Markup, html};
use model::organization::Organization;

use crate::{
    app::{organizations::by_name, pagination::Page, permissions, resource},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            labels::{self, Href},
            shell::Section,
        },
        kit::{
            components::{ButtonStyle, copyable, link_button, time},
            error::PageResult,
            list::{List, ListUrl, column},
        },
    },
};

/// `GET …/organizations/{organization}/organizations`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let (state, principal) = (&context.state, &context.principal);
    let id: OrganizationId = context.id("organization")?;
    let parent: Organization = resource::find(state, principal, id).await?;
    let place = context.place(&[]);
    let page = by_name::list_children(state, principal, id, &place.query()).await?;
    let may_manage = context.may(permissions::Action::OrganizationsManage) && !parent.template;
    let create = may_manage.then(|| new_below(&|pattern, segments| context.href(pattern, segments), id));
    let content = view(
        &parent,
        &page,
        &place,
        create.as_deref(),
        &|pattern, segments| context.href(pattern, segments),
        context.now(),
    );
    let name = labels::organization(&parent);
    Ok(context
        .shell(Section::Organizations, &format!("Organizations below {name}"))
        .crumb(name, context.href(console::ORGANIZATION, &[&id]))
        .respond(content))
}

/// The path of the form that makes an organization below another one.
pub(super) fn new_below(href: Href<'_>, parent: OrganizationId) -> String {
    format!("{}?parent={parent}", href(console::NEW_ORGANIZATION, &[]))
}

/// The list. `create` is the path of the form, if the administrator may use it.
pub(in crate::web::console) fn view(
    parent: &Organization,
    page: &Page<Organization>,
    place: &ListUrl,
    create: Option<&str>,
    href: Href<'_>,
    now: Timestamp,
) -> Markup {
    let rows = page.items.iter().map(|child| {
        vec![
            html! {
                a href=(href(console::ORGANIZATION, &[&child.id])) { (labels::organization(child)) }
                @if child.is_disabled() { " " (labels::switched_off()) }
            },
            html! { @if let Some(id) = &child.external_id { code { (id) } } },
            time(child.created_at, now),
            copyable(&child.id.to_string(), "organization id"),
        ]
    });
    let columns = [column("Name"), column("External ID"), column("Created"), column("ID")];
    let list = List {
        caption: "Organizations below it",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.next_token,
        empty: html! {
            p { "There is no organization below " (labels::organization(parent)) "." }
            @if let Some(create) = create { p { (link_button(ButtonStyle::Primary, "Create the first one", create)) } }
        },
    };
    html! {
        div.head-row {
            h1 { "Organizations below " (labels::organization(parent)) }
            @if let Some(create) = create.filter(|_| !page.items.is_empty()) {
                div.actions { (link_button(ButtonStyle::Primary, "New organization", create)) }
            }
        }
        (list.view(place))
    }
}
