//! The form of an OAuth client: `…/oauth-clients/new` and `…/{client}/edit`.

use actix_web::HttpResponse;
use base::id::OauthClientId;
use maud::html;
use model::oauth_client::OauthClient;

use super::{list::name, secret::secret_page};
use crate::{
    app::{self, authorization_server::clients::OauthClientChange},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            shell::Section,
        },
        kit::{
            error::PageResult,
            forms::{self, FormErrors, FormValues, FormView},
            posted::PostedForm,
        },
    },
};

const ALGORITHMS: [(&str, &str); 3] = [
    ("RS256", "RS256: every library reads it"),
    ("ES256", "ES256: shorter and faster"),
    ("EdDSA", "EdDSA (Ed25519)"),
];

/// `GET …/oauth-clients/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    Ok(form_page(&context, None, &FormValues::new().with("idTokenAlg", "RS256"), &FormErrors::none()))
}

/// `POST …/oauth-clients/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    match app::authorization_server::clients::create(&context.state, &context.actor, &change(&form)).await {
        Ok(created) => Ok(secret_page(&context, &created)),
        Err(error) => {
            Ok(form_page(&context, None, &FormValues::from(&*form), &FormErrors::from_error(error)?))
        }
    }
}

/// `GET …/oauth-clients/{client}/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let client =
        app::authorization_server::clients::find(&context.state, &context.actor, context.id("client")?)
            .await?;
    let uri = client.initiate_login_uri.as_ref().map(ToString::to_string).unwrap_or_default();
    let typed = FormValues::new()
        .with("displayName", &client.display_name)
        .with("idTokenAlg", client.id_token_alg.as_str())
        .with("initiateLoginUri", uri);
    Ok(form_page(&context, Some(&client), &typed, &FormErrors::none()))
}

/// `POST …/oauth-clients/{client}/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let id: OauthClientId = context.id("client")?;
    match app::authorization_server::clients::update(&context.state, &context.actor, id, &change(&form)).await
    {
        Ok(_) => Ok(see_other(
            &context.href(console::OAUTH_CLIENT, &[&id]),
            Flash(ResourceKind::OauthClient, Action::Saved),
        )),
        Err(error) => {
            let errors = FormErrors::from_error(error)?;
            let client = app::authorization_server::clients::find(&context.state, &context.actor, id).await?;
            Ok(form_page(&context, Some(&client), &FormValues::from(&*form), &errors))
        }
    }
}

fn change(form: &PostedForm) -> OauthClientChange {
    let text = |name: &str| Some(form.text(name).trim().to_owned());
    OauthClientChange {
        display_name: text("displayName"),
        id_token_alg: text("idTokenAlg"),
        initiate_login_uri: text("initiateLoginUri"),
    }
}

fn form_page(
    context: &EnvironmentContext,
    of: Option<&OauthClient>,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let view = FormView::new(typed, errors);
    let fields = html! {
        (view.text("displayName", "Name").optional().hint("The app that signs people in."))
        (view.select("idTokenAlg", "Signature of its ID tokens", &ALGORITHMS))
        (view.url("initiateLoginUri", "Initiate login URI").code().optional()
            .hint("Where the app begins a login when it is called with an issuer (OpenID Connect Core §4). Without it, IdP-initiated logins end on the environment’s redirect URL."))
    };
    let (title, action, back, submit) = match of {
        None => (
            "New OAuth client".to_owned(),
            context.href(console::NEW_OAUTH_CLIENT, &[]),
            context.href(console::OAUTH_CLIENTS, &[]),
            "Create OAuth client",
        ),
        Some(client) => (
            format!("Edit {}", name(client)),
            context.href(console::EDIT_OAUTH_CLIENT, &[&client.id]),
            context.href(console::OAUTH_CLIENT, &[&client.id]),
            "Save",
        ),
    };
    let form = forms::Form::new(&action, submit, context.csrf()).cancel(&back);
    let mut shell = context.shell(Section::OauthClients, &title);
    if let Some(client) = of {
        shell = shell.crumb(name(client), &back);
    }
    shell.respond_with(
        errors.status(),
        html! {
            h1 { (title) }
            section.card { (view.render(&form, fields)) }
        },
    )
}
