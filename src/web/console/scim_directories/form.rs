//! Creating and editing a directory.

use std::time::Duration;

use base::id::{OrganizationId, ScimDirectoryId};
use maud::html;
use model::scim_directory::ScimDirectory;

use super::{
    show::{load_organization, name},
    tokens::token_page,
};
use crate::{
    app::{self, directories::ScimDirectoryChange, permissions, resource},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            shell::Section,
        },
        kit::{
            error::PageResult,
            forms::{self, FormErrors, FormValues, FormView},
            seen::{FormAgain, Seen},
        },
    },
};

/// `POST …/organizations/{organization}/scim-directories/new`: creates a directory with the default settings
/// and shows its first token.
pub async fn create(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let organization: OrganizationId = context.id("organization")?;
    let first = app::pagination::PageQuery { token: None, size: Some("1".to_owned()) };
    let others = app::directories::list(&context.state, &context.principal, organization, &first).await?;
    let change =
        ScimDirectoryChange { primary: Some(others.items.is_empty()), ..ScimDirectoryChange::default() };
    let made = app::directories::create(&context.state, &context.principal, organization, &change).await?;
    token_page(&context, made.directory.id, None, Duration::ZERO).await
}

fn values(directory: &ScimDirectory) -> FormValues {
    FormValues::new()
        .with_flag("primary", directory.primary)
        .with_flag("refuseInactiveLogins", directory.refuse_inactive_logins)
        .with_flag("requireProvisionedLogins", directory.require_provisioned_logins)
        .with_flag("disabled", directory.disabled)
        .with_flag("allowForeignSecondaryEmails", directory.allow_foreign_secondary_emails)
        .with_flag("allowUsersWithoutEmail", directory.allow_users_without_email)
}

/// `GET …/scim-directories/{directory}/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::ScimDirectoriesManage)?;
    let directory: ScimDirectory =
        resource::find(&context.state, &context.principal, context.id("directory")?).await?;
    let values = values(&directory);
    let seen = Seen::of(directory.version, &values);
    edit_page(&context, &directory, &seen, &values, &FormErrors::none()).await
}

/// `POST …/scim-directories/{directory}/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::ScimDirectoriesManage)?;
    let id: ScimDirectoryId = context.id("directory")?;
    let (seen, typed) = (Seen::posted(&form), FormValues::from(&*form));
    let changed = match form.change() {
        Ok(change) => {
            let expected = seen.expected();
            app::directories::update(&context.state, &context.principal, id, Some(&expected), &change).await
        }
        Err(error) => Err(error),
    };
    let error = match changed {
        Ok(_) => {
            let done = Flash(ResourceKind::ScimDirectory, Action::Saved);
            return Ok(see_other(&context.href(console::SCIM_DIRECTORY, &[&id]), done));
        }
        Err(error) => error,
    };
    let directory: ScimDirectory = resource::find(&context.state, &context.principal, id).await?;
    let again = FormAgain::new(error, seen, &typed, directory.version, &values(&directory))?;
    edit_page(&context, &directory, &again.seen, &again.typed, &again.errors).await
}

async fn edit_page(
    context: &EnvironmentContext,
    directory: &ScimDirectory,
    seen: &Seen,
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
        (view.checkbox("disabled", "Switched off")
            .hint("Takes effect at once: SCIM requests are refused. What it holds is kept, and still counts for logins."))
        (view.checkbox("allowForeignSecondaryEmails", "Take secondary addresses of foreign domains")
            .hint("The first address of a person must always be of one of the organization’s domains."))
        (view.checkbox("allowUsersWithoutEmail", "Take people without an e-mail address")
            .hint("Your app is told no address of them then. Else they are refused."))
    };
    let form = forms::Form::new(&action, "Save", context.csrf()).cancel(&back).seen(seen.fields());
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
