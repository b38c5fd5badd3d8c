//! `…/user-groups/{group}/delete`.

use actix_web::HttpResponse;

use super::page::Loaded;
use crate::{
    app::{accounts::groups, permissions},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
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
    context.require(permissions::Action::UserGroupsManage)?;
    let loaded = Loaded::of_page(&context).await?;
    Ok(page(&context, &loaded, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UserGroupsManage)?;
    let loaded = Loaded::of_page(&context).await?;
    let removed = match confirm::check(form.text(confirm::FIELD), &loaded.group.name) {
        Ok(()) => {
            let of = (loaded.pool.id, loaded.group.id);
            groups::remove(&context.state, &context.principal, of, None).await
        }
        Err(error) => Err(error),
    };
    match removed {
        Ok(()) => Ok(see_other(&loaded.list_path(&context), Flash(ResourceKind::UserGroup, Action::Deleted))),
        Err(error) => Ok(page(&context, &loaded, &FormValues::from(&*form), &FormErrors::from_error(error)?)),
    }
}

fn page(
    context: &EnvironmentContext,
    loaded: &Loaded,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let own = loaded.own_path(context);
    let deletion = DeleteConfirmation {
        kind: "group",
        name: &loaded.group.name,
        effects: &["Its members stay users of the pool, and are not in this group any more.".to_owned()],
        action: &context.href(console::DELETE_USER_GROUP, &[&loaded.group.id]),
        cancel: &own,
    };
    let shell = loaded.shell(context, "Delete group").crumb(&*loaded.group.name, &*own);
    shell.respond_with(errors.status(), deletion.view(typed, errors, context.csrf()))
}
