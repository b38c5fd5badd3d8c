//! `…/scim-directories/{directory}/delete`.

use actix_web::HttpResponse;
use base::id::ScimDirectoryId;
use model::scim_directory::ScimDirectory;

use super::show::{load_organization, name};
use crate::{
    app::{permissions, resource},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            labels,
            shell::Section,
        },
        kit::{
            confirm::{self, DeleteConfirmation},
            error::{PageError, PageResult},
            forms::{FormErrors, FormValues},
        },
    },
};

/// `GET …/scim-directories/{directory}/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::ScimDirectoriesManage)?;
    let directory = resource::find(&context.state, &context.principal, context.id("directory")?).await?;
    confirm_page(&context, &directory, &FormValues::new(), &FormErrors::none()).await
}

/// `POST …/scim-directories/{directory}/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::ScimDirectoriesManage)?;
    let id: ScimDirectoryId = context.id("directory")?;
    let directory: ScimDirectory = resource::find(&context.state, &context.principal, id).await?;
    let organization = load_organization(&context, &directory).await?;
    let typed = form.text(confirm::FIELD);
    let removed = match confirm::check(typed, &labels::organization(&organization)) {
        Ok(()) => resource::remove::<ScimDirectory>(&context.state, &context.principal, id, None).await,
        wrong => wrong,
    };
    match removed {
        Ok(()) => Ok(see_other(
            &context.href(console::ORGANIZATION, &[&organization.id]),
            Flash(ResourceKind::ScimDirectory, Action::Deleted),
        )),
        Err(error) => {
            confirm_page(&context, &directory, &FormValues::from(&*form), &FormErrors::from_error(error)?)
                .await
        }
    }
}

async fn confirm_page(
    context: &EnvironmentContext,
    directory: &ScimDirectory,
    typed: &FormValues,
    errors: &FormErrors,
) -> Result<HttpResponse, PageError> {
    let organization = load_organization(context, directory).await?;
    let back = context.href(console::SCIM_DIRECTORY, &[&directory.id]);
    let mut effects = vec![
        "Its people and groups are gone from here, and your app no longer finds them.".to_owned(),
        "The customer’s identity provider is refused from its next call on; a new directory has another URL and token.".to_owned(),
        "Its request log goes with it. The events that your app was told stay.".to_owned(),
    ];
    if directory.refuse_inactive_logins || directory.require_provisioned_logins {
        effects.push(
            "Logins are no longer checked against it: everybody whom the identity provider authenticates is signed in."
                .to_owned(),
        );
    }
    let deletion = DeleteConfirmation {
        kind: "directory",
        name: &labels::organization(&organization),
        effects: &effects,
        action: &context.href(console::DELETE_SCIM_DIRECTORY, &[&directory.id]),
        cancel: &back,
    };
    Ok(context
        .shell(Section::Directories, "Delete directory")
        .crumb(name(directory, &organization), &back)
        .respond_with(errors.status(), deletion.view(typed, errors, context.csrf())))
}
