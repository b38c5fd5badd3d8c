//! `/console/{environment}/applications/{application}`: what its program needs, and how it gets a token.

use base::time::Timestamp;
use maud::{Markup, html};
use model::application::{Application, ClientKind, RoleAudience};

use super::{list::kind, sharing};
use crate::{
    app::{
        authorization_server::issuers::{self, ROOT, SYSTEM},
        permissions, resource,
    },
    links::{Links, console},
    web::{
        console::kit::{
            context::EnvironmentContext,
            labels::{self, Href},
            resource::ConsoleResource as _,
            shell::Section,
        },
        kit::{
            components::{ButtonStyle, code_block, copyable, facts, link_button, time},
            error::PageResult,
        },
    },
};

/// `GET …/applications/{application}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let application: Application =
        resource::find(&context.state, &context.principal, context.id("application")?).await?;
    let tenant = issuers::tenant_of(&context.state, application.environment_id).await?;
    let content = view(
        &application,
        &token_endpoint(&context.state.links, &tenant.name, &application),
        context.may(permissions::Action::ApplicationsManage),
        &|pattern, segments| context.href(pattern, segments),
        context.now(),
    );
    Ok(context.shell(Section::Applications, &application.name()).respond(content))
}

/// Where it gets its tokens.
pub(super) fn token_endpoint(links: &Links, tenant: &str, application: &Application) -> String {
    let workspace = match application.organization_id {
        _ if application.is_of_system() => SYSTEM.to_owned(),
        Some(id) => format!("{:032x}", id.bits()),
        None => ROOT.to_owned(),
    };
    links.workspace_endpoint(tenant, &workspace, "oauth2/token")
}

/// The page.
pub(in crate::web::console) fn view(
    application: &Application,
    endpoint: &str,
    may_manage: bool,
    href: Href<'_>,
    now: Timestamp,
) -> Markup {
    let id = application.id.to_string();
    let has_secret = application.kind.has_secret();
    let list = |texts: &[String], none: &'static str| {
        html! {
            @for text in texts { div { code { (text) } } }
            @if texts.is_empty() { span.soft { (none) } }
        }
    };
    let uris: Vec<String> = application.redirect_uris.iter().map(ToString::to_string).collect();
    let mut rows = vec![
        ("Kind", html! { (kind(application)) }),
        ("Client ID", copyable(&id, "client id")),
        (
            "Client secret",
            html! { span.soft {
                (if has_secret { "was shown once; “New secret” replaces it" } else { "none: a public app can keep no secret" })
            } },
        ),
        ("Token endpoint", copyable(endpoint, "token endpoint")),
        ("Scopes", list(&application.scopes, "none")),
    ];
    if !application.description.is_empty() {
        rows.insert(0, ("What it is for", html! { span.value { (application.description) } }));
    }
    if !application.is_of_system() && application.organization_id.is_none() {
        let grants: Vec<String> =
            application.grant_types.iter().map(|grant| grant.as_str().to_owned()).collect();
        rows.push(("Grants", list(&grants, "none")));
        rows.push((
            "Shared with",
            html! {
                (sharing::words(application.shared)) " · "
                a href=(href(console::APPLICATION_SHARING, &[&application.id])) { "Sharing" }
            },
        ));
        rows.push((
            "Roles",
            html! {
                @match application.role_audience {
                    RoleAudience::Application => { "its own" },
                    RoleAudience::Organization => { "of your own organization" },
                }
            },
        ));
    }
    if let Some(previous) = application.previous_secret.filter(|previous| previous.expires_at > now) {
        rows.push(("Replaced secret", html! { "good until " (time(previous.expires_at, now)) }));
    }
    if application.kind != ClientKind::Service {
        rows.push(("Redirect URIs", list(&uris, "those of the environment")));
        rows.push(("Origins", list(&application.origins, "none")));
    }
    rows.push(("Tokens", html! { "signed with " (application.signing_alg.as_str()) }));
    rows.push(("Created", time(application.created_at, now)));
    html! {
        div.head-row {
            h1 { (application.name()) }
            @if may_manage {
                div.actions {
                    (link_button(ButtonStyle::Plain, "Edit", &href(console::EDIT_APPLICATION, &[&application.id])))
                    @if has_secret {
                        (link_button(ButtonStyle::Plain, "New secret", &href(console::ROTATE_APPLICATION, &[&application.id])))
                    }
                    (link_button(ButtonStyle::Danger, "Delete", &href(console::DELETE_APPLICATION, &[&application.id])))
                }
            }
        }
        @if application.disabled {
            (labels::switched_off_notice("application", "It gets no tokens.",
                may_manage.then(|| href(console::EDIT_APPLICATION, &[&application.id])).as_deref()))
        }
        section.card {
            h2 { "What it is configured with" }
            (facts(&rows))
        }
        @if application.grant_types.contains(&model::application::GrantType::ClientCredentials) {
            section.card {
                h2 { "Example" }
                (code_block("A token by client credentials", &curl(endpoint, &id, &application.scopes)))
            }
        }
    }
}

fn curl(endpoint: &str, id: &str, scopes: &[String]) -> String {
    let scope = match scopes {
        [] => String::new(),
        scopes => format!(" \\\n  -d \"scope={}\"", scopes.join(" ")),
    };
    format!(
        "curl -X POST {endpoint} \\\n  -d \"grant_type=client_credentials\" \\\n  -d \"client_id={id}\" \\\n  \
         -d \"client_secret=$CLIENT_SECRET\"{scope}"
    )
}
