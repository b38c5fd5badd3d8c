//! `/console/{environment}/settings`: the settings of an environment, and its URLs for developers. Owners
//! edit and delete it.

use std::collections::BTreeMap;

use base::{id::OrganizationId, time::Timestamp};
use maud::{Markup, html};
use model::environment::Environment;

use super::form::{IDP_INITIATED, OAUTH_SUBJECTS};
use crate::{
    app::{organizations, permissions},
    links::{self, Links, console},
    web::{
        console::kit::{
            context::{EnvironmentContext, environment_name},
            shell::Section,
        },
        kit::{
            components::{ButtonStyle, copyable, facts, link_button, time},
            error::PageResult,
        },
    },
};

/// `GET …/settings`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let links = context.state.links_of(&context.environment);
    let actions = context.may(permissions::Action::EnvironmentsManage).then(|| {
        html! {
            (link_button(ButtonStyle::Plain, "Edit", &context.href(console::EDIT_ENVIRONMENT, &[])))
            (link_button(ButtonStyle::Danger, "Delete", &context.href(console::DELETE_ENVIRONMENT, &[])))
        }
    });
    let environment = &context.environment;
    let defaults = [environment.default_template_id, environment.default_parent_id];
    let ids = defaults.into_iter().flatten();
    let names = organizations::names(&context.state, &context.principal, ids).await?;
    let content = view(environment, &links, &names, actions, context.now());
    Ok(context.shell(Section::Environment, "Environment").respond(content))
}

/// The settings.
pub(in crate::web::console) fn view(
    environment: &Environment,
    links: &Links,
    names: &BTreeMap<OrganizationId, String>,
    actions: Option<Markup>,
    now: Timestamp,
) -> Markup {
    let none = |text: &str| html! { span.soft { (text) } };
    let url = |url: &Option<model::http_url::HttpUrl>, otherwise: &str| match url {
        Some(url) => html! { code { (url) } },
        None => none(otherwise),
    };
    let default = |id: Option<OrganizationId>, otherwise: &str| match id {
        None => none(otherwise),
        Some(id) => match names.get(&id) {
            None => none("One that is gone, so that it counts no more."),
            Some(name) => html! {
                a href=(links::expand(console::ORGANIZATION, &[&environment.id, &id])) {
                    @if name.trim().is_empty() { (id) } @else { (name) }
                }
            },
        },
    };
    let policy = IDP_INITIATED.iter().find(|choice| choice.value == environment.idp_initiated.as_str());
    let subject = OAUTH_SUBJECTS.iter().find(|choice| choice.value == environment.oauth_subject.as_str());
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
                ("Subject of ID tokens", html! {
                    (subject.map_or("", |choice| choice.label))
                    @if environment.shared_domain_subjects { " · one for an address in all organizations" }
                }),
                ("Default template", default(environment.default_template_id, "None: organizations begin without settings.")),
                ("Default parent", default(environment.default_parent_id, "None: organizations are at the top.")),
                ("Users", html! {
                    a href=(links::expand(console::USERS, &[&environment.id])) { "Users of the environment itself" }
                    " · "
                    a href=(links::expand(console::IDENTITY_POOLS, &[&environment.id])) { "Identity pools" }
                }),
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
