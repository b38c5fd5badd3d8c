//! What the pages of a schema share.

use base::id::{IdKind as _, IdentitySchemaKind};
use maud::{Markup, html};
use model::{
    identity_pool::IdentityPool,
    identity_schema::{IdentitySchema, SchemaRef},
};

use super::list;
use crate::{
    app::{
        Error,
        accounts::schemas::{self, SCHEMA_FIELD, Schema},
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            labels::Href,
            schema_editor::SchemaEditor,
            shell::{Section, Shell},
        },
        kit::error::PageError,
    },
};

/// The editor of a schema of users.
pub(in crate::web::console) const EDITOR: SchemaEditor = SchemaEditor {
    name: SCHEMA_FIELD,
    label: "JSON Schema",
    hint: "Draft 2020-12, without references to other documents. A title names a field, a description is its hint.",
    optional: false,
};

/// How many pools that use a schema are named.
pub(super) const MAX_NAMED: usize = 20;

/// The pools that use a schema, and whether there are more than these.
pub(in crate::web::console) type Uses = (Vec<IdentityPool>, bool);

/// The id of the page's schema. What is none is not found.
pub(super) fn id(context: &EnvironmentContext) -> Result<SchemaRef, PageError> {
    let text = context.segment("schema");
    text.parse().map_err(|_| PageError(Error::not_found(IdentitySchemaKind::NOUN, text)))
}

/// The page's schema, one of the environment's own.
pub(super) async fn load_own(context: &EnvironmentContext) -> Result<IdentitySchema, PageError> {
    match schemas::find(&context.state, &context.principal, id(context)?).await? {
        Schema::Own(schema) => Ok(schema),
        Schema::System(schema) => Err(PageError(Error::not_found(IdentitySchemaKind::NOUN, schema.as_str()))),
    }
}

/// The shell of a page below the list of schemas.
pub(super) fn shell<'a>(context: &'a EnvironmentContext, title: &'a str) -> Shell<'a> {
    let list = context.href(console::IDENTITY_SCHEMAS, &[]);
    context.shell(Section::IdentityPools, title).crumb(list::SCHEMAS, list)
}

/// The pools that use a schema, each a link.
pub(super) fn uses_view((pools, more): &Uses, href: Href<'_>) -> Markup {
    html! {
        @for (at, pool) in pools.iter().enumerate() {
            @if at > 0 { ", " }
            a href=(href(console::IDENTITY_POOL, &[&pool.id])) { (pool.name) }
        }
        @if *more { " and others" }
        @if pools.is_empty() { span.soft { "no identity pool" } }
    }
}
