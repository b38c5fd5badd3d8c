//! `/console`: the environments in which the administrator has a role. `/console/environments/new` creates one.

use base::time::Timestamp;
use maud::{Markup, html};
use model::environment::Environment;

use crate::{
    app::{administrators::SignedIn, permissions},
    links::{self, console},
    web::{
        console::kit::context::{ConsoleContext, environment_name},
        kit::{
            components::{ButtonStyle, copyable, link_button, time},
            error::PageResult,
            list::{List, ListUrl, column},
        },
    },
};

/// `GET /console`
pub async fn list(context: ConsoleContext) -> PageResult {
    let environments = context.admin.environments(&context.state).await?;
    let may_create =
        context.admin.principal().authorize_everywhere(permissions::Action::EnvironmentsCreate).is_ok();
    Ok(context.shell("Environments").respond(view(&environments, &context.admin, may_create, context.now())))
}

/// The list.
pub(in crate::web::console) fn view(
    environments: &[Environment],
    admin: &SignedIn,
    may_create: bool,
    now: Timestamp,
) -> Markup {
    let rows = environments.iter().map(|environment| {
        let role = admin.grants.role_in(environment.id).map_or("", |(role, _)| role.as_str());
        vec![
            html! { a href=(links::expand(console::OVERVIEW, &[&environment.id])) { (environment_name(environment)) } },
            html! { code { (environment.slug) } },
            html! { (role) },
            time(environment.created_at, now),
            copyable(&environment.id.to_string(), "environment id"),
        ]
    });
    let columns = [column("Name"), column("Slug"), column("Your role"), column("Created"), column("ID")];
    let list = List {
        caption: "Environments",
        columns: &columns,
        rows: rows.collect(),
        next_token: "",
        empty: html! {
            p { "An environment keeps one stage of your app apart: production, staging." }
            @if may_create {
                p { (link_button(ButtonStyle::Primary, "Create the first one", console::NEW_ENVIRONMENT)) }
            } @else {
                p { "You have no role in any yet. Ask an owner for one." }
            }
        },
    };
    html! {
        div.head-row {
            h1 { "Environments" }
            @if may_create && !environments.is_empty() {
                div.actions { (link_button(ButtonStyle::Primary, "New environment", console::NEW_ENVIRONMENT)) }
            }
        }
        (list.view(&ListUrl::default()))
    }
}
