//! `/console/{environment}/organizations/{organization}/setup-links`: links with which a customer's IT admin
//! configures SAML, SCIM and domains; lists, creates and revokes them.

use base::{
    id::{OrganizationId, SetupLinkId},
    time::Timestamp,
};
use maud::{Markup, html};
use model::{
    organization::Organization,
    setup_link::{SetupLink, SetupLinkStatus},
};

use crate::{
    app::{self, pagination::Page, permissions},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            labels::{self, Href},
            shell::Section,
        },
        kit::{
            components::{ButtonStyle, Icon, copyable, join_with_and, link_button, mark, time},
            error::{self, PageResult},
            list::{List, ListUrl, column},
        },
    },
};

pub(super) async fn load_organization(
    context: &EnvironmentContext,
) -> Result<Organization, error::PageError> {
    let id: OrganizationId = context.id("organization")?;
    Ok(app::resource::find(&context.state, &context.principal, id).await?)
}

/// What a link permits, as a list.
pub(in crate::web::console) fn permissions(link: &SetupLink) -> String {
    let parts = [
        (link.can_manage_saml, "SAML"),
        (link.can_manage_scim, "SCIM"),
        (link.can_manage_domains, "domains"),
    ];
    let allowed: Vec<&str> =
        parts.into_iter().filter(|(allowed, _)| *allowed).map(|(_, name)| name).collect();
    join_with_and(&allowed)
}

/// The status of a link as a mark.
pub(in crate::web::console) fn status(link: &SetupLink, now: Timestamp) -> Markup {
    html! {
        @match link.status(now) {
            SetupLinkStatus::Open => { (mark(Icon::Note, "waits to be opened")) " until " (time(link.expires_at, now)) },
            SetupLinkStatus::Redeemed => { (mark(Icon::Good, "opened")) @if let Some(at) = link.redeemed_at { " " (time(at, now)) } },
            SetupLinkStatus::Expired => { (mark(Icon::Attention, "expired")) " " (time(link.expires_at, now)) },
            SetupLinkStatus::Revoked => { (mark(Icon::Bad, "revoked")) @if let Some(at) = link.revoked_at { " " (time(at, now)) } },
        }
    }
}

/// `GET …/setup-links`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let organization = load_organization(&context).await?;
    let place = context.place(&[]);
    let page =
        app::setup::links::list(&context.state, &context.principal, Some(organization.id), &place.query())
            .await?;
    let content = view(
        &page,
        &organization,
        &place,
        context.may(permissions::Action::SetupLinksManage),
        &|pattern, segments| context.href(pattern, segments),
        &context.csrf(),
        context.now(),
    );
    Ok(context
        .shell(Section::Organizations, "Setup links")
        .crumb(labels::organization(&organization), context.href(console::ORGANIZATION, &[&organization.id]))
        .respond(content))
}

/// The list.
pub(in crate::web::console) fn view(
    page: &Page<SetupLink>,
    organization: &Organization,
    place: &ListUrl,
    may_manage: bool,
    href: Href<'_>,
    csrf: &Markup,
    now: Timestamp,
) -> Markup {
    let new = href(console::NEW_SETUP_LINK, &[&organization.id]);
    let rows = page.items.iter().map(|link| {
        let revocable =
            may_manage && matches!(link.status(now), SetupLinkStatus::Open | SetupLinkStatus::Redeemed);
        vec![
            html! { (permissions(link)) },
            status(link, now),
            time(link.created_at, now),
            html! { @if revocable {
                form.inline method="post" action=(href(console::REVOKE_SETUP_LINK, &[&link.id])) {
                    (csrf)
                    button.button.small.danger type="submit" aria-label={ "Revoke " (link.id) } { "Revoke" }
                }
            } },
            copyable(&link.id.to_string(), "link id"),
        ]
    });
    let columns = [column("Permits"), column("State"), column("Made"), column(""), column("ID")];
    let list = List {
        caption: "Setup links",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.next_token,
        empty: html! {
            p { "A setup link lets the customer’s own IT admin connect its identity provider, step by step, without an account here." }
            @if may_manage { p { (link_button(ButtonStyle::Primary, "Create a link", &new)) } }
        },
    };
    html! {
        div.head-row {
            h1 { "Setup links" }
            @if may_manage && !page.items.is_empty() { div.actions { (link_button(ButtonStyle::Primary, "New setup link", &new)) } }
        }
        (list.view(place))
    }
}

/// `POST …/setup-links/{link}/revoke`
pub async fn revoke(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let id: SetupLinkId = context.id("link")?;
    let link = app::setup::links::revoke(&context.state, &context.principal, id).await?;
    Ok(see_other(
        &context.href(console::SETUP_LINKS, &[&link.organization_id]),
        Flash(ResourceKind::SetupLink, Action::Revoked),
    ))
}
