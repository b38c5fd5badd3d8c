//! `…/organizations/{organization}/checklist`: what is to be done before an organization is in order, and what is done.

use maud::{Markup, html};
use model::organization::Organization;

use super::{shell, standing};
use crate::{
    app::members::checklist::{self, Step},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            labels::{self, Href},
        },
        kit::{
            components::{Icon, mark},
            error::PageResult,
        },
    },
};

/// `GET …/checklist`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let standing = standing(&context).await?;
    let steps = checklist::checklist(&context.state, &standing).await?;
    let is_vendor = context.delegate().is_none();
    let href = |pattern: &str, segments: &[&dyn std::fmt::Display]| context.href(pattern, segments);
    let content = view(&standing.organization, &steps, is_vendor, &href);
    Ok(shell(&context, &standing.organization, "Checklist").respond(content))
}

/// What a step is called, and why it is taken.
const fn words(step: Step) -> (&'static str, &'static str) {
    match step {
        Step::Owner => (
            "An owner",
            "The owner answers for the organization: only they hand it over, enforce single sign-on or delete it.",
        ),
        Step::SecondAdministrator => (
            "A second administrator",
            "One person can fall ill or leave. Invite somebody else who administers it too.",
        ),
        Step::SecondFactor => (
            "A second factor for those who administer it",
            "A stolen password alone is not to change the organization. A setting of the organization asks for it.",
        ),
        Step::Domain => (
            "A domain that is proved",
            "It shows which addresses are the organization’s: sign-in is sent to its identity provider by it.",
        ),
        Step::SingleSignOn => (
            "Single sign-on",
            "The identity provider is connected and switched on, so that people sign in with their company’s account.",
        ),
        Step::Tested => (
            "Single sign-on tested",
            "Somebody who does not administer the organization has signed in by it, before it is the only way in.",
        ),
        Step::BreakGlass => (
            "A break-glass administrator",
            "Somebody who administers it can sign in with a password and a second factor when the identity provider fails.",
        ),
        Step::Directory => (
            "User provisioning",
            "The directory pushes users, so that whoever leaves the company loses access by that.",
        ),
    }
}

/// The page.
pub(in crate::web::console) fn view(
    organization: &Organization,
    steps: &[(Step, bool)],
    is_vendor: bool,
    href: Href<'_>,
) -> Markup {
    let id = &organization.id;
    let done = steps.iter().filter(|(_, done)| *done).count();
    let invite = href(console::NEW_ORGANIZATION_INVITATION, &[id]);
    let members = href(console::ORGANIZATION_MEMBERS, &[id]);
    // Whoever administers it from within sets up on the first page.
    let home = match is_vendor {
        true => href(console::ORGANIZATION, &[id]),
        false => href(console::OVERVIEW, &[]),
    };
    let edit = href(console::EDIT_ORGANIZATION, &[id]);
    let link = |step: Step| -> Option<(&'static str, &str)> {
        Some(match step {
            Step::Owner | Step::BreakGlass => ("Members", members.as_str()),
            Step::SecondAdministrator => ("Invite somebody", invite.as_str()),
            Step::SecondFactor if is_vendor => ("Settings", edit.as_str()),
            Step::SecondFactor => return None,
            Step::Domain | Step::SingleSignOn | Step::Tested | Step::Directory => {
                ("Set it up", home.as_str())
            }
        })
    };
    html! {
        h1 { "Checklist of " (labels::organization(organization)) }
        p { (done) " of " (steps.len()) " steps are done." }
        section.card {
            ol.entries {
                @for (step, done) in steps {
                    @let (title, why) = words(*step);
                    li.entry {
                        div {
                            strong { (title) } " "
                            @if *done { (mark(Icon::Good, "done")) } @else { (mark(Icon::Attention, "missing")) }
                            p.small.soft { (why) }
                        }
                        @if !*done {
                            @if let Some((label, href)) = link(*step) {
                                a.button.small href=(href) { (label) span.visually-hidden { " for " (title) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
