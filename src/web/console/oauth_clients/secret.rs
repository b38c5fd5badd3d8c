//! `…/oauth-clients/{client}/rotate`, and the page that shows a client's secret once.

use actix_web::HttpResponse;
use maud::html;
use model::oauth_client::OauthClient;

use crate::{
    app::{
        Error,
        authorization_server::clients::{self, ClientWithSecret},
        permissions, resource,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext, form::ConsoleForm, resource::ConsoleResource as _, shell::Section,
        },
        kit::{
            components::{Icon, copyable, facts, notice},
            error::PageResult,
            forms::{self, FormErrors, FormValues, FormView},
            secret::SecretPanel,
            seen::Seen,
        },
    },
};

/// What is said when somebody changed the client meanwhile.
const CHANGED: &str = "Somebody changed this client or its secret while this page was open. No secret was made: look at the \
                       client first, or make one all the same.";

/// `GET …/oauth-clients/{client}/rotate`
pub async fn confirm_rotation(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::OauthClientsManage)?;
    rotation_page(&context, &FormErrors::none()).await
}

async fn rotation_page(context: &EnvironmentContext, errors: &FormErrors) -> PageResult {
    let client: OauthClient =
        resource::find(&context.state, &context.principal, context.id("client")?).await?;
    let (action, back) = (
        context.href(console::ROTATE_OAUTH_CLIENT, &[&client.id]),
        context.href(console::OAUTH_CLIENT, &[&client.id]),
    );
    let typed = FormValues::new();
    let form = forms::Form::new(&action, "Make a new secret", context.csrf());
    let form = form.cancel(&back).danger().seen(Seen::of(client.version, &typed).fields());
    let title = format!("New secret for {}", client.name());
    let shell = context.shell(Section::OauthClients, &title).crumb(client.name(), &back);
    Ok(shell.respond_with(errors.status(), html! {
        h1 { (title) }
        section.card {
            (FormView::new(&typed, errors).render(&form, notice(Icon::Attention, "The present secret stops working at once", html! {
                p { "The app can sign nobody in until it has the new one." }
            })))
        }
    }))
}

/// `POST …/oauth-clients/{client}/rotate`
pub async fn rotate(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::OauthClientsManage)?;
    let (id, expected) = (context.id("client")?, Seen::posted(&form).expected());
    match clients::rotate_secret(&context.state, &context.principal, id, Some(&expected)).await {
        Ok(created) => Ok(secret_page(&context, &created)),
        Err(Error::Outdated { .. }) => rotation_page(&context, &FormErrors::one("", CHANGED)).await,
        Err(error) => Err(error.into()),
    }
}

pub(super) fn secret_page(context: &EnvironmentContext, created: &ClientWithSecret) -> HttpResponse {
    let onward = context.href(console::OAUTH_CLIENT, &[&created.client.id]);
    let panel = SecretPanel {
        name: "client secret",
        value: &created.secret.reveal(),
        about: "Put it into the app’s configuration beside the client ID. An earlier secret no longer works.",
        next_url: &onward,
    };
    context.shell(Section::OauthClients, "Client secret").respond(html! {
        h1 { "Secret of " (created.client.name()) }
        section.card.stack {
            (facts(&[("Client ID", copyable(&created.client.id.to_string(), "client id"))]))
            (panel.view())
        }
    })
}
