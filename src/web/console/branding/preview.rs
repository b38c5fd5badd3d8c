//! `…/branding/preview`: the branding on a sample of a setup page.

use maud::{Markup, html};
use model::branding::Branding;

use super::form::logo;
use crate::{
    app,
    links::{self, console},
    web::{
        console::kit::context::{EnvironmentContext, environment_name},
        kit::{
            components::{ButtonStyle, Icon, button, mark},
            error::PageResult,
            layout::Layout,
            response::{self, PagePolicy},
        },
    },
};

/// `GET …/branding/preview`: an example page with the branding.
pub async fn preview(context: EnvironmentContext) -> PageResult {
    let branding =
        app::environments::branding::find(&context.state, &context.principal, context.environment.id).await?;
    let content = preview_view(
        &branding,
        environment_name(&context.environment),
        &context.href(console::BRANDING, &[]),
    );
    Ok(response::page(actix_web::http::StatusCode::OK, PagePolicy::SameOriginForms, content))
}

/// An example page in the vendor's colours.
pub(in crate::web::console) fn preview_view(branding: &Branding, environment: &str, back: &str) -> Markup {
    let name = branding.application_name.as_deref().unwrap_or(environment);
    Layout::narrow("Preview of your branding").render(html! {
        // Allowed in a body (HTML §4.2.4, "body-ok"), and after our own stylesheet, so that it wins.
        link rel="stylesheet" href=(links::branding_style(branding.environment_id, &branding.style_version()));
        section.card.stack {
            (logo(branding))
            p.eyebrow { (name) }
            h1 { "Connect your identity provider" }
            p { "An example of what the IT admins of your customers see, with " a href=(back) { "a link" } " and a step that is done." }
            p { (mark(Icon::Good, "Your identity provider is connected")) }
            // The form only links back.
            form method="get" action=(back) { (button(ButtonStyle::Primary, "Back to branding")) }
            @if let Some(contact) = &branding.support_contact { p.small.soft { "Questions? " (contact) } }
        }
    })
}
