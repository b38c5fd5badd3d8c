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
            permission_choices::meaning,
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
    let links = &context.state.links;
    let content = view(&ApplicationPage {
        application: &application,
        endpoint: &token_endpoint(links, &tenant.name, &application),
        issuer: &IssuerOf::of(links, &tenant.name, &application),
        may_manage: context.may(permissions::Action::ApplicationsManage),
        href: &|pattern, segments| context.href(pattern, segments),
        now: context.now(),
    });
    Ok(context.shell(Section::Applications, &application.name()).respond(content))
}

/// Where it gets its tokens.
pub(super) fn token_endpoint(links: &Links, tenant: &str, application: &Application) -> String {
    links.workspace_endpoint(tenant, &workspace(application), "oauth2/token")
}

/// The issuer of an application: of the organization that owns it, else of your own people.
pub(in crate::web::console) struct IssuerOf {
    /// The issuer.
    pub issuer: String,
    /// What describes it.
    pub discovery: String,
    /// Those of the organizations with which an application of yours is shared, with `{organization}` for what stands there.
    pub of_organizations: Option<String>,
}

impl IssuerOf {
    fn of(links: &Links, tenant: &str, application: &Application) -> Self {
        let workspace = workspace(application);
        let is_own = application.organization_id.is_none() && !application.is_of_system();
        let issuer = links.workspace_issuer(tenant, &workspace);
        let of_organizations = issuer.strip_suffix(&workspace).filter(|_| is_own);
        Self {
            discovery: links.workspace_discovery(tenant, &workspace),
            of_organizations: of_organizations.map(|start| format!("{start}{{organization}}")),
            issuer,
        }
    }
}

/// What stands for the owner of an application in paths.
fn workspace(application: &Application) -> String {
    match application.organization_id {
        _ if application.is_of_system() => SYSTEM.to_owned(),
        Some(id) => format!("{:032x}", id.bits()),
        None => ROOT.to_owned(),
    }
}

/// The page of an application.
pub(in crate::web::console) struct ApplicationPage<'a> {
    pub application: &'a Application,
    /// Where it gets its tokens.
    pub endpoint: &'a str,
    pub issuer: &'a IssuerOf,
    /// Whether the administrator may change it.
    pub may_manage: bool,
    pub href: Href<'a>,
    pub now: Timestamp,
}

/// The page.
pub(in crate::web::console) fn view(page: &ApplicationPage<'_>) -> Markup {
    let ApplicationPage { application, endpoint, issuer, may_manage, href, now } = *page;
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
        ("Issuer", copyable(&issuer.issuer, "issuer")),
        ("Discovery", copyable(&issuer.discovery, "discovery document")),
    ];
    if let Some(pattern) = &issuer.of_organizations {
        rows.push(("Issuers of organizations", html! {
            code { (pattern) }
            p.small.soft { "Whoever signs in at an organization does so at its own issuer: the page of the organization shows it, under “Addresses”." }
        }));
    }
    let scopes = html! {
        @for scope in &application.scopes {
            div { code { (scope) } @if meaning(scope) != scope { " " span.soft { (meaning(scope)) } } }
        }
        @if application.scopes.is_empty() { span.soft { "none" } }
    };
    rows.push(("Scopes", scopes));
    if !application.description.is_empty() {
        rows.insert(0, ("What it is for", html! { span.value { (application.description) } }));
    }
    if !application.is_of_system() {
        let grants: Vec<String> =
            application.grant_types.iter().map(|grant| grant.as_str().to_owned()).collect();
        rows.push(("Grants", list(&grants, "none")));
    }
    if !application.is_of_system() && application.organization_id.is_none() {
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
                    RoleAudience::Application => {
                        "its own: they count in this application alone · "
                        a href={ (href(console::ROLES, &[])) "?application=" (application.id) } { "Roles of this application" }
                    },
                    RoleAudience::Organization => {
                        "of your own organization: they count in every application that takes them · "
                        a href=(href(console::ROLES, &[])) { "Roles" }
                    },
                }
                p.small.soft { "Organizations with which it is shared have these roles too, and give them to their people." }
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
