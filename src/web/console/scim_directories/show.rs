//! `/console/{environment}/scim-directories/{directory}`: a SCIM directory with its URL, bearer tokens, usage
//! and login rules; creates, edits, rotates tokens, and deletes.

use std::time::Duration;

use actix_web::HttpResponse;
use maud::{Markup, html};

use super::tabs::{Tab, tabs};
use crate::{
    app::{
        self,
        directories::{
            ScimDirectoryChange, ScimDirectoryView,
            usage::{DAILY_RESET_NOTE, DAY_BYTES, Quota},
        },
    },
    links::console,
    model::{
        id::{OrganizationId, ScimDirectoryId},
        organization::Organization,
        scim_directory::ScimDirectory,
        time::Timestamp,
    },
    web::{
        console::{
            audit_events::list::Href,
            kit::{
                context::EnvironmentContext,
                flash::{Action, Flash, ResourceKind, see_other},
                labels,
                session::ConsoleForm,
                shell::Section,
            },
        },
        kit::{
            components::{ButtonStyle, Icon, copyable, facts, link_button, mark, notice, time},
            confirm::{self, DeleteConfirmation},
            error::{PageError, PageResult},
            forms::{self, Choice, FormErrors, FormValues, FormView, button_form},
            posted::PostedForm,
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

fn name(directory: &ScimDirectory, organization: &Organization) -> String {
    format!("Directory of {}", labels::organization(organization))
        + if directory.primary { "" } else { " (not primary)" }
}

async fn load_organization(
    context: &EnvironmentContext,
    directory: &ScimDirectory,
) -> Result<Organization, PageError> {
    Ok(app::organizations::find(&context.state, &context.actor, directory.organization_id).await?)
}

/// `POST …/organizations/{organization}/scim-directories/new`: creates a directory with the default settings
/// and shows its first token.
pub async fn create(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let organization: OrganizationId = context.id("organization")?;
    let first = app::pagination::PageQuery { token: None, size: Some("1".to_owned()) };
    let others = app::directories::list(&context.state, &context.actor, organization, &first).await?;
    let change =
        ScimDirectoryChange { primary: Some(others.items.is_empty()), ..ScimDirectoryChange::default() };
    let made = app::directories::create(&context.state, &context.actor, organization, &change).await?;
    token_page(&context, made.directory.id, Duration::ZERO).await
}

/// `GET …/scim-directories/{directory}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let described = app::directories::find(&context.state, &context.actor, context.id("directory")?).await?;
    let organization = load_organization(&context, &described.directory).await?;
    let content = view(
        &described,
        &context.state.settings.scim_quotas.directory,
        &organization,
        context.may_manage(),
        &|pattern, segments| context.href(pattern, segments),
        context.csrf(),
        context.now(),
    );
    Ok(context.shell(Section::Directories, &name(&described.directory, &organization)).respond(content))
}

/// The page.
pub(in crate::web::console) fn view(
    described: &ScimDirectoryView,
    quota: &Quota,
    organization: &Organization,
    may_manage: bool,
    href: Href<'_>,
    csrf: Markup,
    now: Timestamp,
) -> Markup {
    let directory = &described.directory;
    let id = &directory.id;
    let overlapping = described.tokens.iter().any(|token| token.expires_at.is_some());
    let yes_no = |yes: bool| html! { @if yes { "yes" } @else { "no" } };
    html! {
        (tabs(directory.environment_id, *id, Tab::Directory))
        div.head-row {
            h1 { (name(directory, organization)) }
            @if may_manage {
                div.actions {
                    (link_button(ButtonStyle::Plain, "Edit", &href(console::EDIT_SCIM_DIRECTORY, &[id])))
                    (link_button(ButtonStyle::Danger, "Delete", &href(console::DELETE_SCIM_DIRECTORY, &[id])))
                }
            }
        }
        section.card {
            h2 { "What the customer’s IT enters" }
            (facts(&[
                ("Tenant URL (SCIM connector base URL)", copyable(&directory.scim_base_url, "SCIM base URL")),
                ("Authentication", html! { "HTTP header, OAuth bearer token" }),
                ("Secret token", html! { span.soft { "one of those below; each was shown once" } }),
                ("Unique identifier of people", html! { code { "userName" } }),
            ]))
        }
        section.card {
            div.head-row {
                h2 { "Bearer tokens" }
                @if may_manage {
                    div.actions {
                        a.button.small href=(href(console::ROTATE_SCIM_DIRECTORY, &[id])) { "New token" }
                        @if overlapping {
                            (button_form(&href(console::END_SCIM_OVERLAP, &[id]), "End replaced tokens now", ButtonStyle::Danger, csrf))
                        }
                    }
                }
            }
            @if described.tokens.is_empty() {
                (notice(Icon::Attention, "Nothing can arrive yet", html! { p { "This directory has no token. Make one, and give it to the customer’s IT." } }))
            }
            ul.rows {
                @for token in &described.tokens {
                    li {
                        span {
                            "Made " (time(token.created_at, now))
                            @match token.last_used_at {
                                Some(at) => { ", last used " (time(at, now)) },
                                None => ", never used",
                            }
                        }
                        @match token.expires_at {
                            Some(at) => (mark(Icon::Attention, &format!("replaced, works until {}", crate::web::kit::components::exact(at)))),
                            None => (mark(Icon::Good, "current")),
                        }
                    }
                }
            }
        }
        section.card {
            h2 { "Usage" }
            @let near = quota.near(&described.usage);
            @if !near.is_empty() {
                (notice(Icon::Attention, "Nearly or wholly used up", html! {
                    p {
                        "Little or nothing is left of: "
                        (near.iter().map(|name| usage_label(name)).collect::<Vec<_>>().join(", "))
                        ". Once used up, what would add to it is refused with 403; deactivating and deleting still work. "
                        @if near.contains(&DAY_BYTES) { (DAILY_RESET_NOTE) " " }
                        "The settings " code { "scim.directory_…" } " raise the quota."
                    }
                }))
            }
            (facts(&quota.parts(&described.usage).map(|(name, used, most)| {
                (usage_label(name), html! { (amount(name, used)) " of " (amount(name, most)) })
            })))
        }
        section.card {
            h2 { "Settings" }
            (facts(&[
                ("Organization", html! { a href=(href(console::ORGANIZATION, &[&organization.id])) { (labels::organization(organization)) } }),
                ("Primary", yes_no(directory.primary)),
                ("Refuse logins of people it knows as inactive", yes_no(directory.refuse_inactive_logins)),
                ("Let in only people it knows", yes_no(directory.require_provisioned_logins)),
                ("Secondary addresses of foreign domains", yes_no(directory.allow_foreign_secondary_emails)),
                ("Created", time(directory.created_at, now)),
                ("ID", copyable(&id.to_string(), "directory id")),
            ]))
        }
    }
}

fn usage_label(name: &str) -> &'static str {
    match name {
        "users" => "Users",
        "groups" => "Groups",
        "bytes stored" => "Stored",
        _ => "Written today (UTC)",
    }
}

/// A count, or bytes in the largest unit that gives at least 1.
fn amount(name: &str, number: i64) -> String {
    const UNITS: [(&str, i64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    if !name.starts_with("bytes") {
        return number.to_string();
    }
    match UNITS.into_iter().find(|(_, size)| number >= *size) {
        Some((unit, size)) => format!("{}.{} {unit}", number / size, number % size * 10 / size),
        None => format!("{number} bytes"),
    }
}

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

async fn token_page(context: &EnvironmentContext, id: ScimDirectoryId, overlap: Duration) -> PageResult {
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

/// `GET …/scim-directories/{directory}/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let found = app::directories::find(&context.state, &context.actor, context.id("directory")?).await?;
    let directory = &found.directory;
    let typed = FormValues::new()
        .with_flag("primary", directory.primary)
        .with_flag("refuseInactiveLogins", directory.refuse_inactive_logins)
        .with_flag("requireProvisionedLogins", directory.require_provisioned_logins)
        .with_flag("allowForeignSecondaryEmails", directory.allow_foreign_secondary_emails);
    edit_page(&context, directory, &typed, &FormErrors::none()).await
}

/// `POST …/scim-directories/{directory}/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let id: ScimDirectoryId = context.id("directory")?;
    match app::directories::update(&context.state, &context.actor, id, &change(&form)).await {
        Ok(_) => Ok(see_other(
            &context.href(console::SCIM_DIRECTORY, &[&id]),
            Flash(ResourceKind::ScimDirectory, Action::Saved),
        )),
        Err(error) => {
            let errors = FormErrors::from_error(error)?;
            let found = app::directories::find(&context.state, &context.actor, id).await?;
            edit_page(&context, &found.directory, &FormValues::from(&*form), &errors).await
        }
    }
}

fn change(form: &PostedForm) -> ScimDirectoryChange {
    ScimDirectoryChange {
        primary: Some(form.flag("primary")),
        allow_foreign_secondary_emails: Some(form.flag("allowForeignSecondaryEmails")),
        refuse_inactive_logins: Some(form.flag("refuseInactiveLogins")),
        require_provisioned_logins: Some(form.flag("requireProvisionedLogins")),
        idp_kind: None,
    }
}

async fn edit_page(
    context: &EnvironmentContext,
    directory: &ScimDirectory,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let organization = load_organization(context, directory).await?;
    let (action, back) = (
        context.href(console::EDIT_SCIM_DIRECTORY, &[&directory.id]),
        context.href(console::SCIM_DIRECTORY, &[&directory.id]),
    );
    let view = FormView::new(typed, errors);
    let fields = html! {
        (view.checkbox("primary", "Primary directory of the organization")
            .hint("Your app means it when it names the organization only. At most one is primary."))
        (view.checkbox("refuseInactiveLogins", "Refuse logins of people that it knows as inactive or deleted")
            .hint("Whoever leaves the company is out at once, even while the identity provider still signs them in."))
        (view.checkbox("requireProvisionedLogins", "Let in only people that it knows as active")
            .hint("Nobody signs in before the directory has pushed them."))
        (view.checkbox("allowForeignSecondaryEmails", "Take secondary addresses of foreign domains")
            .hint("The first address of a person must always be of one of the organization’s domains."))
    };
    let form = forms::Form::new(&action, "Save", context.csrf()).cancel(&back);
    Ok(context
        .shell(Section::Directories, "Edit directory")
        .crumb(name(directory, &organization), &back)
        .respond_with(
            errors.status(),
            html! {
                h1 { "Edit directory" }
                section.card { (view.render(&form, fields)) }
            },
        ))
}

/// `GET …/scim-directories/{directory}/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let found = app::directories::find(&context.state, &context.actor, context.id("directory")?).await?;
    confirm_page(&context, &found, &FormValues::new(), &FormErrors::none()).await
}

/// `POST …/scim-directories/{directory}/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let id: ScimDirectoryId = context.id("directory")?;
    let found = app::directories::find(&context.state, &context.actor, id).await?;
    let organization = load_organization(&context, &found.directory).await?;
    let typed = form.text(confirm::FIELD);
    let removed = match confirm::check(typed, &labels::organization(&organization)) {
        Ok(()) => app::directories::remove(&context.state, &context.actor, id).await,
        wrong => wrong,
    };
    match removed {
        Ok(()) => Ok(see_other(
            &context.href(console::ORGANIZATION, &[&organization.id]),
            Flash(ResourceKind::ScimDirectory, Action::Deleted),
        )),
        Err(error) => {
            confirm_page(&context, &found, &FormValues::from(&*form), &FormErrors::from_error(error)?).await
        }
    }
}

async fn confirm_page(
    context: &EnvironmentContext,
    described: &ScimDirectoryView,
    typed: &FormValues,
    errors: &FormErrors,
) -> Result<HttpResponse, PageError> {
    let directory = &described.directory;
    let organization = load_organization(context, directory).await?;
    let back = context.href(console::SCIM_DIRECTORY, &[&directory.id]);
    let mut effects = vec![
        "Its people and groups are gone from here, and your app no longer finds them.".to_owned(),
        "The customer’s identity provider is refused from its next call on; a new directory has another URL and token.".to_owned(),
        "Its request log goes with it. The events that your app was told stay.".to_owned(),
    ];
    if directory.refuse_inactive_logins || directory.require_provisioned_logins {
        effects.push(
            "Logins are no longer checked against it: everybody whom the identity provider authenticates is signed in."
                .to_owned(),
        );
    }
    let deletion = DeleteConfirmation {
        kind: "directory",
        name: &labels::organization(&organization),
        effects: &effects,
        action: &context.href(console::DELETE_SCIM_DIRECTORY, &[&directory.id]),
        cancel: &back,
    };
    Ok(context
        .shell(Section::Directories, "Delete directory")
        .crumb(name(directory, &organization), &back)
        .respond_with(errors.status(), deletion.view(typed, errors, context.csrf())))
}
