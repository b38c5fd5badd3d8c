//! `/console/{environment}/settings`: the settings of an environment, and its URLs for developers. Owners
//! edit and delete it.

use actix_web::HttpResponse;
use maud::{Markup, html};

use super::form::{IDP_INITIATED, change, fields, typed};
use crate::{
    app,
    links::{Links, console},
    model::{environment::Environment, time::Timestamp},
    web::{
        console::kit::{
            context::{EnvironmentContext, environment_name},
            flash::{Action, Flash, ResourceKind, see_other},
            session::ConsoleForm,
            shell::Section,
        },
        kit::{
            components::{ButtonStyle, copyable, facts, link_button, time},
            confirm::{self, DeleteConfirmation},
            error::PageResult,
            forms::{self, FormErrors, FormValues, FormView},
        },
    },
};

/// `GET …/settings`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let links = context.state.links_of(&context.environment);
    let actions = context.is_owner().then(|| {
        html! {
            (link_button(ButtonStyle::Plain, "Edit", &context.href(console::EDIT_ENVIRONMENT, &[])))
            (link_button(ButtonStyle::Danger, "Delete", &context.href(console::DELETE_ENVIRONMENT, &[])))
        }
    });
    let content = view(&context.environment, &links, actions, context.now());
    Ok(context.shell(Section::Environment, "Environment").respond(content))
}

/// The settings.
pub(in crate::web::console) fn view(
    environment: &Environment,
    links: &Links,
    actions: Option<Markup>,
    now: Timestamp,
) -> Markup {
    let none = |text: &str| html! { span.soft { (text) } };
    let url = |url: &Option<crate::model::http_url::HttpUrl>, otherwise: &str| match url {
        Some(url) => html! { code { (url) } },
        None => none(otherwise),
    };
    let policy = IDP_INITIATED.iter().find(|choice| choice.value == environment.idp_initiated.as_str());
    let uris = &environment.oauth_redirect_uris;
    html! {
        div.head-row {
            h1 { (environment_name(environment)) }
            @if let Some(actions) = actions { div.actions { (actions) } }
        }
        section.card {
            h2 { "Settings" }
            (facts(&[
                ("ID", copyable(&environment.id.to_string(), "environment id")),
                ("Slug", html! { code { (environment.slug) } }),
                ("Redirect URL", url(&environment.redirect_url, "Not set: logins through the REST API end on a page that says so.")),
                ("OAuth redirect URIs", html! {
                    @if uris.is_empty() { (none("None: no OpenID Connect client can sign anybody in.")) }
                    @for uri in uris { div { code { (uri) } } }
                }),
                ("Address for customers", url(&environment.auth_url, "This server’s own address.")),
                ("IdP-initiated logins", html! { (policy.map_or("", |choice| choice.label)) }),
                ("Created", time(environment.created_at, now)),
                ("Changed", time(environment.updated_at, now)),
            ]))
        }
        section.card {
            h2 { "For your developers" }
            (facts(&[
                ("SSOReady SDK base URL", copyable(&links.origin(), "base URL")),
                ("OpenID Connect issuer", copyable(&links.oauth_issuer(), "issuer")),
                ("Discovery document", copyable(links.oauth_discovery().as_str(), "discovery document’s address")),
            ]))
            p.soft.small { "SDKs need an API key, OpenID Connect clients an OAuth client; both are made under Settings." }
        }
    }
}

/// `GET …/settings/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require_owner()?;
    Ok(form_page(&context, &typed(&context.environment), &FormErrors::none()))
}

/// `POST …/settings/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    match app::environments::update(&context.state, &context.actor, &change(&form)).await {
        Ok(_) => Ok(see_other(
            &context.href(console::ENVIRONMENT, &[]),
            Flash(ResourceKind::Environment, Action::Saved),
        )),
        Err(error) => Ok(form_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?)),
    }
}

fn form_page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> HttpResponse {
    let (action, back) =
        (context.href(console::EDIT_ENVIRONMENT, &[]), context.href(console::ENVIRONMENT, &[]));
    let view = FormView::new(typed, errors);
    let form = forms::Form::new(&action, "Save", context.csrf()).cancel(&back);
    context.shell(Section::Environment, "Edit environment").respond_with(
        errors.status(),
        html! {
            h1 { "Edit environment" }
            section.card { (view.render(&form, fields(&view))) }
        },
    )
}

/// `GET …/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require_owner()?;
    Ok(confirm_page(&context, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let checked = confirm::check(form.text(confirm::FIELD), environment_name(&context.environment));
    let removed = match checked {
        Ok(()) => app::environments::remove(&context.state, &context.actor).await,
        wrong => wrong,
    };
    match removed {
        Ok(()) => Ok(see_other(console::HOME, Flash(ResourceKind::Environment, Action::Deleted))),
        Err(error) => Ok(confirm_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?)),
    }
}

fn confirm_page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> HttpResponse {
    let effects = [
        "Its API keys and OAuth clients stop working at once, and its webhooks get nothing more.".to_owned(),
        "Nobody keeps a role in it. Its audit log stays.".to_owned(),
        "An environment that still has organizations cannot be deleted; delete those first.".to_owned(),
    ];
    let deletion = DeleteConfirmation {
        kind: "environment",
        name: environment_name(&context.environment),
        effects: &effects,
        action: &context.href(console::DELETE_ENVIRONMENT, &[]),
        cancel: &context.href(console::ENVIRONMENT, &[]),
    };
    let content = deletion.view(typed, errors, context.csrf());
    context.shell(Section::Environment, "Delete environment").respond_with(errors.status(), content)
}
