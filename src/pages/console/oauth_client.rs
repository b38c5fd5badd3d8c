//! `/console/{environment}/oauth-clients/{client}`: an OAuth client with its configuration for libraries;
//! creates, edits, rotates the secret, and deletes.

use actix_web::HttpResponse;
use maud::{Markup, html};

use super::{
    audit_events::Href,
    flash::{Deed, Flash, Thing, see_other},
    here::Here,
    oauth_clients::name,
    shell::Section,
    visitor::Form,
};
use crate::{
    app::{
        self,
        oauth_clients::{Created, OauthClientChange},
    },
    links::{Links, console},
    model::{environment::Environment, id::OauthClientId, oauth_client::OauthClient, time::Timestamp},
    pages::{
        components::{Shape, Weight, code_block, copyable, facts, link_button, notice, time},
        confirm::{self, Deletion},
        error::Answer,
        forms::{self, FormErrors, FormView, Typed},
        posted::Posted,
        secret::Secret,
    },
};

const ALGORITHMS: [(&str, &str); 3] = [
    ("RS256", "RS256: every library reads it"),
    ("ES256", "ES256: shorter and faster"),
    ("EdDSA", "EdDSA (Ed25519)"),
];

/// `GET …/oauth-clients/{client}`
pub async fn show(here: Here) -> Answer {
    let client = app::oauth_clients::find(&here.state, &here.actor, here.id("client")?).await?;
    let content = view(
        &client,
        &here.environment,
        &here.state.links_of(&here.environment),
        here.may_manage(),
        &|pattern, segments| here.href(pattern, segments),
        here.now(),
    );
    Ok(here.shell(Section::OauthClients, &name(&client)).respond(content))
}

/// The page.
pub(super) fn view(
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
                    (link_button(Weight::Plain, "Edit", &href(console::EDIT_OAUTH_CLIENT, &[&client.id])))
                    (link_button(Weight::Plain, "New secret", &href(console::ROTATE_OAUTH_CLIENT, &[&client.id])))
                    (link_button(Weight::Danger, "Delete", &href(console::DELETE_OAUTH_CLIENT, &[&client.id])))
                }
            }
        }
        @if uris.is_empty() {
            (notice(Shape::Attention, "It cannot sign anybody in yet", html! {
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
pub async fn new(here: Here) -> Answer {
    here.manage()?;
    Ok(form_page(&here, None, &Typed::new().with("idTokenAlg", "RS256"), &FormErrors::none()))
}

/// `POST …/oauth-clients/new`
pub async fn create(here: Here, form: Form) -> Answer {
    match app::oauth_clients::create(&here.state, &here.actor, &change(&form)).await {
        Ok(created) => Ok(secret_page(&here, &created)),
        Err(error) => Ok(form_page(&here, None, &Typed::from(&*form), &FormErrors::from(error)?)),
    }
}

/// `GET …/oauth-clients/{client}/rotate`
pub async fn confirm_rotation(here: Here) -> Answer {
    here.manage()?;
    let client = app::oauth_clients::find(&here.state, &here.actor, here.id("client")?).await?;
    let (action, back) = (
        here.href(console::ROTATE_OAUTH_CLIENT, &[&client.id]),
        here.href(console::OAUTH_CLIENT, &[&client.id]),
    );
    let (typed, errors) = (Typed::new(), FormErrors::none());
    let form = forms::Form::new(&action, "Make a new secret", here.csrf()).cancel(&back).danger();
    let title = format!("New secret for {}", name(&client));
    Ok(here.shell(Section::OauthClients, &title).crumb(name(&client), &back).respond(html! {
        h1 { (title) }
        section.card {
            (FormView::new(&typed, &errors).render(&form, notice(Shape::Attention, "The present secret stops working at once", html! {
                p { "The app can sign nobody in until it has the new one." }
            })))
        }
    }))
}

/// `POST …/oauth-clients/{client}/rotate`
pub async fn rotate(here: Here, _form: Form) -> Answer {
    let created = app::oauth_clients::rotate_secret(&here.state, &here.actor, here.id("client")?).await?;
    Ok(secret_page(&here, &created))
}

fn secret_page(here: &Here, created: &Created) -> HttpResponse {
    let onward = here.href(console::OAUTH_CLIENT, &[&created.client.id]);
    let panel = Secret {
        name: "client secret",
        value: &created.secret.reveal(),
        about: "Put it into the app’s configuration beside the client ID. An earlier secret no longer works.",
        onward: &onward,
    };
    here.shell(Section::OauthClients, "Client secret").respond(html! {
        h1 { "Secret of " (name(&created.client)) }
        section.card.stack {
            (facts(&[("Client ID", copyable(&created.client.id.to_string(), "client id"))]))
            (panel.view())
        }
    })
}

/// `GET …/oauth-clients/{client}/edit`
pub async fn edit(here: Here) -> Answer {
    here.manage()?;
    let client = app::oauth_clients::find(&here.state, &here.actor, here.id("client")?).await?;
    let uri = client.initiate_login_uri.as_ref().map(ToString::to_string).unwrap_or_default();
    let typed = Typed::new()
        .with("displayName", &client.display_name)
        .with("idTokenAlg", client.id_token_alg.as_str())
        .with("initiateLoginUri", uri);
    Ok(form_page(&here, Some(&client), &typed, &FormErrors::none()))
}

/// `POST …/oauth-clients/{client}/edit`
pub async fn update(here: Here, form: Form) -> Answer {
    let id: OauthClientId = here.id("client")?;
    match app::oauth_clients::update(&here.state, &here.actor, id, &change(&form)).await {
        Ok(_) => {
            Ok(see_other(&here.href(console::OAUTH_CLIENT, &[&id]), Flash(Thing::OauthClient, Deed::Saved)))
        }
        Err(error) => {
            let errors = FormErrors::from(error)?;
            let client = app::oauth_clients::find(&here.state, &here.actor, id).await?;
            Ok(form_page(&here, Some(&client), &Typed::from(&*form), &errors))
        }
    }
}

fn change(form: &Posted) -> OauthClientChange {
    let text = |name: &str| Some(form.text(name).trim().to_owned());
    OauthClientChange {
        display_name: text("displayName"),
        id_token_alg: text("idTokenAlg"),
        initiate_login_uri: text("initiateLoginUri"),
    }
}

fn form_page(here: &Here, of: Option<&OauthClient>, typed: &Typed, errors: &FormErrors) -> HttpResponse {
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
            here.href(console::NEW_OAUTH_CLIENT, &[]),
            here.href(console::OAUTH_CLIENTS, &[]),
            "Create OAuth client",
        ),
        Some(client) => (
            format!("Edit {}", name(client)),
            here.href(console::EDIT_OAUTH_CLIENT, &[&client.id]),
            here.href(console::OAUTH_CLIENT, &[&client.id]),
            "Save",
        ),
    };
    let form = forms::Form::new(&action, submit, here.csrf()).cancel(&back);
    let mut shell = here.shell(Section::OauthClients, &title);
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
pub async fn confirm(here: Here) -> Answer {
    here.manage()?;
    let client = app::oauth_clients::find(&here.state, &here.actor, here.id("client")?).await?;
    Ok(confirm_page(&here, &client, &Typed::new(), &FormErrors::none()))
}

/// `POST …/oauth-clients/{client}/delete`
pub async fn remove(here: Here, form: Form) -> Answer {
    let id: OauthClientId = here.id("client")?;
    let client = app::oauth_clients::find(&here.state, &here.actor, id).await?;
    let removed = match confirm::check(form.text(confirm::FIELD), &name(&client)) {
        Ok(()) => app::oauth_clients::remove(&here.state, &here.actor, id).await,
        wrong => wrong,
    };
    match removed {
        Ok(()) => {
            Ok(see_other(&here.href(console::OAUTH_CLIENTS, &[]), Flash(Thing::OauthClient, Deed::Deleted)))
        }
        Err(error) => Ok(confirm_page(&here, &client, &Typed::from(&*form), &FormErrors::from(error)?)),
    }
}

fn confirm_page(here: &Here, client: &OauthClient, typed: &Typed, errors: &FormErrors) -> HttpResponse {
    let effects = [
        "The app can sign nobody in any more, at once.".to_owned(),
        "The access tokens that it holds end with it.".to_owned(),
    ];
    let back = here.href(console::OAUTH_CLIENT, &[&client.id]);
    let deletion = Deletion {
        kind: "OAuth client",
        name: &name(client),
        effects: &effects,
        action: &here.href(console::DELETE_OAUTH_CLIENT, &[&client.id]),
        cancel: &back,
    };
    here.shell(Section::OauthClients, "Delete OAuth client")
        .crumb(name(client), &back)
        .respond_with(errors.status(), deletion.view(typed, errors, here.csrf()))
}
