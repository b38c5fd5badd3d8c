//! Users of the organization above who are invited into an organization: which invitations are open, and taking them back.

use base::{id::OrganizationId, time::Timestamp};
use maud::{Markup, html};

use crate::{
    app::{
        Error,
        guests::{self, GuestView},
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            labels::Href,
        },
        kit::{
            components::time,
            error::{PageError, PageResult},
        },
    },
};

/// The field with the invitation that is taken back.
const REMOVE: &str = "remove";

/// The open invitations of an organization, where the caller may see them.
pub(in crate::web::console) async fn open(
    context: &EnvironmentContext,
    id: OrganizationId,
) -> Result<Vec<GuestView>, Error> {
    match context.may(permissions::Action::GuestsView) {
        true => guests::list(&context.state, &context.principal, id, Some(false)).await,
        false => Ok(Vec::new()),
    }
}

/// `POST …/organizations/{organization}/guest-invitations`: takes one back.
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::GuestsManage)?;
    let organization: OrganizationId = context.id("organization")?;
    let text = form.text(REMOVE);
    let id = text
        .parse()
        .map_err(|_| PageError(Error::not_found("invitation", crate::app::input::quoted(text))))?;
    guests::remove(&context.state, &context.principal, organization, id).await?;
    let there = context.href(console::ORGANIZATION, &[&organization]);
    Ok(see_other(&there, Flash(ResourceKind::Invitation, Action::Revoked)))
}

/// The invitations: who, with which roles, and until when.
pub(in crate::web::console) fn list(
    invitations: &[GuestView],
    organization: OrganizationId,
    may_manage: bool,
    href: Href<'_>,
    csrf: &Markup,
    now: Timestamp,
) -> Markup {
    let action = href(console::GUEST_INVITATIONS, &[&organization]);
    html! {
        ul.entries {
            @for view in invitations {
                @let name = name(view);
                li.entry {
                    div {
                        strong { (name) }
                        p.small.soft {
                            @if view.roles.is_empty() && view.groups.is_empty() { "without a role" }
                            @else { (grants(view)) }
                            ", until " (time(view.invitation.expires_at, now))
                        }
                    }
                    @if may_manage {
                        form.inline method="post" action=(action) {
                            (csrf)
                            input type="hidden" name=(REMOVE) value=(view.invitation.id);
                            button type="submit" class="button small danger" {
                                "Take back" span.visually-hidden { " (" (name) ")" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn name(view: &GuestView) -> String {
    match (view.user_name.as_str(), &view.email) {
        ("", None) => view.invitation.user_id.to_string(),
        ("", Some(email)) => email.clone(),
        (name, Some(email)) if name != email => format!("{name} ({email})"),
        (name, _) => name.to_owned(),
    }
}

fn grants(view: &GuestView) -> String {
    let roles = view.roles.iter().map(|role| role.name().to_owned());
    let groups = view.groups.iter().map(|(_, name)| format!("the group {name}"));
    roles.chain(groups).collect::<Vec<_>>().join(", ")
}
