//! `…/identity-schemas/{schema}/delete`: not while an identity pool uses the schema.

use actix_web::http::StatusCode;
use maud::html;
use model::identity_schema::SchemaRef;

use super::{
    list,
    page::{MAX_NAMED, load_own, shell, uses_view},
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
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
        },
        kit::{
            components::{ButtonStyle, Icon, link_button, notice},
            confirm::{self, DeleteConfirmation},
            error::PageResult,
            forms::{FormErrors, FormValues},
        },
    },
};

/// `GET …/identity-schemas/{schema}/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::IdentityPoolsManage)?;
    page(&context, &FormValues::new(), &FormErrors::none(), StatusCode::OK).await
}

/// `POST …/identity-schemas/{schema}/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::IdentityPoolsManage)?;
    let schema = load_own(&context).await?;
    let (id, name) = (SchemaRef::Own(schema.id), list::name(&Schema::Own(schema)));
    let removed = match confirm::check(form.text(confirm::FIELD), &name) {
        Ok(()) => schemas::remove(&context.state, &context.principal, id, None).await,
        Err(error) => Err(error),
    };
    match removed {
        Ok(()) => Ok(see_other(
            &context.href(console::IDENTITY_SCHEMAS, &[]),
            Flash(ResourceKind::IdentitySchema, Action::Deleted),
        )),
        Err(error) => {
            let (typed, errors) = (FormValues::from(&*form), FormErrors::from_error(error)?);
            page(&context, &typed, &errors, StatusCode::CONFLICT).await
        }
    }
}

/// The confirmation, or which pools use the schema: then with the status `in_use`.
async fn page(
    context: &EnvironmentContext,
    typed: &FormValues,
    errors: &FormErrors,
    in_use: StatusCode,
) -> PageResult {
    let schema = load_own(context).await?;
    let uses = schemas::pools_using(&context.state, &context.principal, schema.id, MAX_NAMED).await?;
    let back = context.href(console::IDENTITY_SCHEMA, &[&schema.id]);
    let action = context.href(console::DELETE_IDENTITY_SCHEMA, &[&schema.id]);
    let name = list::name(&Schema::Own(schema));
    let title = "Delete schema";
    let shell = shell(context, title).crumb(&*name, &*back);
    if !uses.0.is_empty() {
        let href = |pattern: &str, segments: &[&dyn std::fmt::Display]| context.href(pattern, segments);
        let content = html! {
            h1 { "Delete schema " (name) "?" }
            (notice(Icon::Attention, "This schema is in use", html! {
                p { "Identity pools with it: " (uses_view(&uses, &href)) "." }
                p { "Give them another schema first." }
            }))
            p { (link_button(ButtonStyle::Plain, "Back to the schema", &back)) }
        };
        return Ok(shell.respond_with(in_use, content));
    }
    let deletion = DeleteConfirmation {
        kind: "schema",
        name: &name,
        effects: &["No identity pool uses it: nobody notices.".to_owned()],
        action: &action,
        cancel: &back,
    };
    Ok(shell.respond_with(errors.status(), deletion.view(typed, errors, context.csrf())))
}
