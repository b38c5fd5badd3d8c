//! The form with the settings of an environment.

use actix_web::HttpResponse;
use maud::{Markup, html};
use model::environment::Environment;

use crate::{
    app::{self, environments::EnvironmentChange},
    links::{self, console},
    web::{
        console::kit::{
            context::{ConsoleContext, EnvironmentContext},
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            shell::Section,
        },
        kit::{
            error::PageResult,
            forms::{self, Choice, FormErrors, FormValues, FormView, lines},
            posted::PostedForm,
        },
    },
};

/// What happens to IdP-initiated logins.
pub(in crate::web::console) const IDP_INITIATED: [Choice<'static>; 3] = [
    Choice::new(
        "RESTART",
        "Begin them again from here (recommended)",
        "The tile in the customer’s portal works, and nobody can be signed in with somebody else’s response.",
    ),
    Choice::new("ALLOW", "Accept them", "For identity providers that can do nothing else. Less safe."),
    Choice::new("REFUSE", "Refuse them", "People must begin in your app."),
];

/// The fields.
pub(in crate::web::console) fn fields(view: &FormView<'_>) -> Markup {
    html! {
        (view.text("displayName", "Name").hint("What your own people call it: Production, Staging."))
        (view.text("slug", "Slug").code()
            .hint("A short name for the command line and addresses: lower-case letters, digits and hyphens."))
        (view.url("redirectUrl", "Redirect URL").code().optional()
            .hint("For SSOReady’s SDKs and the REST API: the page of your app that redeems the access code after a login."))
        (view.textarea("oauthRedirectUris", "OAuth redirect URIs", 4).optional()
            .hint("For OpenID Connect clients: where they may ask to be sent, one a line, compared letter by letter."))
        (view.url("authUrl", "Address for customers").code().optional()
            .hint("An origin such as https://sso.example.com that also leads here. New connections and directories tell it to identity providers. Empty: this server’s own."))
        (view.radios("idpInitiated", "IdP-initiated logins", &IDP_INITIATED)
            .hint("Logins that begin in the customer’s portal. A connection may have a rule of its own."))
    }
}

/// Parses the posted form.
pub(in crate::web::console) fn change(form: &PostedForm) -> EnvironmentChange {
    let text = |name: &str| Some(form.text(name).to_owned());
    EnvironmentChange {
        slug: text("slug"),
        display_name: text("displayName"),
        redirect_url: text("redirectUrl"),
        oauth_redirect_uris: Some(lines(form.text("oauthRedirectUris"))),
        auth_url: text("authUrl"),
        idp_initiated: text("idpInitiated"),
    }
}

/// The current settings as form values.
pub(in crate::web::console) fn typed(environment: &Environment) -> FormValues {
    let url =
        |url: &Option<model::http_url::HttpUrl>| url.as_ref().map(ToString::to_string).unwrap_or_default();
    let uris: Vec<&str> = environment.oauth_redirect_uris.iter().map(|uri| uri.as_str()).collect();
    FormValues::new()
        .with("displayName", &environment.display_name)
        .with("slug", &environment.slug)
        .with("redirectUrl", url(&environment.redirect_url))
        .with("oauthRedirectUris", uris.join("\n"))
        .with("authUrl", url(&environment.auth_url))
        .with("idpInitiated", environment.idp_initiated.as_str())
}

/// `GET /console/environments/new`
pub async fn new(context: ConsoleContext) -> PageResult {
    context.admin.principal().require_global_owner()?;
    let typed = FormValues::new().with("idpInitiated", "RESTART");
    Ok(new_page(&context, &typed, &FormErrors::none()))
}

/// `POST /console/environments/new`
pub async fn create(context: ConsoleContext, form: ConsoleForm) -> PageResult {
    match app::environments::create(&context.state, &context.admin.principal(), &change(&form)).await {
        Ok(environment) => Ok(see_other(
            &links::expand(console::ENVIRONMENT, &[&environment.id]),
            Flash(ResourceKind::Environment, Action::Created),
        )),
        Err(error) => Ok(new_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?)),
    }
}

fn new_page(context: &ConsoleContext, typed: &FormValues, errors: &FormErrors) -> actix_web::HttpResponse {
    let content = new_view(typed, errors, context.csrf());
    context
        .shell("New environment")
        .crumb("Environments", console::HOME)
        .respond_with(errors.status(), content)
}

/// The form of a new environment.
pub(in crate::web::console) fn new_view(typed: &FormValues, errors: &FormErrors, csrf: Markup) -> Markup {
    let view = FormView::new(typed, errors);
    let form = forms::Form::new(console::NEW_ENVIRONMENT, "Create environment", csrf).cancel(console::HOME);
    html! {
        h1 { "New environment" }
        p { "An environment keeps one stage of your app apart: its customers, keys and logins are nobody else’s." }
        section.card { (view.render(&form, fields(&view))) }
    }
}

/// `GET …/settings/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require_owner()?;
    Ok(edit_page(&context, &typed(&context.environment), &FormErrors::none()))
}

/// `POST …/settings/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    match app::environments::update(&context.state, &context.actor, &change(&form)).await {
        Ok(_) => Ok(see_other(
            &context.href(console::ENVIRONMENT, &[]),
            Flash(ResourceKind::Environment, Action::Saved),
        )),
        Err(error) => Ok(edit_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?)),
    }
}

fn edit_page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> HttpResponse {
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
