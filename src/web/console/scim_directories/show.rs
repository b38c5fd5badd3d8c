//! `/console/{environment}/scim-directories/{directory}`: a SCIM directory with its URL, bearer tokens, usage
//! and login rules; creates, edits, rotates tokens, and deletes.

use base::time::Timestamp;
use maud::{Markup, html};
use model::{organization::Organization, scim_directory::ScimDirectory};

use super::tabs::{Tab, tabs};
use crate::{
    app::{
        self,
        directories::{
            ScimDirectoryView,
            quota::{DAILY_RESET_NOTE, DAY_BYTES, Quota},
        },
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            labels::{self, Href},
            shell::Section,
        },
        kit::{
            components::{self, ButtonStyle, Icon, copyable, facts, link_button, mark, notice, time},
            error::{PageError, PageResult},
            forms::{FormValues, button_form},
            seen::Seen,
        },
    },
};

pub(super) fn name(directory: &ScimDirectory, organization: &Organization) -> String {
    format!("Directory of {}", labels::organization(organization))
        + if directory.primary { "" } else { " (not primary)" }
}

pub(super) async fn load_organization(
    context: &EnvironmentContext,
    directory: &ScimDirectory,
) -> Result<Organization, PageError> {
    Ok(app::resource::find(&context.state, &context.principal, directory.organization_id).await?)
}

/// `GET …/scim-directories/{directory}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let described =
        app::directories::find(&context.state, &context.principal, context.id("directory")?).await?;
    let organization = load_organization(&context, &described.directory).await?;
    let content = view(
        &described,
        &context.state.settings.scim_quotas.directory,
        &organization,
        context.may(permissions::Action::ScimDirectoriesManage),
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
    let seen = Seen::of(directory.version, &FormValues::new()).fields();
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
        @if organization.is_disabled() {
            (labels::switched_off_notice("directory’s organization", "SCIM requests to this directory are refused meanwhile.",
                may_manage.then(|| href(console::EDIT_ORGANIZATION, &[&organization.id])).as_deref()))
        }
        @if directory.disabled {
            (labels::switched_off_notice("directory", "SCIM requests are refused. The people it holds are kept, and still count for logins.",
                may_manage.then(|| href(console::EDIT_SCIM_DIRECTORY, &[id])).as_deref()))
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
                            (button_form(&href(console::END_SCIM_OVERLAP, &[id]), "End replaced tokens now", ButtonStyle::Danger, html! { (csrf) (seen) }))
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
                            Some(at) => (mark(Icon::Attention, &format!("replaced, works until {}", components::exact(at)))),
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
                ("People without an e-mail address", yes_no(directory.allow_users_without_email)),
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
