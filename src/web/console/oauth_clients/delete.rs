//! `…/oauth-clients/{client}/delete`.

use actix_web::HttpResponse;
use base::id::OauthClientId;
use model::oauth_client::OauthClient;

use super::list::name;
use crate::{
    app,
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            shell::Section,
        },
        kit::{
            confirm::{self, DeleteConfirmation},
            error::PageResult,
            forms::{FormErrors, FormValues},
        },
    },
};

/// `GET …/oauth-clients/{client}/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let client =
        app::authorization_server::clients::find(&context.state, &context.actor, context.id("client")?)
            .await?;
    Ok(confirm_page(&context, &client, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/oauth-clients/{client}/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let id: OauthClientId = context.id("client")?;
    let client = app::authorization_server::clients::find(&context.state, &context.actor, id).await?;
    let removed = match confirm::check(form.text(confirm::FIELD), &name(&client)) {
        Ok(()) => app::authorization_server::clients::remove(&context.state, &context.actor, id).await,
        wrong => wrong,
    };
    match removed {
        Ok(()) => Ok(see_other(
            &context.href(console::OAUTH_CLIENTS, &[]),
            Flash(ResourceKind::OauthClient, Action::Deleted),
        )),
        Err(error) => {
            Ok(confirm_page(&context, &client, &FormValues::from(&*form), &FormErrors::from_error(error)?))
        }
    }
}

fn confirm_page(
    context: &EnvironmentContext,
    client: &OauthClient,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let effects = [
        "The app can sign nobody in any more, at once.".to_owned(),
        "The access tokens that it holds end with it.".to_owned(),
    ];
    let back = context.href(console::OAUTH_CLIENT, &[&client.id]);
    let deletion = DeleteConfirmation {
        kind: "OAuth client",
        name: &name(client),
        effects: &effects,
        action: &context.href(console::DELETE_OAUTH_CLIENT, &[&client.id]),
        cancel: &back,
    };
    context
        .shell(Section::OauthClients, "Delete OAuth client")
        .crumb(name(client), &back)
        .respond_with(errors.status(), deletion.view(typed, errors, context.csrf()))
}
