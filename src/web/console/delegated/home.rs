//! `/{tenant}/{workspace}/admin`: an organization at a glance, for its own administrator.

use base::time::Timestamp;
use maud::{Markup, html};
use model::{organization::Organization, scim_directory::ScimDirectory};

use crate::{
    app::{
        Error,
        connections::saml::{self, SamlConnectionView},
        directories,
        guests::GuestView,
        pagination::{Page, PageQuery},
        permissions::Action,
        setup::links,
    },
    links::console,
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
    },
};

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
    /// The SCIM directories, if they may see them.
    pub directories: Option<&'a [ScimDirectory]>,
    /// Whether they may set up any of these, or domains.
    pub may_set_up: bool,
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
    let content = view(&HomePage {
        organization,
        users: context.may(Action::UsersView),
        invitations: &invitations,
        may_take_back: context.may(Action::GuestsManage),
        connections: connections.as_ref(),
        directories: directories.as_deref(),
        may_set_up: [Action::SamlConnectionsManage, Action::ScimDirectoriesManage, Action::DomainsManage]
            .into_iter()
            .any(|action| context.may(action)),
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
        @if !page.invitations.is_empty() {
            section.card aria-labelledby="invited" {
                h2 #invited { "Invited" }
                p { "Who has an account above your organization and was invited into it, and has not accepted yet." }
                (guests::list(page.invitations, *id, page.may_take_back, page.href, &page.csrf, page.now))
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
                form.inline method="post" action=((page.href)(console::DELEGATED_SETUP, &[])) {
                    (page.csrf)
                    (button(ButtonStyle::Primary, "Open the set-up"))
                }
            }
        }
    }
}

/// `POST …/admin/setup`: on to the setup pages.
pub async fn set_up(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let organization = own(&context)?.id;
    let (_, url) = links::create_own(&context.state, &context.principal, organization).await?;
    Ok(see_other(&url))
}

/// The organization of the caller.
fn own(context: &EnvironmentContext) -> Result<&Organization, PageError> {
    let current = context.delegate();
    let internal = || PageError(Error::internal("a page of an organization's own administrators"));
    Ok(&current.ok_or_else(internal)?.delegate.organization)
}
