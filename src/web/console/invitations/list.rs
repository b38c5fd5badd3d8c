//! `…/organizations/{organization}/invitations`: the invitations by what became of them.

use base::{id::OrganizationInvitationId, time::Timestamp};
use maud::{Markup, html};
use model::{
    organization::Organization,
    organization_invitation::{InvitationStatus, OrganizationInvitation},
};

use super::{form, organization, shell};
use crate::{
    app::{
        invitations::{self, InvitationsQuery},
        pagination::Page,
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            labels::{self, Href},
        },
        kit::{
            components::{ButtonStyle, Icon, copyable, link_button, mark, time},
            error::{PageError, PageResult},
            list::{List, ListUrl, column},
        },
    },
};

/// The filter by what became of them.
const STATUS: &str = "status";

/// How many a page shows.
const PAGE_SIZE: i64 = 25;

/// A list of invitations.
pub(in crate::web::console) struct InvitationsPage<'a> {
    pub organization: &'a Organization,
    pub invitations: &'a Page<OrganizationInvitation>,
    pub place: &'a ListUrl,
    pub href: Href<'a>,
    pub csrf: Markup,
    pub now: Timestamp,
}

/// `GET …/invitations`
pub async fn list(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::MembersManage)?;
    let organization = organization(&context).await?;
    let place = context.place(&[STATUS]);
    let query = InvitationsQuery {
        status: Some(place.filter(STATUS).to_owned()).filter(|text| !text.is_empty()),
        cursor: place.query().token,
        limit: PAGE_SIZE,
    };
    let page = invitations::list(&context.state, &context.principal, organization.id, &query).await?;
    let content = view(&InvitationsPage {
        organization: &organization,
        invitations: &page,
        place: &place,
        href: &|pattern, segments| context.href(pattern, segments),
        csrf: context.csrf(),
        now: context.now(),
    });
    Ok(shell(&context, &organization, "Invitations").respond(content))
}

/// What became of an invitation, as a mark.
pub(in crate::web::console) fn status(invitation: &OrganizationInvitation, now: Timestamp) -> Markup {
    html! {
        @match invitation.status(now) {
            InvitationStatus::Pending => { (mark(Icon::Note, "waits")) " until " (time(invitation.expires_at, now)) },
            InvitationStatus::Accepted => { (mark(Icon::Good, "accepted")) @if let Some(at) = invitation.accepted_at { " " (time(at, now)) } },
            InvitationStatus::Expired => { (mark(Icon::Attention, "expired")) " " (time(invitation.expires_at, now)) },
            InvitationStatus::Revoked => { (mark(Icon::Bad, "taken back")) @if let Some(at) = invitation.revoked_at { " " (time(at, now)) } },
        }
    }
}

/// The list.
pub(in crate::web::console) fn view(page: &InvitationsPage<'_>) -> Markup {
    let id = &page.organization.id;
    let new = (page.href)(console::NEW_ORGANIZATION_INVITATION, &[id]);
    let members = (page.href)(console::ORGANIZATION_MEMBERS, &[id]);
    let rows = page.invitations.items.iter().map(|invitation| {
        let is_pending = invitation.status(page.now) == InvitationStatus::Pending;
        let action = |pattern| (page.href)(pattern, &[id, &invitation.id]);
        vec![
            html! { (invitation.email) },
            html! { @if invitation.role.administers() { "Administrator" } @else { "Member" } },
            status(invitation, page.now),
            html! { (time(invitation.last_sent_at, page.now)) @if invitation.send_count > 1 { span.soft { ", " (invitation.send_count) " links" } } },
            html! { @if is_pending { div.actions {
                form.inline method="post" action=(action(console::RESEND_ORGANIZATION_INVITATION)) {
                    (page.csrf)
                    button.button.small type="submit" aria-label={ "Send again to " (invitation.email) } { "Send again" }
                }
                form.inline method="post" action=(action(console::REVOKE_ORGANIZATION_INVITATION)) {
                    (page.csrf)
                    button.button.small.danger type="submit" aria-label={ "Take back the invitation of " (invitation.email) } { "Take back" }
                }
            } } },
            copyable(&invitation.id.to_string(), "invitation id"),
        ]
    });
    let columns = [
        column("Address"),
        column("Becomes"),
        column("State"),
        column("Last link"),
        column(""),
        column("ID"),
    ];
    let list = List {
        caption: "Invitations",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.invitations.next_token,
        empty: html! {
            p { "Nobody is invited." }
            p { "Whoever is invited gets a letter with a link, and becomes a member with the account that they have or with a new one." }
            p { (link_button(ButtonStyle::Primary, "Invite somebody", &new)) }
        },
    };
    let states =
        [("pending", "Waiting"), ("accepted", "Accepted"), ("expired", "Expired"), ("revoked", "Taken back")];
    html! {
        div.head-row {
            h1 { "Invitations to " (labels::organization(page.organization)) }
            div.actions { (link_button(ButtonStyle::Primary, "Invite people", &new)) }
        }
        p { a href=(members) { "Members" } }
        (page.place.filter_form(&html! { (page.place.filter_select(STATUS, "State", "All", &states)) }, &[]))
        (list.view(page.place))
    }
}

/// `POST …/invitations/{invitation}/resend`: another link, which is shown once.
pub async fn resend(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let organization = organization(&context).await?;
    let id: OrganizationInvitationId = context.id("invitation")?;
    let sent = invitations::renew(&context.state, &context.principal, organization.id, id, true).await;
    let shown = match sent {
        Ok(invited) => (invited.invitation.email.to_string(), Ok(invited)),
        Err(error) => {
            let found = invitations::find(&context.state, &context.principal, organization.id, id).await?;
            (found.email.to_string(), Err(error))
        }
    };
    Ok(form::respond_with_links(&context, &organization, vec![shown]))
}

/// `POST …/invitations/{invitation}/revoke`
pub async fn revoke(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let organization = organization(&context).await?;
    let id: OrganizationInvitationId = context.id("invitation")?;
    invitations::revoke(&context.state, &context.principal, organization.id, id).await.map_err(PageError)?;
    let back = context.href(console::ORGANIZATION_INVITATIONS, &[&organization.id]);
    Ok(see_other(&back, Flash(ResourceKind::Invitation, Action::Revoked)))
}
