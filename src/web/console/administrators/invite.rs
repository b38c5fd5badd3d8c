//! `…/administrators/invite`: invites an administrator and shows the link once.

use actix_web::HttpResponse;
use base::time::Timestamp;
use maud::{Markup, html};
use model::{account::AdminInvitation, administrator::Role};
use strum::VariantArray;

use super::list::{EVERYWHERE, scope_of};
use crate::{
    app::{
        administrators::invitations::{self, InviteOutcome},
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            shell::Section,
        },
        kit::{
            components::{ButtonStyle, Icon, copyable, link_button, notice, time},
            error::PageResult,
            forms::{self, Choice, FormErrors, FormValues, FormView},
        },
    },
};

/// `GET …/administrators/invite`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::AdministratorsManage)?;
    let typed = FormValues::new().with("role", "admin").with("where", "here");
    Ok(invite_page(&context, &typed, &FormErrors::none()))
}

/// `POST …/administrators/invite`
pub async fn invite(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::AdministratorsManage)?;
    let typed = FormValues::from(&*form);
    let Ok(role) = form.text("role").parse() else {
        return Ok(invite_page(&context, &typed, &FormErrors::one("role", "choose one")));
    };
    let (scope, here) = (scope_of(&context, &form), context.environment.id);
    match invitations::create_by_mail(&context.state, &scope, form.text("email"), role, here).await {
        Ok(InviteOutcome::Added(_)) => Ok(see_other(
            &context.href(console::ADMINISTRATORS, &[]),
            Flash(ResourceKind::Administrator, Action::Added),
        )),
        Ok(InviteOutcome::Link(invitation, token)) => {
            let link = context.state.links.console_join(&token.reveal());
            let content = invitation_created(
                &invitation,
                link.as_str(),
                &context.href(console::ADMINISTRATORS, &[]),
                context.now(),
                context.state.settings.mail.is_some(),
            );
            Ok(context.shell(Section::Administrators, "Invited").respond(content))
        }
        Err(error) => Ok(invite_page(&context, &typed, &FormErrors::from_error(error)?)),
    }
}

fn invite_page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> HttpResponse {
    let view = FormView::new(typed, errors);
    let roles: Vec<_> = Role::VARIANTS
        .iter()
        .map(|role| Choice::new(role.as_str(), role.as_str(), role_permissions(*role)))
        .collect();
    let places = [
        Choice::new("here", "In this environment", ""),
        Choice::new(EVERYWHERE, "In every environment", "Those to come too."),
    ];
    let (action, back) =
        (context.href(console::INVITE_ADMINISTRATOR, &[]), context.href(console::ADMINISTRATORS, &[]));
    let is_sent = context.state.settings.mail.is_some();
    let (submit, hint) = match is_sent {
        true => ("Invite them", "They sign in with it. The invitation goes there in a letter."),
        false => ("Make the link", "They sign in with it. No mail is sent: you hand the link on yourself."),
    };
    let form = forms::Form::new(&action, submit, context.csrf()).cancel(&back);
    let fields = html! {
        (view.email("email", "E-mail address").hint(hint))
        (view.radios("role", "Role", &roles))
        @if context.principal.authorize_everywhere(permissions::Action::GlobalAdministratorsManage).is_ok() { (view.radios("where", "Where", &places)) }
    };
    context.shell(Section::Administrators, "Invite somebody").respond_with(
        errors.status(),
        html! {
            h1 { "Invite somebody" }
            @if let Some(first) = context.confirm_identity_notice("invite somebody") { (first) }
            section.card { (view.render(&form, fields)) }
        },
    )
}

/// The page that shows the invitation link once.
pub(in crate::web::console) fn invitation_created(
    invitation: &AdminInvitation,
    link: &str,
    back: &str,
    now: Timestamp,
    is_sent: bool,
) -> Markup {
    html! {
        h1 { "The invitation is made" }
        section.card {
            @if is_sent {
                (notice(Icon::Good, "A letter with the link is on its way", html! {
                    p { "The page of letters shows whether it arrived. If it does not, hand the link on yourself: it is shown only here, \
                         and whoever opens it first gets the account." }
                }))
            } @else {
                (notice(Icon::Attention, "This link is shown once", html! {
                    p { "Copy it now and hand it on where only the right person reads it: whoever opens it first gets the account." }
                }))
            }
            p { (copyable(link, "link")) }
            p.soft {
                @if let Some(email) = &invitation.email { "For " (email) ", " }
                "role " (invitation.grant.role.as_str()) ". It works once, until " (time(invitation.expires_at, now)) "."
            }
            div.actions { (link_button(ButtonStyle::Primary, "Done", back)) }
        }
    }
}

const fn role_permissions(role: Role) -> &'static str {
    match role {
        Role::Viewer => "May look at everything, and change nothing.",
        Role::Admin => "May change what is in it.",
        Role::Owner => "May change everything, and say who else may.",
    }
}
