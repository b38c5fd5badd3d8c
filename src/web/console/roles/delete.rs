//! `…/roles/{role}/delete`.

use actix_web::HttpResponse;

use super::place::Place;
use crate::{
    app::{
        permissions,
        roles::{self, VisibleRole, Without},
    },
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            own_rights::{self, Step},
        },
        kit::{
            confirm::{self, DeleteConfirmation},
            error::PageResult,
            forms::{FormErrors, FormValues},
        },
    },
};

/// `GET …/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::RolesDelete)?;
    let place = Place::of_page(&context).await?;
    let role = place.role(&context).await?;
    Ok(page(&context, &place, &role, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::RolesDelete)?;
    let place = Place::of_page(&context).await?;
    let role = place.role(&context).await?;
    let step = Step {
        form: &form,
        action: &place.delete(&context, role.id),
        cancel: &place.show(&context, role.id),
    };
    if confirm::check(form.text(confirm::FIELD), role.name()).is_ok()
        && let Some(asked) =
            own_rights::ask(&context, place.organization_id, Without::Role(role.id), &step).await?
    {
        return Ok(asked);
    }
    let removed = match confirm::check(form.text(confirm::FIELD), role.name()) {
        Ok(()) => roles::remove(&context.state, &context.principal, place.organization_id, role.id).await,
        Err(error) => Err(error),
    };
    match removed {
        Ok(()) => Ok(see_other(&place.list(&context), Flash(ResourceKind::Role, Action::Deleted))),
        Err(error) => {
            let errors = FormErrors::from_error(error)?;
            Ok(page(&context, &place, &role, &FormValues::from(&*form), &errors))
        }
    }
}

fn page(
    context: &EnvironmentContext,
    place: &Place,
    role: &VisibleRole,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let own = place.show(context, role.id);
    let mut effects = vec!["Whoever has it loses its permissions.".to_owned()];
    if place.organization.is_none() {
        effects.push("It is gone from every organization that has it from you, too.".to_owned());
    }
    let deletion = DeleteConfirmation {
        kind: "role",
        name: role.name(),
        effects: &effects,
        action: &place.delete(context, role.id),
        cancel: &own,
    };
    let shell = place.shell_below(context, "Delete role").crumb(role.name(), &*own);
    shell.respond_with(errors.status(), deletion.view(typed, errors, context.csrf()))
}
