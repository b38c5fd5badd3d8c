//! `…/oidc-connections/{connection}/delete`.

use actix_web::HttpResponse;
use base::id::OidcConnectionId;
use model::oidc_connection::OidcConnection;

use super::show::load_organization;
use crate::{
    app::{self, permissions},
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

/// `GET …/oidc-connections/{connection}/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::OidcConnectionsManage)?;
    let found =
        app::connections::oidc::find(&context.state, &context.principal, context.id("oidc_connection")?)
            .await?;
    confirm_page(&context, &found, &FormValues::new(), &FormErrors::none()).await
}

/// `POST …/oidc-connections/{connection}/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::OidcConnectionsManage)?;
    let id: OidcConnectionId = context.id("oidc_connection")?;
    let connection = app::connections::oidc::find(&context.state, &context.principal, id).await?;
    let removed = match confirm::check(form.text(confirm::FIELD), &labels::oidc_connection(&connection)) {
        Ok(()) => app::connections::oidc::remove(&context.state, &context.principal, id, None).await,
        wrong => wrong,
    };
    match removed {
        Ok(()) => Ok(see_other(
            &context.href(console::ORGANIZATION, &[&connection.organization_id]),
            Flash(ResourceKind::OidcConnection, Action::Deleted),
        )),
        Err(error) => {
            confirm_page(&context, &connection, &FormValues::from(&*form), &FormErrors::from_error(error)?)
                .await
        }
    }
}

async fn confirm_page(
    context: &EnvironmentContext,
    connection: &OidcConnection,
    typed: &FormValues,
    errors: &FormErrors,
) -> Result<HttpResponse, PageError> {
    let organization = load_organization(context, connection).await?;
    let name = labels::oidc_connection(connection);
    let back = context.href(console::OIDC_CONNECTION, &[&connection.id]);
    let effects = [
        format!("The people of {} who sign in through it no longer can, at once.", labels::organization(&organization)),
        "Its redirect URI stops answering; a new connection gets another one, which the customer’s IT must enter again.".to_owned(),
        "Its logins stay as history.".to_owned(),
    ];
    let deletion = DeleteConfirmation {
        kind: "connection",
        name: &name,
        effects: &effects,
        action: &context.href(console::DELETE_OIDC_CONNECTION, &[&connection.id]),
        cancel: &back,
    };
    let title = format!("Delete {name}");
    Ok(context
        .shell(Section::Organizations, &title)
        .crumb(labels::organization(&organization), context.href(console::ORGANIZATION, &[&organization.id]))
        .crumb(&name, &back)
        .respond_with(errors.status(), deletion.view(typed, errors, context.csrf())))
}
