//! `…/applications/{application}/rotate`, and the page that shows a secret once.

use std::time::Duration;

use actix_web::HttpResponse;
use maud::html;
use model::application::Application;

use crate::{
    app::{
        Error, Result,
        applications::{ApplicationWithSecret, secrets},
        authorization_server::issuers,
        permissions, resource,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext, form::ConsoleForm, resource::ConsoleResource as _, shell::Section,
        },
        kit::{
            components::{copyable, facts},
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

/// How long the present secret may stay good.
const OVERLAPS: [(&str, &str); 4] =
    [("86400", "one day"), ("3600", "one hour"), ("604800", "one week"), ("0", "not at all")];

/// `GET …/applications/{application}/rotate`
pub async fn confirm_rotation(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::ApplicationsManage)?;
    rotation_page(&context, &FormErrors::none()).await
}

async fn rotation_page(context: &EnvironmentContext, errors: &FormErrors) -> PageResult {
    let application: Application =
        resource::find(&context.state, &context.principal, context.id("application")?).await?;
    let (action, back) = (
        context.href(console::ROTATE_APPLICATION, &[&application.id]),
        context.href(console::APPLICATION, &[&application.id]),
    );
    let typed = FormValues::new().with("overlapSeconds", OVERLAPS[0].0);
    let form = forms::Form::new(&action, "Make a new secret", context.csrf());
    let seen = Seen::of(application.version, &FormValues::new());
    let form = form.cancel(&back).danger().seen(seen.fields());
    let title = format!("New secret for {}", application.name());
    let shell = context.shell(Section::Applications, &title).crumb(application.name(), &back);
    let view = FormView::new(&typed, errors);
    let fields = html! {
        (view.select("overlapSeconds", "The present secret stays good for", &OVERLAPS)
            .hint("Until then both are accepted, so that you can change it without an interruption."))
    };
    Ok(shell.respond_with(
        errors.status(),
        html! {
            h1 { (title) }
            section.card { (view.render(&form, fields)) }
        },
    ))
}

/// `POST …/applications/{application}/rotate`
pub async fn rotate(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::ApplicationsManage)?;
    let (id, expected) = (context.id("application")?, Seen::posted(&form).expected());
    let overlap = form.text("overlapSeconds").parse().map(Duration::from_secs);
    let overlap = match overlap.map_err(|_| Error::invalid("overlapSeconds", "must be a number")) {
        Ok(overlap) => overlap,
        Err(error) => return rotation_page(&context, &FormErrors::from_error(error)?).await,
    };
    match secrets::rotate(&context.state, &context.principal, id, Some(&expected), overlap).await {
        Ok(made) => Ok(secret_page(&context, &made).await?),
        Err(Error::Outdated { .. }) => rotation_page(&context, &FormErrors::one("", CHANGED)).await,
        Err(error) => rotation_page(&context, &FormErrors::from_error(error)?).await,
    }
}

/// The page after a client was made or got a new secret.
pub(super) async fn secret_page(
    context: &EnvironmentContext,
    made: &ApplicationWithSecret,
) -> Result<HttpResponse> {
    let application = &made.application;
    let onward = context.href(console::APPLICATION, &[&application.id]);
    let tenant = issuers::tenant_of(&context.state, application.environment_id).await?;
    let endpoint = super::show::token_endpoint(&context.state.links, &tenant.name, application);
    let secret = made.secret.as_ref().map(|secret| secret.reveal());
    let title = if secret.is_some() { "Client secret" } else { "Application created" };
    Ok(context.shell(Section::Applications, title).respond(html! {
        h1 { (if secret.is_some() { "Secret of " } else { "Created: " }) (application.name()) }
        section.card.stack {
            (facts(&[
                ("Client ID", copyable(&application.id.to_string(), "client id")),
                ("Token endpoint", copyable(&endpoint, "token endpoint")),
            ]))
            @match &secret {
                Some(secret) => {
                    (SecretPanel {
                        name: "client secret",
                        value: secret,
                        about: "Put it into the program’s configuration beside the client ID.",
                        next_url: &onward,
                    }.view())
                }
                None => { p { a href=(onward) { "To the application" } } }
            }
        }
    }))
}
