//! The page that asks before an organization's administrator takes a right of their own from themselves.

use actix_web::HttpResponse;
use base::id::OrganizationId;
use maud::{Markup, html};

use super::{
    context::EnvironmentContext, form::ConsoleForm, permission_choices::meaning, session::FORM_TOKEN,
};
use crate::{
    app::roles::{self, Lost, Without},
    web::kit::{
        components::{ButtonStyle, Icon, link_button, notice},
        error::PageError,
    },
};

/// The field that says that the page was read.
const CONFIRMED: &str = "confirmLoss";

/// What is about to be done.
pub(in crate::web::console) struct Step<'a> {
    /// The form that does it.
    pub form: &'a ConsoleForm,
    /// Its path.
    pub action: &'a str,
    /// Where whoever does not want to goes back.
    pub cancel: &'a str,
}

/// The page, where the caller would lose a right of their own by this; `None`: they do not, or have read it.
pub(in crate::web::console) async fn ask(
    context: &EnvironmentContext,
    organization_id: OrganizationId,
    without: Without<'_>,
    step: &Step<'_>,
) -> Result<Option<HttpResponse>, PageError> {
    if step.form.flag(CONFIRMED) || context.delegate().is_none() {
        return Ok(None);
    }
    let lost = roles::lost_without(&context.state, &context.principal, organization_id, without).await?;
    if lost.permissions.is_empty() {
        return Ok(None);
    }
    Ok(Some(answer(context, step, rights(&lost))))
}

/// The page, where the caller is about to end their own account; `None`: it is another's, or they have read it.
pub(in crate::web::console) fn ask_about_own_account(
    context: &EnvironmentContext,
    user: base::id::UserId,
    step: &Step<'_>,
) -> Option<HttpResponse> {
    let is_own = context.delegate().is_some_and(|current| current.is(user));
    if !is_own || step.form.flag(CONFIRMED) {
        return None;
    }
    let content = html! {
        p { "This is your own account. You are signed out at once, and cannot sign in any more: somebody else who administers the organization would have to let you in again." }
    };
    Some(answer(context, step, content))
}

fn answer(context: &EnvironmentContext, step: &Step<'_>, content: Markup) -> HttpResponse {
    let shell = context.plain_shell("You take this from yourself");
    shell.respond(view(step.form.fields(), step.action, step.cancel, context.csrf(), content))
}

/// The page with everything that was sent, to be sent again.
pub(in crate::web::console) fn view(
    fields: &[(String, String)],
    action: &str,
    cancel: &str,
    csrf: Markup,
    content: Markup,
) -> Markup {
    let sent = fields.iter().filter(|(name, _)| name != FORM_TOKEN && name != CONFIRMED);
    html! {
        h1 { "You take this from yourself" }
        (notice(Icon::Attention, "You cannot undo it yourself", content))
        form.form method="post" action=(action) {
            (csrf)
            @for (name, value) in sent { input type="hidden" name=(name) value=(value); }
            div.actions {
                button.button.danger type="submit" name=(CONFIRMED) value="true" { "Do it all the same" }
                (link_button(ButtonStyle::Plain, "Go back", cancel))
            }
        }
    }
}

/// What is lost, in words.
pub(in crate::web::console) fn rights(lost: &Lost) -> Markup {
    html! {
        @if lost.is_all {
            p { "You would not administer this organization any more: these pages close for you at once. Only somebody else who administers it, or the vendor, can give you a role again." }
        } @else {
            p { "These pages would not let you do this any more. Only somebody else who may can give it back to you." }
        }
        ul { @for permission in &lost.permissions { li { (meaning(permission)) } } }
    }
}
