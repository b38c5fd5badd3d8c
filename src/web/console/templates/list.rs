//! `/console/{environment}/templates`: the templates of an environment.

use base::{id::OrganizationId, time::Timestamp};
use maud::{Markup, html};

use crate::{
    app::{organizations::by_name, pagination::Page, permissions},
    links::console,
    web::{
        console::{
            kit::{
                context::EnvironmentContext,
                labels::{self, Href},
                shell::Section,
            },
            organizations::inherited::Inherited,
        },
        kit::{
            components::{ButtonStyle, Icon, link_button, mark, time},
            error::PageResult,
            list::{List, ListUrl, column},
        },
    },
};

/// `GET …/templates`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let place = context.place(&[]);
    let found = by_name::list_templates(&context.state, &context.principal, &place.query()).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for template in found.items {
        items.push(Inherited::of(&context, template).await?);
    }
    let content = view(
        &Page { items, next_token: found.next_token },
        context.environment.default_template_id,
        &place,
        context.may(permissions::Action::OrganizationsManage),
        &|pattern, segments| context.href(pattern, segments),
        context.now(),
    );
    Ok(context.shell(Section::Templates, "Templates").respond(content))
}

/// The mark of the default template.
pub(super) fn default_mark() -> Markup {
    mark(Icon::Good, "Default")
}

/// The list.
pub(in crate::web::console) fn view(
    page: &Page<Inherited>,
    default: Option<OrganizationId>,
    place: &ListUrl,
    may_manage: bool,
    href: Href<'_>,
    now: Timestamp,
) -> Markup {
    let new = href(console::NEW_TEMPLATE, &[]);
    let rows = page.items.iter().map(|one| {
        let template = &one.template;
        vec![
            html! {
                a href=(href(console::ORGANIZATION, &[&template.id])) { (labels::organization(template)) }
                @if default == Some(template.id) { " " (default_mark()) }
                @if !template.description.is_empty() { br; span.soft { (template.description) } }
            },
            html! { (one.words()) },
            time(template.created_at, now),
        ]
    });
    let columns = [column("Name"), column("Gives"), column("Created")];
    let list = List {
        caption: "Templates",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.next_token,
        empty: html! {
            p {
                "A template holds what your customers have in common: how their people may sign in, their identity pools with the rules for passwords, and which metadata you keep about them. "
                "A new customer that is made from it begins with a copy, so that one form or one request is enough."
            }
            @if may_manage { p { (link_button(ButtonStyle::Primary, "Create the first template", &new)) } }
        },
    };
    html! {
        div.head-row {
            h1 { "Templates" }
            @if may_manage && !page.items.is_empty() {
                div.actions { (link_button(ButtonStyle::Primary, "New template", &new)) }
            }
        }
        (list.view(place))
    }
}
