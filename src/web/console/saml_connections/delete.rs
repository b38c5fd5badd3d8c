//! `…/saml-connections/{connection}/delete`.

use actix_web::HttpResponse;
use base::id::SamlConnectionId;
use model::saml_connection::SamlConnection;

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

/// `GET …/saml-connections/{connection}/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::SamlConnectionsManage)?;
    let found =
        app::connections::saml::find(&context.state, &context.principal, context.id("connection")?).await?;
    confirm_page(&context, &found.connection, &FormValues::new(), &FormErrors::none()).await
}

/// `POST …/saml-connections/{connection}/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::SamlConnectionsManage)?;
    let id: SamlConnectionId = context.id("connection")?;
    let connection = app::connections::saml::find(&context.state, &context.principal, id).await?.connection;
    let removed = match confirm::check(form.text(confirm::FIELD), &labels::connection(&connection)) {
        Ok(()) => app::connections::saml::remove(&context.state, &context.principal, id, None).await,
        wrong => wrong,
    };
    match removed {
        Ok(()) => Ok(see_other(
            &context.href(console::ORGANIZATION, &[&connection.organization_id]),
            Flash(ResourceKind::SamlConnection, Action::Deleted),
        )),
        Err(error) => {
            confirm_page(&context, &connection, &FormValues::from(&*form), &FormErrors::from_error(error)?)
                .await
        }
    }
}

async fn confirm_page(
    context: &EnvironmentContext,
    connection: &SamlConnection,
    typed: &FormValues,
    errors: &FormErrors,
) -> Result<HttpResponse, PageError> {
    let organization = load_organization(context, connection).await?;
    let name = labels::connection(connection);
    let back = context.href(console::SAML_CONNECTION, &[&connection.id]);
    let effects = [
        format!("The people of {} who sign in through it no longer can, at once.", labels::organization(&organization)),
        "Its reply URL and entity ID stop answering; a new connection gets others, which the customer’s IT must enter again.".to_owned(),
        "Its logins stay as history.".to_owned(),
    ];
    let deletion = DeleteConfirmation {
        kind: "connection",
        name: &name,
        effects: &effects,
        action: &context.href(console::DELETE_SAML_CONNECTION, &[&connection.id]),
        cancel: &back,
    };
    let title = format!("Delete {name}");
    Ok(context
        .shell(Section::Organizations, &title)
        .crumb(labels::organization(&organization), context.href(console::ORGANIZATION, &[&organization.id]))
        .crumb(&name, &back)
        .respond_with(errors.status(), deletion.view(typed, errors, context.csrf())))
}
