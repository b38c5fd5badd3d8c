//! `…/scim-directories/{directory}/rotate`: replaces the bearer token, and the page that shows it once.

use std::time::Duration;

use base::id::ScimDirectoryId;
use maud::html;
use model::{entity_tag::EntityTags, scim_directory::ScimDirectory};

use super::show::{load_organization, name};
use crate::{
    app::{self, Error, permissions, resource},
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
            error::{PageError, PageResult},
            forms::{self, Choice, FormErrors, FormValues, FormView},
            secret::SecretPanel,
            seen::Seen,
        },
    },
};

const CHANGED: &str = "Somebody changed this directory or its tokens while this page was open. No token was made: look at \
                       the directory first, or make one all the same.";

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
    context.require(permissions::Action::ScimDirectoriesManage)?;
    let typed = FormValues::new().with("overlapSeconds", "86400");
    rotation_page(&context, &typed, &FormErrors::none()).await
}

/// `POST …/scim-directories/{directory}/rotate`
pub async fn rotate(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::ScimDirectoriesManage)?;
    let typed = FormValues::from(&*form);
    let Ok(seconds) = form.text("overlapSeconds").parse() else {
        let errors = FormErrors::one("overlapSeconds", "choose one of these");
        return rotation_page(&context, &typed, &errors).await;
    };
    let expected = Seen::posted(&form).expected();
    let id = context.id("directory")?;
    match token_page(&context, id, Some(&expected), Duration::from_secs(seconds)).await {
        Err(PageError(Error::Outdated { .. })) => {
            rotation_page(&context, &typed, &FormErrors::one("", CHANGED)).await
        }
        answer => answer,
    }
}

async fn rotation_page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> PageResult {
    let directory: ScimDirectory =
        resource::find(&context.state, &context.principal, context.id("directory")?).await?;
    let organization = load_organization(context, &directory).await?;
    let (action, back) = (
        context.href(console::ROTATE_SCIM_DIRECTORY, &[&directory.id]),
        context.href(console::SCIM_DIRECTORY, &[&directory.id]),
    );
    let view = FormView::new(typed, errors);
    let seen = Seen::of(directory.version, &FormValues::new());
    let form =
        forms::Form::new(&action, "Make a new token", context.csrf()).cancel(&back).seen(seen.fields());
    Ok(context
        .shell(Section::Directories, "New bearer token")
        .crumb(name(&directory, &organization), &back)
        .respond_with(errors.status(), html! {
            h1 { "New bearer token" }
            section.card { (view.render(&form, html! { (view.radios("overlapSeconds", "Tokens that it replaces", &OVERLAPS)) })) }
        }))
}

pub(super) async fn token_page(
    context: &EnvironmentContext,
    id: ScimDirectoryId,
    expected: Option<&EntityTags>,
    overlap: Duration,
) -> PageResult {
    let token = app::directories::rotate(&context.state, &context.principal, id, expected, overlap).await?;
    let directory: ScimDirectory = resource::find(&context.state, &context.principal, id).await?;
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
            (facts(&[("Tenant URL (SCIM connector base URL)", copyable(&directory.scim_base_url, "SCIM base URL"))]))
            (panel.view())
        }
    }))
}

/// `POST …/scim-directories/{directory}/end-overlap`
pub async fn end_overlap(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::ScimDirectoriesManage)?;
    let id: ScimDirectoryId = context.id("directory")?;
    let expected = Seen::posted(&form).expected();
    app::directories::end_overlap(&context.state, &context.principal, id, Some(&expected)).await?;
    Ok(see_other(
        &context.href(console::SCIM_DIRECTORY, &[&id]),
        Flash(ResourceKind::OldTokens, Action::Ended),
    ))
}
