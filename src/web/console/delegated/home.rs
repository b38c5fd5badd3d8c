//! `/{tenant}/{workspace}/admin`: an organization at a glance, for its own administrator.

use base::time::Timestamp;
use maud::{Markup, html};
use model::{
    organization::Organization, organization_domain::OrganizationDomain, scim_directory::ScimDirectory,
    setup_link::SetupLink,
};

use crate::{
    app::{
        Error,
        connections::saml::{self, SamlConnectionView},
        directories,
        guests::GuestView,
        organizations::domains,
        pagination::{Page, PageQuery},
        permissions::Action,
        setup::links,
    },
    links::{console, path},
    web::{
        console::{
            guests,
            kit::{
                context::EnvironmentContext,
                form::ConsoleForm,
                labels::{self, Href},
            },
        },
        kit::{
            components::{ButtonStyle, button, link_button},
            error::{PageError, PageResult},
            response::see_other,
        },
        setup::session::{BrowserSession, current_session},
    },
};

/// How many domains the page lists.
const MAX_LISTED: usize = 100;

/// The first page.
pub(in crate::web::console) struct HomePage<'a> {
    pub organization: &'a Organization,
    /// Whether they may see the users.
    pub users: bool,
    /// Open invitations of users of the organization above.
    pub invitations: &'a [GuestView],
    /// Whether they may take these back.
    pub may_take_back: bool,
    /// The SAML connections, if they may see them.
    pub connections: Option<&'a Page<SamlConnectionView>>,
    /// The domains, if they may see them.
    pub domains: Option<&'a [OrganizationDomain]>,
    /// Whether they may add any.
    pub may_add_domains: bool,
    /// The SCIM directories, if they may see them.
    pub directories: Option<&'a [ScimDirectory]>,
    /// Whether they may set up any of these, or domains.
    pub may_set_up: bool,
    /// Whether they may see roles, and who has them.
    pub roles: bool,
    /// Whether they may read the audit log.
    pub audit: bool,
    /// What their roles permit, in words.
    pub rights: &'a [&'static str],
    /// What asks for a recent proof of who they are, where the last one is too old to open the set-up.
    pub confirm: Option<Markup>,
    pub href: Href<'a>,
    pub csrf: Markup,
    pub now: Timestamp,
}

/// `GET …/admin`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let organization = own(&context)?;
    let named = context.segment("organization");
    if !named.is_empty() && named.parse() != Ok(organization.id) {
        return Err(PageError(Error::not_found("organization", named)));
    }
    let (state, principal, first) = (&context.state, &context.principal, PageQuery::default());
    let connections = match context.may(Action::SamlConnectionsView) {
        true => Some(saml::list(state, principal, organization.id, &first).await?),
        false => None,
    };
    let directories = match context.may(Action::ScimDirectoriesView) {
        true => Some(directories::list(state, principal, organization.id, &first).await?),
        false => None,
    };
    let directories: Option<Vec<ScimDirectory>> =
        directories.map(|page| page.items.into_iter().map(|view| view.directory).collect());
    let invitations = guests::open(&context, organization.id).await?;
    let listed = match context.may(Action::DomainsView) {
        true => Some(domains::list(state, principal, organization.id).await?),
        false => None,
    };
    let content = view(&HomePage {
        organization,
        users: context.may(Action::UsersView),
        invitations: &invitations,
        may_take_back: context.may(Action::GuestsManage),
        connections: connections.as_ref(),
        domains: listed.as_deref(),
        may_add_domains: context.may(Action::DomainsManage),
        directories: directories.as_deref(),
        may_set_up: [Action::SamlConnectionsManage, Action::ScimDirectoriesManage, Action::DomainsManage]
            .into_iter()
            .any(|action| context.may(action)),
        roles: context.may(Action::RolesView),
        audit: context.may(Action::AuditEventsView),
        rights: context.delegate().map_or(&[][..], |current| &current.delegate.rights),
        confirm: context.confirm_identity_notice("open the set-up"),
        href: &|pattern, segments| context.href(pattern, segments),
        csrf: context.csrf(),
        now: context.now(),
    });
    Ok(context.plain_shell("Overview").respond(content))
}

/// The page.
pub(in crate::web::console) fn view(page: &HomePage<'_>) -> Markup {
    let id = &page.organization.id;
    html! {
        h1 { (labels::organization(page.organization)) }
        p { "You administer this organization. What you see here is what your roles permit." }
        @if page.users {
            section.card aria-labelledby="people" {
                h2 #people { "Users" }
                p { "Who has an account here: add them, help them sign in again, and end their access." }
                p { (link_button(ButtonStyle::Plain, "Users", &(page.href)(console::ORGANIZATION_USERS, &[id]))) }
            }
        }
        @if page.roles {
            section.card aria-labelledby="roles" {
                h2 #roles { "Roles" }
                p { "What people may do here and in applications, and who has which role." }
                p { (link_button(ButtonStyle::Plain, "Roles", &(page.href)(console::ORGANIZATION_ROLES, &[id]))) }
            }
        }
        @if page.audit {
            section.card aria-labelledby="log" {
                h2 #log { "Audit log" }
                p { "What was changed here, and by whom." }
                p { (link_button(ButtonStyle::Plain, "Audit log", &(page.href)(console::AUDIT_EVENTS, &[]))) }
            }
        }
        @if !page.invitations.is_empty() {
            section.card aria-labelledby="invited" {
                h2 #invited { "Invited" }
                p { "Who has an account above your organization and was invited into it, and has not accepted yet." }
                (guests::list(page.invitations, *id, page.may_take_back, page.href, &page.csrf, page.now))
            }
        }
        @if let Some(domains) = page.domains {
            section.card aria-labelledby="domains" {
                h2 #domains { "Domains" }
                @if domains.is_empty() { p.soft { "No domain is listed yet." } }
                ul.entries {
                    @for listed in domains.iter().take(MAX_LISTED) {
                        li.entry {
                            a href=((page.href)(console::DOMAIN, &[id, &listed.domain])) { (listed.domain) } " "
                            (labels::own_domain_state(listed.state))
                        }
                    }
                }
                @if domains.len() > MAX_LISTED { p.soft { "and " (domains.len() - MAX_LISTED) " more" } }
                @if page.may_add_domains {
                    p { (link_button(ButtonStyle::Plain, "Add a domain", &(page.href)(console::DOMAINS, &[id]))) }
                }
            }
        }
        @if let Some(connections) = page.connections {
            section.card aria-labelledby="connections" {
                h2 #connections { "Single sign-on" }
                @if connections.items.is_empty() { p.soft { "No identity provider is connected yet." } }
                ul.entries {
                    @for view in &connections.items {
                        li.entry { (labels::connection(&view.connection)) " " (labels::connection_state(&view.connection)) }
                    }
                }
            }
        }
        @if let Some(directories) = page.directories {
            section.card aria-labelledby="directories" {
                h2 #directories { "User provisioning" }
                @if directories.is_empty() { p.soft { "No directory pushes users here yet." } }
                ul.entries {
                    @for directory in directories {
                        li.entry { code { (directory.id) } @if directory.disabled { " " (labels::switched_off()) } }
                    }
                }
            }
        }
        @if page.may_set_up {
            section.card aria-labelledby="set-up" {
                h2 #set-up { "Set up sign-in" }
                p { "Connect your identity provider, have it push users, and show that a domain is yours: step by step." }
                @if let Some(confirm) = &page.confirm { (confirm) }
                form.form method="post" action=((page.href)(console::DELEGATED_SETUP, &[])) {
                    (page.csrf)
                    div.actions { (button(ButtonStyle::Primary, "Open the set-up")) }
                }
            }
        }
        (rights(page))
    }
}

/// `POST …/admin/setup`: on to the setup pages.
pub async fn set_up(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let organization = own(&context)?.id;
    let running = current_session(&context.state, context.request()).await?;
    let is_own = |session: &BrowserSession| {
        let user = session.link.created_by.parse().ok();
        session.link.organization_id == organization
            && user.is_some_and(|user| context.delegate().is_some_and(|current| current.is(user)))
            && covers(&context, &session.link)
    };
    if running.as_ref().is_some_and(is_own) {
        return Ok(see_other(path::SETUP_HOME));
    }
    let (_, url) = links::create_own(&context.state, &context.principal, organization).await?;
    Ok(see_other(&url))
}

/// What they may do; where none of it has a page here, whom to ask for more.
fn rights(page: &HomePage<'_>) -> Markup {
    let has_pages = page.users
        || page.roles
        || page.audit
        || page.may_set_up
        || !page.invitations.is_empty()
        || page.connections.is_some()
        || page.directories.is_some();
    html! {
        section.card aria-labelledby="rights" {
            h2 #rights { "What your roles permit" }
            ul { @for right in page.rights { li { (right) } } }
            @if has_pages {
                p.soft { "If you need more, ask somebody else who administers this organization for another role." }
            } @else {
                p { "There is no page here for any of it: applications do it for you. If you should do more here, ask somebody else who administers this organization for another role; if there is nobody, ask the support of the application." }
            }
        }
    }
}

/// Whether a link is for all that the caller may set up now.
fn covers(context: &EnvironmentContext, link: &SetupLink) -> bool {
    [
        (Action::SamlConnectionsManage, link.can_manage_saml),
        (Action::ScimDirectoriesManage, link.can_manage_scim),
        (Action::DomainsManage, link.can_manage_domains),
    ]
    .into_iter()
    .all(|(action, given)| given || !context.may(action))
}

/// The organization of the caller.
fn own(context: &EnvironmentContext) -> Result<&Organization, PageError> {
    let current = context.delegate();
    let internal = || PageError(Error::internal("a page of an organization's own administrators"));
    Ok(&current.ok_or_else(internal)?.delegate.organization)
}
