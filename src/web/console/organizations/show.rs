//! `/console/{environment}/organizations/{organization}`: an organization with its domains, connections,
//! directories, setup links and latest changes.

use base::{id::OrganizationId, time::Timestamp};
use maud::{Markup, html};
use model::{
    domain::{Domain, DomainState},
    oidc_connection::OidcConnection,
    organization::Organization,
    setup_link::SetupLink,
    user::AssociationKind,
};

use super::{
    changes::{latest_changes, recent_changes},
    profile::{self, Surroundings},
};
use crate::{
    app::{
        self, Result,
        accounts::associations::Associated,
        connections::saml::SamlConnectionView,
        directories::ScimDirectoryView,
        json_schema::Violation,
        organizations::{by_name, domains::sharing::SharedDomain},
        pagination::{Page, PageQuery},
        permissions,
    },
    links::console,
    web::{
        console::{
            audit_events::line::AuditLine,
            kit::{context::EnvironmentContext, labels, shell::Section},
            setup_links, templates,
        },
        kit::{
            components::{ButtonStyle, Icon, link_button, mark, time},
            error::PageResult,
        },
    },
};

/// How many audit events and setup links the page lists.
const RECENT: usize = 5;

/// The page of an organization.
pub(in crate::web::console) struct OrganizationPage<'a> {
    pub organization: &'a Organization,
    pub around: &'a Surroundings,
    /// Other organizations for which its domains count too.
    pub shared: &'a [SharedDomain],
    /// Those of its domains that DNS proved and whose record is gone.
    pub lost: &'a [Domain],
    pub connections: &'a Page<SamlConnectionView>,
    pub oidc_connections: &'a Page<OidcConnection>,
    pub directories: &'a Page<ScimDirectoryView>,
    /// How many users its pools have.
    pub users: i64,
    /// Users of other organizations who have access to it.
    pub associated: &'a [Associated],
    pub links: &'a Page<SetupLink>,
    pub audit: &'a [AuditLine],
    /// Whether the administrator may change it.
    pub may_manage: bool,
    /// Builds paths in this environment.
    pub href: &'a dyn Fn(&str, &[&dyn std::fmt::Display]) -> String,
    pub csrf: Markup,
    pub now: Timestamp,
}

/// `GET …/organizations/{organization}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let (state, principal) = (&context.state, &context.principal);
    let id: OrganizationId = context.id("organization")?;
    let organization: Organization = app::resource::find(state, principal, id).await?;
    if organization.template {
        return templates::show::show(&context, organization).await;
    }
    let around = surroundings(&context, &organization).await?;
    let query = PageQuery { token: None, size: Some("100".to_owned()) };
    let domains: Vec<Domain> = organization.accepted_domains().cloned().collect();
    let shared = app::organizations::domains::sharing::list_others(state, principal, id, &domains).await?;
    let mut lost = Vec::new();
    if organization.domains.values().any(|state| *state == DomainState::Verified) {
        let grace = state.settings.lost_record_grace;
        let listed = app::organizations::domains::list(state, principal, id).await?.into_iter();
        lost.extend(listed.filter(|one| one.counts_until(grace).is_some()).map(|one| one.domain));
    }
    let connections = app::connections::saml::list(state, principal, id, &query).await?;
    let oidc_connections = app::connections::oidc::list(state, principal, id, &query).await?;
    let directories = app::directories::list(state, principal, id, &query).await?;
    let recent = PageQuery { token: None, size: Some(RECENT.to_string()) };
    let links = app::setup::links::list(state, principal, Some(id), &recent).await?;
    let audit = recent_changes(&context, id).await?;
    let pools = app::accounts::users::list_pools(state, principal, id).await?;
    let associated = app::accounts::associations::of_organization(state, principal, id).await?;
    let page = OrganizationPage {
        organization: &organization,
        around: &around,
        shared: &shared,
        lost: &lost,
        connections: &connections,
        oidc_connections: &oidc_connections,
        directories: &directories,
        associated: &associated,
        users: pools.iter().map(|pool| pool.number_of_users).sum(),
        links: &links,
        audit: &audit,
        may_manage: context.may(permissions::Action::OrganizationsManage),
        href: &|pattern, segments| context.href(pattern, segments),
        csrf: context.csrf(),
        now: context.now(),
    };
    Ok(context.shell(Section::Organizations, &labels::organization(&organization)).respond(view(&page)))
}

/// The page.
pub(in crate::web::console) fn view(page: &OrganizationPage<'_>) -> Markup {
    let organization = page.organization;
    let id = &organization.id;
    let href = page.href;
    html! {
        div.head-row {
            h1 { (labels::organization(organization)) }
            @if page.may_manage {
                div.actions {
                    (link_button(ButtonStyle::Plain, "Edit", &href(console::EDIT_ORGANIZATION, &[id])))
                    (link_button(ButtonStyle::Danger, "Delete", &href(console::DELETE_ORGANIZATION, &[id])))
                }
            }
        }
        @if organization.is_disabled() {
            (labels::switched_off_notice("organization", "Its logins and the requests of its directories are refused.",
                page.may_manage.then(|| href(console::EDIT_ORGANIZATION, &[id])).as_deref()))
        }
        (profile::about(organization, page.around, href, page.now))
        (domains(page))
        (connections(page))
        (directories(page))
        (users(page))
        (setup(page))
        (profile::kept(organization, page.around, page.may_manage, href))
        (profile::children(organization, page.around, page.may_manage, href))
        (latest_changes(page.audit, organization, href, page.now))
    }
}

/// Where an organization stands, and whether its metadata fits.
async fn surroundings(context: &EnvironmentContext, organization: &Organization) -> Result<Surroundings> {
    let (state, principal, id) = (&context.state, &context.principal, organization.id);
    let related = organization.parent().into_iter().chain(organization.applied_template.map(|one| one.id));
    let first = PageQuery { token: None, size: Some(RECENT.to_string()) };
    let violations = match organization.metadata.is_empty() {
        true => Vec::new(),
        // A schema that cannot be used is told where it is edited.
        false => app::organizations::violations(organization).unwrap_or_default(),
    };
    Ok(Surroundings {
        names: app::organizations::names(state, principal, related).await?,
        children: by_name::count_children(state, principal, id).await?,
        first_children: by_name::list_children(state, principal, id, &first).await?.items,
        violations: violations.iter().take(RECENT).map(words).collect(),
    })
}

fn words(violation: &Violation) -> String {
    let place = if violation.path.is_empty() { "The metadata" } else { &violation.path };
    format!("{place} {}.", violation.message)
}

fn domains(page: &OrganizationPage<'_>) -> Markup {
    let organization = page.organization;
    html! {
        section.card aria-labelledby="domains" {
            div.head-row {
                h2 #domains { "Domains" }
                @if page.may_manage {
                    div.actions { a.button.small href=((page.href)(console::DOMAINS, &[&organization.id])) { "Add domain" } }
                }
            }
            @if organization.domains.is_empty() {
                p { (mark(Icon::Attention, "None yet")) " Nobody can sign in through the company’s own identity provider before a domain counts. People with an account sign in without." }
            } @else {
                ul.rows {
                    @for (domain, state) in &organization.domains {
                        li {
                            a href=((page.href)(console::DOMAIN, &[&organization.id, domain])) { (domain) }
                            (labels::domain_state(*state))
                            @if page.lost.contains(domain) { (mark(Icon::Attention, "DNS record gone")) }
                            @for other in page.shared.iter().filter(|other| state.is_accepted() && other.domain == *domain) {
                                span {
                                    (mark(Icon::Attention, "Shared")) " with "
                                    a href=((page.href)(console::ORGANIZATION, &[&other.organization_id])) {
                                        @if other.display_name.trim().is_empty() { (other.organization_id) }
                                        @else { (other.display_name) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn connections(page: &OrganizationPage<'_>) -> Markup {
    let new = (page.href)(console::NEW_SAML_CONNECTION, &[&page.organization.id]);
    let new_oidc = (page.href)(console::NEW_OIDC_CONNECTION, &[&page.organization.id]);
    html! {
        section.card aria-labelledby="connections" {
            div.head-row {
                h2 #connections { "Connections" }
                @if page.may_manage {
                    div.actions {
                        a.button.small href=(new) { "New SAML connection" }
                        a.button.small href=(new_oidc) { "New OIDC connection" }
                    }
                }
            }
            @if page.connections.items.is_empty() && page.oidc_connections.items.is_empty() {
                p { "A connection ties in the customer’s identity provider, so that its people sign in with the accounts they have." }
            } @else {
                ul.rows {
                    @for described in &page.connections.items {
                        @let connection = &described.connection;
                        li {
                            a href=((page.href)(console::SAML_CONNECTION, &[&connection.id])) { (labels::connection(connection)) }
                            span { "SAML " (labels::connection_state(connection)) }
                        }
                    }
                    @for connection in &page.oidc_connections.items {
                        li {
                            a href=((page.href)(console::OIDC_CONNECTION, &[&connection.id])) { (labels::oidc_connection(connection)) }
                            span { "OpenID Connect " (labels::oidc_connection_state(connection)) }
                        }
                    }
                }
            }
        }
    }
}

fn users(page: &OrganizationPage<'_>) -> Markup {
    let id = &page.organization.id;
    html! {
        section.card aria-labelledby="users" {
            div.head-row {
                h2 #users { "Users" }
                @if page.may_manage && !page.organization.is_disabled() && !page.organization.template {
                    div.actions { a.button.small href=((page.href)(console::NEW_ORGANIZATION_USER, &[id])) { "New user" } }
                }
            }
            p {
                @match page.users {
                    0 => "A user is an account that is kept here, with a password or a passkey: for people without an identity provider of their own.",
                    1 => "One account is kept here.",
                    users => { (users) " accounts are kept here." },
                }
            }
            @if !page.associated.is_empty() {
                p { "These are users of another organization, who sign in there and switch to this one:" }
                ul.rows {
                    @for one in page.associated {
                        li {
                            a href=((page.href)(console::USER, &[&one.association.user_id])) {
                                @if one.user_name.is_empty() { (one.association.user_id) } @else { (one.user_name) }
                            }
                            span {
                                @match one.association.kind {
                                    AssociationKind::Owner => "owner",
                                    AssociationKind::Invited => "invited",
                                    AssociationKind::Shared => "shared",
                                }
                                ", "
                                a href=((page.href)(console::USER, &[&one.association.resident_user_id])) { "their own account" }
                            }
                        }
                    }
                }
            }
            p {
                a href=((page.href)(console::ORGANIZATION_USERS, &[id])) { "Users of this organization" }
                " · "
                a href=((page.href)(console::ORGANIZATION_POOLS, &[id])) { "Identity pools" }
                " · "
                a href=((page.href)(console::ORGANIZATION_ROLES, &[id])) { "Roles" }
            }
        }
    }
}

fn setup(page: &OrganizationPage<'_>) -> Markup {
    let id = &page.organization.id;
    html! {
        section.card aria-labelledby="setup" {
            div.head-row {
                h2 #setup { "Setup links" }
                @if page.may_manage {
                    div.actions { a.button.small href=((page.href)(console::NEW_SETUP_LINK, &[id])) { "New setup link" } }
                }
            }
            @if page.links.items.is_empty() {
                p { "A setup link lets the customer’s own IT admin do all of this, step by step, without an account here." }
            } @else {
                ul.rows {
                    @for link in &page.links.items {
                        li { span { (setup_links::list::permissions(link)) } span { (setup_links::list::status(link, page.now)) } }
                    }
                }
                p { a href=((page.href)(console::SETUP_LINKS, &[id])) { "All setup links" } }
            }
        }
    }
}

fn directories(page: &OrganizationPage<'_>) -> Markup {
    let new = (page.href)(console::NEW_SCIM_DIRECTORY, &[&page.organization.id]);
    html! {
        section.card aria-labelledby="directories" {
            div.head-row {
                h2 #directories { "SCIM directories" }
                @if page.may_manage { form.inline method="post" action=(new) {
                    (page.csrf)
                    button.button.small type="submit" { "New directory" }
                } }
            }
            @if page.directories.items.is_empty() {
                p { "A directory lets the customer’s identity provider push its people here, and take them away." }
            } @else {
                ul.rows {
                    @for described in &page.directories.items {
                        @let directory = &described.directory;
                        li {
                            a href=((page.href)(console::SCIM_DIRECTORY, &[&directory.id])) { (directory.id) }
                            span {
                                @match described.tokens.iter().filter_map(|token| token.last_used_at).max() {
                                    Some(at) => { "last request " (time(at, page.now)) },
                                    None => (mark(Icon::Attention, "No request yet")),
                                }
                                " " (labels::directory_tags(directory))
                            }
                        }
                    }
                }
            }
        }
    }
}
