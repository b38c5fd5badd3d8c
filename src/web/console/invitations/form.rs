//! `…/organizations/{organization}/invitations/new`: invites people, one address a line, and shows each link once.

use actix_web::HttpResponse;
use maud::{Markup, html};
use model::organization::Organization;

use super::{organization, shell};
use crate::{
    app::{
        Error,
        invitations::{self, Asked, How, Invited, InvitedMany},
        permissions,
    },
    links::console,
    web::{
        console::kit::{context::EnvironmentContext, form::ConsoleForm, labels},
        kit::{
            components::{ButtonStyle, Icon, copyable, link_button, mark, notice},
            error::PageResult,
            forms::{self, FormErrors, FormValues, FormView, lines, sentence, told},
        },
    },
};

/// The field with the addresses.
pub(in crate::web::console) const ADDRESSES: &str = "addresses";
/// The field with what they become.
pub(in crate::web::console) const ROLE: &str = "role";
/// The field with the hours for which the links are good.
pub(in crate::web::console) const HOURS: &str = "hours";

const ROLES: [(&str, &str); 2] = [("member", "Member"), ("admin", "Administrator")];
const LIFETIMES: [(&str, &str); 4] =
    [("24", "1 day"), ("72", "3 days"), ("168", "7 days"), ("720", "30 days")];

/// `GET …/invitations/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::MembersManage)?;
    let organization = organization(&context).await?;
    let typed = FormValues::new().with(ROLE, "member").with(HOURS, invitations::DEFAULT_HOURS);
    Ok(respond(&context, &organization, &typed, &FormErrors::none()))
}

/// `POST …/invitations/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::MembersManage)?;
    let organization = organization(&context).await?;
    let (role, hours) = (form.text(ROLE).to_owned(), form.text(HOURS).parse().unwrap_or_default());
    let asked: Vec<Asked> = lines(form.text(ADDRESSES))
        .into_iter()
        .map(|email| Asked { email, role: Some(role.clone()), expires_in_hours: Some(hours) })
        .collect();
    let how = How { send_email: true, resend: false };
    let made = match asked.is_empty() {
        true => Err(Error::invalid(ADDRESSES, "is required: one address a line")),
        false => {
            invitations::create_many(&context.state, &context.principal, organization.id, &asked, how).await
        }
    };
    match made {
        Ok(made) => Ok(respond_with_links(&context, &organization, made)),
        Err(error) => {
            let errors = match error {
                Error::Rule(rule) => FormErrors::one(ADDRESSES, &rule.text),
                error => FormErrors::from_error(error)?,
            };
            Ok(respond(&context, &organization, &FormValues::from(&*form), &errors))
        }
    }
}

fn respond(
    context: &EnvironmentContext,
    organization: &Organization,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let action = context.href(console::NEW_ORGANIZATION_INVITATION, &[&organization.id]);
    let back = context.href(console::ORGANIZATION_INVITATIONS, &[&organization.id]);
    let content = view(organization, &action, &back, context.csrf(), typed, errors);
    shell(context, organization, "Invite people").respond_with(errors.status(), content)
}

/// The form.
pub(in crate::web::console) fn view(
    organization: &Organization,
    action: &str,
    back: &str,
    csrf: Markup,
    typed: &FormValues,
    errors: &FormErrors,
) -> Markup {
    let view = FormView::new(typed, errors);
    let form = forms::Form::new(action, "Invite", csrf).cancel(back);
    let fields = html! {
        (view.textarea(ADDRESSES, "E-mail addresses", 6).hint("One address a line, 50 at most."))
        (view.select(ROLE, "What they become", &ROLES).hint("An administrator invites and removes members, and sets up sign-in, users and domains."))
        (view.select(HOURS, "How long the links are good", &LIFETIMES))
    };
    html! {
        h1 { "Invite people to " (labels::organization(organization)) }
        p { "Each gets a letter with a link, and accepts with the account that they have or with a new one." }
        section.card { (view.render(&form, fields)) }
    }
}

/// Shows what became of each, with its link.
pub(super) fn respond_with_links(
    context: &EnvironmentContext,
    organization: &Organization,
    made: InvitedMany,
) -> HttpResponse {
    let back = context.href(console::ORGANIZATION_INVITATIONS, &[&organization.id]);
    let content = links(organization, &back, context.state.settings.mail.is_some(), &made);
    shell(context, organization, "Invitation links").respond(content)
}

/// What became of each.
pub(in crate::web::console) fn links(
    organization: &Organization,
    back: &str,
    sends: bool,
    made: &[(String, Result<Invited, Error>)],
) -> Markup {
    let done = made.iter().filter(|(_, made)| made.is_ok()).count();
    html! {
        h1 { "Invitations to " (labels::organization(organization)) }
        @if done > 0 {
            @if sends {
                (notice(Icon::Good, "The letters are on their way", html! {
                    p { "The links below are shown only now. Hand one over yourself if a letter does not arrive." }
                }))
            } @else {
                (notice(Icon::Attention, "No letters are sent here", html! {
                    p { "The links below are shown only now: hand each to the one whom it is for." }
                }))
            }
        }
        section.card {
            ul.entries {
                @for (email, made) in made {
                    li.entry {
                        div {
                            strong { @if email.trim().is_empty() { "(no address)" } @else { (email) } } " "
                            @match made {
                                Ok(invited) => {
                                    (mark(Icon::Good, "invited"))
                                    p { (copyable(invited.accept_url.as_str(), "link")) }
                                }
                                Err(error) => {
                                    (mark(Icon::Bad, "not invited"))
                                    p.small { (why(error)) }
                                }
                            }
                        }
                    }
                }
            }
            div.actions { (link_button(ButtonStyle::Primary, "Done", back)) }
        }
    }
}

fn why(error: &Error) -> String {
    match error {
        Error::Invalid { field, reason } if field != "email" => told(field, reason),
        Error::Invalid { reason, .. } => sentence(reason),
        Error::Internal(_) => "Something failed on our side.".to_owned(),
        other => sentence(&other.to_string()),
    }
}
