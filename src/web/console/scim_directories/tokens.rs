//! `…/scim-directories/{directory}/rotate`: replaces the bearer token, and the page that shows it once.

use std::time::Duration;

use base::id::ScimDirectoryId;
use maud::html;
use model::scim_directory::ScimDirectory;

use super::show::{load_organization, name};
use crate::{
    app,
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            shell::Section,
        },
        kit::{
            components::{copyable, facts},
            error::PageResult,
            forms::{self, Choice, FormErrors, FormValues, FormView},
            secret::SecretPanel,
        },
    },
};

/// How long replaced tokens stay valid, in seconds.
const OVERLAPS: [Choice<'static>; 3] = [
    Choice::new(
        "86400",
        "Replaced tokens work for one more day",
        "Time enough for the customer’s IT to enter the new one.",
    ),
    Choice::new("604800", "For one more week", ""),
    Choice::new(
        "0",
        "They stop working now",
        "If one of them may be in the wrong hands. Nothing arrives until the new one is entered.",
    ),
];

/// `GET …/scim-directories/{directory}/rotate`
pub async fn confirm_rotation(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let found = app::directories::find(&context.state, &context.actor, context.id("directory")?).await?;
    rotation_page(
        &context,
        &found.directory,
        &FormValues::new().with("overlapSeconds", "86400"),
        &FormErrors::none(),
    )
    .await
}

/// `POST …/scim-directories/{directory}/rotate`
pub async fn rotate(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let id: ScimDirectoryId = context.id("directory")?;
    let Ok(seconds) = form.text("overlapSeconds").parse() else {
        let found = app::directories::find(&context.state, &context.actor, id).await?;
        let errors = FormErrors::one("overlapSeconds", "choose one of these");
        return rotation_page(&context, &found.directory, &FormValues::from(&*form), &errors).await;
    };
    token_page(&context, id, Duration::from_secs(seconds)).await
}

async fn rotation_page(
    context: &EnvironmentContext,
    directory: &ScimDirectory,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let organization = load_organization(context, directory).await?;
    let (action, back) = (
        context.href(console::ROTATE_SCIM_DIRECTORY, &[&directory.id]),
        context.href(console::SCIM_DIRECTORY, &[&directory.id]),
    );
    let view = FormView::new(typed, errors);
    let form = forms::Form::new(&action, "Make a new token", context.csrf()).cancel(&back);
    Ok(context
        .shell(Section::Directories, "New bearer token")
        .crumb(name(directory, &organization), &back)
        .respond_with(errors.status(), html! {
            h1 { "New bearer token" }
            section.card { (view.render(&form, html! { (view.radios("overlapSeconds", "Tokens that it replaces", &OVERLAPS)) })) }
        }))
}

pub(super) async fn token_page(
    context: &EnvironmentContext,
    id: ScimDirectoryId,
    overlap: Duration,
) -> PageResult {
    let token = app::directories::rotate(&context.state, &context.actor, id, overlap).await?;
    let described = app::directories::find(&context.state, &context.actor, id).await?;
    let onward = context.href(console::SCIM_DIRECTORY, &[&id]);
    let panel = SecretPanel {
        name: "bearer token",
        value: &token.reveal(),
        about: "The customer’s IT enters it beside the URL. Whoever holds it can push and remove this organization’s people.",
        next_url: &onward,
    };
    Ok(context.shell(Section::Directories, "Bearer token").respond(html! {
        h1 { "Bearer token" }
        section.card.stack {
            (facts(&[("Tenant URL (SCIM connector base URL)", copyable(&described.directory.scim_base_url, "SCIM base URL"))]))
            (panel.view())
        }
    }))
}

/// `POST …/scim-directories/{directory}/end-overlap`
pub async fn end_overlap(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let id: ScimDirectoryId = context.id("directory")?;
    app::directories::end_overlap(&context.state, &context.actor, id).await?;
    Ok(see_other(
        &context.href(console::SCIM_DIRECTORY, &[&id]),
        Flash(ResourceKind::OldTokens, Action::Ended),
    ))
}
