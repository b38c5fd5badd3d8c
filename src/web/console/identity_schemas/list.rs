//! `/console/{environment}/identity-schemas`: the schemas that every environment has, and its own.

use base::time::Timestamp;
use maud::{Markup, html};

use crate::{
    app::{
        accounts::schemas::{self, Schema},
        permissions,
    },
    links::console,
    web::{
        console::kit::{context::EnvironmentContext, labels::Href, shell::Section},
        kit::{
            components::{ButtonStyle, copyable, link_button, time},
            error::PageResult,
            list::{List, ListUrl, column},
        },
    },
};

/// The title of the list.
pub(super) const SCHEMAS: &str = "Schemas";

/// `GET …/identity-schemas`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let schemas = schemas::list(&context.state, &context.principal).await?;
    let content = view(
        &schemas,
        context.may(permissions::Action::IdentityPoolsManage),
        &|pattern, segments| context.href(pattern, segments),
        context.now(),
    );
    Ok(context.shell(Section::IdentityPools, SCHEMAS).respond(content))
}

/// What a schema is called: its name, else its id.
pub(in crate::web::console) fn name(schema: &Schema) -> String {
    match schema {
        Schema::System(schema) => schema.name().to_owned(),
        Schema::Own(schema) if schema.name.trim().is_empty() => schema.id.to_string(),
        Schema::Own(schema) => schema.name.clone(),
    }
}

/// The list.
pub(in crate::web::console) fn view(
    schemas: &[Schema],
    may_manage: bool,
    href: Href<'_>,
    now: Timestamp,
) -> Markup {
    let rows = schemas.iter().map(|schema| {
        let (id, description) = match schema {
            Schema::System(system) => (system.as_str().to_owned(), system.description()),
            Schema::Own(own) => (own.id.to_string(), own.description.as_str()),
        };
        vec![
            html! {
                a href=(href(console::IDENTITY_SCHEMA, &[&id])) { (name(schema)) }
                @if matches!(schema, Schema::System(_)) { " " span.tag { "built in" } }
            },
            html! { (description) },
            html! {
                @match schema {
                    Schema::Own(own) => (time(own.updated_at, now)),
                    Schema::System(_) => span.soft { "never" },
                }
            },
            copyable(&id, "schema id"),
        ]
    });
    let columns = [column("Name"), column("What it is for"), column("Changed"), column("ID")];
    let list =
        List { caption: SCHEMAS, columns: &columns, rows: rows.collect(), next_token: "", empty: html! {} };
    html! {
        div.head-row {
            h1 { (SCHEMAS) }
            @if may_manage {
                div.actions {
                    (link_button(ButtonStyle::Primary, "New schema", &href(console::NEW_IDENTITY_SCHEMA, &[])))
                }
            }
        }
        p.soft {
            "What the profiles and the metadata of users look like. Each "
            a href=(href(console::IDENTITY_POOLS, &[])) { "identity pool" }
            " uses one for each of them."
        }
        (list.view(&ListUrl::default()))
    }
}
