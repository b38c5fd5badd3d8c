//! `/console/{environment}/oauth-clients/{client}`: an OAuth client with its configuration for libraries;
//! creates, edits, rotates the secret, and deletes.

use base::time::Timestamp;
use maud::{Markup, html};
use model::{environment::Environment, oauth_client::OauthClient};

use crate::{
    app::{permissions, resource},
    links::{Links, console},
    web::{
        console::kit::{
            context::EnvironmentContext,
            labels::{self, Href},
            resource::ConsoleResource as _,
            shell::Section,
        },
        kit::{
            components::{ButtonStyle, Icon, code_block, copyable, facts, link_button, notice, time},
            error::PageResult,
        },
    },
};

/// `GET …/oauth-clients/{client}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let client: OauthClient =
        resource::find(&context.state, &context.principal, context.id("client")?).await?;
    let content = view(
        &client,
        &context.environment,
        &context.state.links_of(&context.environment),
        context.may(permissions::Action::OauthClientsManage),
        &|pattern, segments| context.href(pattern, segments),
        context.now(),
    );
    Ok(context.shell(Section::OauthClients, &client.name()).respond(content))
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
    let uris = match client.redirect_uris.is_empty() {
        true => &environment.oauth_redirect_uris,
        false => &client.redirect_uris,
    };
    html! {
        div.head-row {
            h1 { (client.name()) }
            @if may_manage {
                div.actions {
                    (link_button(ButtonStyle::Plain, "Edit", &href(console::EDIT_OAUTH_CLIENT, &[&client.id])))
                    (link_button(ButtonStyle::Plain, "New secret", &href(console::ROTATE_OAUTH_CLIENT, &[&client.id])))
                    (link_button(ButtonStyle::Danger, "Delete", &href(console::DELETE_OAUTH_CLIENT, &[&client.id])))
                }
            }
        }
        @if client.disabled {
            (labels::switched_off_notice("OAuth client", "Nobody can sign in through it.",
                may_manage.then(|| href(console::EDIT_OAUTH_CLIENT, &[&client.id])).as_deref()))
        }
        @if uris.is_empty() {
            (notice(Icon::Attention, "It cannot sign anybody in yet", html! {
                p { "Neither it nor the environment has redirect URIs, and it may ask for none but those." }
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
