//! `…/oauth-clients/{client}/rotate`, and the page that shows a client's secret once.

use actix_web::HttpResponse;
use maud::html;
use model::oauth_client::OauthClient;

use crate::{
    app::{
        authorization_server::clients::{self, ClientWithSecret},
        resource,
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
        },
    },
};

/// `GET …/oauth-clients/{client}/rotate`
pub async fn confirm_rotation(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let client: OauthClient = resource::find(&context.state, &context.actor, context.id("client")?).await?;
    let (action, back) = (
        context.href(console::ROTATE_OAUTH_CLIENT, &[&client.id]),
        context.href(console::OAUTH_CLIENT, &[&client.id]),
    );
    let (typed, errors) = (FormValues::new(), FormErrors::none());
    let form = forms::Form::new(&action, "Make a new secret", context.csrf()).cancel(&back).danger();
    let title = format!("New secret for {}", client.name());
    Ok(context.shell(Section::OauthClients, &title).crumb(client.name(), &back).respond(html! {
        h1 { (title) }
        section.card {
            (FormView::new(&typed, &errors).render(&form, notice(Icon::Attention, "The present secret stops working at once", html! {
                p { "The app can sign nobody in until it has the new one." }
            })))
        }
    }))
}

/// `POST …/oauth-clients/{client}/rotate`
pub async fn rotate(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let created = clients::rotate_secret(&context.state, &context.actor, context.id("client")?, None).await?;
    Ok(secret_page(&context, &created))
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
