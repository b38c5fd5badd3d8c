//! `/console/{environment}/oauth-clients/{client}`: an OAuth client with its configuration for libraries;
//! creates, edits, rotates the secret, and deletes.

use actix_web::HttpResponse;
use maud::{Markup, html};

use super::list::name;
use crate::{
    app::{
        self,
        authorization_server::clients::{ClientWithSecret, OauthClientChange},
    },
    links::{Links, console},
    model::{environment::Environment, id::OauthClientId, oauth_client::OauthClient, time::Timestamp},
    web::{
        console::{
            audit_events::list::Href,
            kit::{
                context::EnvironmentContext,
                flash::{Action, Flash, ResourceKind, see_other},
                session::ConsoleForm,
                shell::Section,
            },
        },
        kit::{
            components::{ButtonStyle, Icon, code_block, copyable, facts, link_button, notice, time},
            confirm::{self, DeleteConfirmation},
            error::PageResult,
            forms::{self, FormErrors, FormValues, FormView},
            posted::PostedForm,
            secret::SecretPanel,
        },
    },
};

const ALGORITHMS: [(&str, &str); 3] = [
    ("RS256", "RS256: every library reads it"),
    ("ES256", "ES256: shorter and faster"),
    ("EdDSA", "EdDSA (Ed25519)"),
];

/// `GET …/oauth-clients/{client}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let client =
        app::authorization_server::clients::find(&context.state, &context.actor, context.id("client")?)
            .await?;
    let content = view(
        &client,
        &context.environment,
        &context.state.links_of(&context.environment),
        context.may_manage(),
        &|pattern, segments| context.href(pattern, segments),
        context.now(),
    );
    Ok(context.shell(Section::OauthClients, &name(&client)).respond(content))
}

/// The page.
pub(in crate::web::console) fn view(
    client: &OauthClient,
    environment: &Environment,
    links: &Links,
    may_manage: bool,
    href: Href<'_>,
    now: Timestamp,
) -> Markup {
    let id = client.id.to_string();
    let uris = &environment.oauth_redirect_uris;
    html! {
        div.head-row {
            h1 { (name(client)) }
            @if may_manage {
                div.actions {
                    (link_button(ButtonStyle::Plain, "Edit", &href(console::EDIT_OAUTH_CLIENT, &[&client.id])))
                    (link_button(ButtonStyle::Plain, "New secret", &href(console::ROTATE_OAUTH_CLIENT, &[&client.id])))
                    (link_button(ButtonStyle::Danger, "Delete", &href(console::DELETE_OAUTH_CLIENT, &[&client.id])))
                }
            }
        }
        @if uris.is_empty() {
            (notice(Icon::Attention, "It cannot sign anybody in yet", html! {
                p { "The environment has no OAuth redirect URIs, and a client may ask for none but those." }
                p { a href=(href(console::ENVIRONMENT, &[])) { "To the environment’s settings" } }
            }))
        }
        section.card {
            h2 { "What its library asks for" }
            (facts(&[
                ("Client ID", copyable(&id, "client id")),
                ("Client secret", html! { span.soft { "was shown once; “New secret” replaces it" } }),
                ("Issuer", copyable(&links.oauth_issuer(), "issuer")),
                ("Discovery document", copyable(links.oauth_discovery().as_str(), "discovery document’s address")),
                ("Authorization endpoint", copyable(links.oauth_authorize().as_str(), "authorization endpoint")),
                ("Token endpoint", copyable(links.oauth_token().as_str(), "token endpoint")),
                ("Redirect URIs", html! {
                    @for uri in uris { div { code { (uri) } } }
                    @if uris.is_empty() { span.soft { "none yet" } }
                }),
                ("ID tokens", html! { "signed with " (client.id_token_alg.as_str()) }),
                ("Initiate login URI", match &client.initiate_login_uri {
                    Some(uri) => html! { code { (uri) } },
                    None => html! { span.soft { "none: IdP-initiated logins end on the environment’s redirect URL" } },
                }),
                ("Created", time(client.created_at, now)),
            ]))
        }
        section.card {
            h2 { "Examples" }
            (code_block("Auth.js (NextAuth), auth.ts", &auth_js(&id, &links.oauth_issuer())))
            (code_block("Any other OpenID Connect client, environment variables", &variables(&id, &links.oauth_issuer(), uris.first().map_or("", |uri| uri.as_str()))))
        }
    }
}

fn auth_js(id: &str, issuer: &str) -> String {
    format!(
        r#"import NextAuth from "next-auth";

export const {{ handlers, signIn, signOut, auth }} = NextAuth({{
  providers: [
    {{
      id: "sso",
      name: "Single sign-on",
      type: "oidc",
      issuer: "{issuer}",
      clientId: "{id}",
      clientSecret: process.env.SSO_CLIENT_SECRET,
    }},
  ],
}});

// Where somebody signs in: name the organization, or give an e-mail address.
await signIn("sso", {{}}, {{ organization_external_id: "customer-1" }});
await signIn("sso", {{}}, {{ login_hint: "ada@acme.example" }});"#
    )
}

fn variables(id: &str, issuer: &str, redirect: &str) -> String {
    format!(
        "OIDC_ISSUER={issuer}\nOIDC_CLIENT_ID={id}\nOIDC_CLIENT_SECRET=\nOIDC_REDIRECT_URI={redirect}\nOIDC_SCOPES=openid email profile"
    )
}

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

/// `GET …/oauth-clients/{client}/rotate`
pub async fn confirm_rotation(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let client =
        app::authorization_server::clients::find(&context.state, &context.actor, context.id("client")?)
            .await?;
    let (action, back) = (
        context.href(console::ROTATE_OAUTH_CLIENT, &[&client.id]),
        context.href(console::OAUTH_CLIENT, &[&client.id]),
    );
    let (typed, errors) = (FormValues::new(), FormErrors::none());
    let form = forms::Form::new(&action, "Make a new secret", context.csrf()).cancel(&back).danger();
    let title = format!("New secret for {}", name(&client));
    Ok(context.shell(Section::OauthClients, &title).crumb(name(&client), &back).respond(html! {
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
    let created = app::authorization_server::clients::rotate_secret(
        &context.state,
        &context.actor,
        context.id("client")?,
    )
    .await?;
    Ok(secret_page(&context, &created))
}

fn secret_page(context: &EnvironmentContext, created: &ClientWithSecret) -> HttpResponse {
    let onward = context.href(console::OAUTH_CLIENT, &[&created.client.id]);
    let panel = SecretPanel {
        name: "client secret",
        value: &created.secret.reveal(),
        about: "Put it into the app’s configuration beside the client ID. An earlier secret no longer works.",
        next_url: &onward,
    };
    context.shell(Section::OauthClients, "Client secret").respond(html! {
        h1 { "Secret of " (name(&created.client)) }
        section.card.stack {
            (facts(&[("Client ID", copyable(&created.client.id.to_string(), "client id"))]))
            (panel.view())
        }
    })
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
