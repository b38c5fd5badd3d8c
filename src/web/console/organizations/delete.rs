//! Deletes an organization, after a confirmation.

use actix_web::HttpResponse;
use base::id::OrganizationId;
use model::organization::Organization;

use crate::{
    app::{self, pagination::PageQuery},
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

/// `GET …/organizations/{organization}/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    page(&context, context.id("organization")?, &FormValues::new(), &FormErrors::none()).await
}

/// `POST …/organizations/{organization}/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let id = context.id("organization")?;
    let organization = app::organizations::find(&context.state, &context.actor, id).await?;
    let removed = match confirm::check(form.text(confirm::FIELD), &labels::organization(&organization)) {
        Ok(()) => app::organizations::remove(&context.state, &context.actor, id).await,
        wrong => wrong,
    };
    match removed {
        Ok(()) => Ok(see_other(
            &context.href(console::ORGANIZATIONS, &[]),
            Flash(ResourceKind::Organization, Action::Deleted),
        )),
        Err(error) => page(&context, id, &FormValues::from(&*form), &FormErrors::from_error(error)?).await,
    }
}

async fn page(
    context: &EnvironmentContext,
    id: OrganizationId,
    typed: &FormValues,
    errors: &FormErrors,
) -> Result<HttpResponse, PageError> {
    let organization = app::organizations::find(&context.state, &context.actor, id).await?;
    let effects = effects(context, &organization).await?;
    let name = labels::organization(&organization);
    let back = context.href(console::ORGANIZATION, &[&id]);
    let deletion = DeleteConfirmation {
        kind: "organization",
        name: &name,
        effects: &effects,
        action: &context.href(console::DELETE_ORGANIZATION, &[&id]),
        cancel: &back,
    };
    let title = format!("Delete {name}");
    Ok(context
        .shell(Section::Organizations, &title)
        .crumb(&name, &back)
        .respond_with(errors.status(), deletion.view(typed, errors, context.csrf())))
}

async fn effects(
    context: &EnvironmentContext,
    organization: &Organization,
) -> Result<Vec<String>, PageError> {
    let whole = PageQuery { token: None, size: Some("100".to_owned()) };
    let connections =
        app::connections::saml::list(&context.state, &context.actor, organization.id, &whole).await?;
    let directories = app::directories::list(&context.state, &context.actor, organization.id, &whole).await?;
    let tied = [
        labels::at_least(
            connections.items.len(),
            !connections.next_token.is_empty(),
            "SAML connection",
            "SAML connections",
        ),
        labels::at_least(
            directories.items.len(),
            !directories.next_token.is_empty(),
            "SCIM directory",
            "SCIM directories",
        ),
        labels::count(organization.domains.len(), "domain", "domains"),
    ];
    Ok(vec![
        "Nobody of this customer can sign in any more, at once.".to_owned(),
        format!("{}, {} and {} go with it, with everybody in the directories.", tied[0], tied[1], tied[2]),
        "Its logins and audit log stay as history.".to_owned(),
    ])
}
