//! `/console/{environment}/identity-schemas/{schema}`: a schema, the form that it makes, and the pools that use it.

use base::time::Timestamp;
use maud::{Markup, html};
use model::identity_schema::SystemSchema;

use super::{
    list,
    page::{EDITOR, MAX_NAMED, Uses, id, shell, uses_view},
};
use crate::{
    app::{
        accounts::schemas::{self, Schema},
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            labels::Href,
            schema_editor::{SchemaEditor, SchemaPreview},
        },
        kit::{
            components::{ButtonStyle, code_block, copyable, facts, link_button, time},
            error::PageResult,
            forms::FormValues,
        },
    },
};

/// The page of a schema.
pub(in crate::web::console) struct SchemaPage<'a> {
    pub schema: &'a Schema,
    pub preview: &'a SchemaPreview,
    pub uses: &'a Uses,
    pub may_manage: bool,
    pub href: Href<'a>,
    pub now: Timestamp,
}

/// `GET …/identity-schemas/{schema}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let (state, principal) = (&context.state, &context.principal);
    let schema = schemas::find(state, principal, id(&context)?).await?;
    let uses = match &schema {
        Schema::Own(own) => schemas::pools_using(state, principal, own.id, MAX_NAMED).await?,
        Schema::System(_) => (Vec::new(), false),
    };
    let text = match &schema {
        Schema::Own(own) => SchemaEditor::text(&own.schema),
        Schema::System(system) => SchemaEditor::text(system.schema()),
    };
    let content = view(&SchemaPage {
        schema: &schema,
        preview: &EDITOR.preview(&FormValues::new().with(EDITOR.name, text)).await?,
        uses: &uses,
        may_manage: context.may(permissions::Action::IdentityPoolsManage),
        href: &|pattern, segments| context.href(pattern, segments),
        now: context.now(),
    });
    Ok(shell(&context, &list::name(&schema)).respond(content))
}

/// The page.
pub(in crate::web::console) fn view(page: &SchemaPage<'_>) -> Markup {
    let href = page.href;
    let (id, description, text) = match page.schema {
        Schema::Own(own) => (own.id.to_string(), own.description.as_str(), SchemaEditor::text(&own.schema)),
        Schema::System(system) => {
            (system.as_str().to_owned(), system.description(), SchemaEditor::text(system.schema()))
        }
    };
    let mut rows = vec![("ID", copyable(&id, "schema id"))];
    if !description.is_empty() {
        rows.push(("What it is for", html! { (description) }));
    }
    match page.schema {
        Schema::Own(own) => rows.extend([
            ("Used by", uses_view(page.uses, href)),
            ("Created", time(own.created_at, page.now)),
            ("Changed", time(own.updated_at, page.now)),
        ]),
        Schema::System(system) => rows.push(("Used by", html! { (system_use(*system)) })),
    }
    html! {
        div.head-row {
            h1 { (list::name(page.schema)) }
            @if let (Schema::Own(own), true) = (page.schema, page.may_manage) {
                div.actions {
                    (link_button(ButtonStyle::Plain, "Edit", &href(console::EDIT_IDENTITY_SCHEMA, &[&own.id])))
                    (link_button(ButtonStyle::Danger, "Delete", &href(console::DELETE_IDENTITY_SCHEMA, &[&own.id])))
                }
            }
        }
        section.card { (facts(&rows)) }
        section.card {
            div.preview {
                (code_block("JSON Schema", &text))
                (page.preview.view("schema"))
            }
        }
    }
}

fn system_use(schema: SystemSchema) -> &'static str {
    match schema {
        SystemSchema::User => {
            "every identity pool that names no other for its profiles. Nobody can change it."
        }
        SystemSchema::Metadata => {
            "every identity pool that names no other for its metadata. Nobody can change it."
        }
    }
}
