//! The pages that every resource of an environment has: the form that edits it, and the confirmation that deletes it.

use std::future::Future;

use actix_web::HttpResponse;
use base::id::{Id, IdKind as _};
use maud::{Markup, html};
use model::entity_tag::EntityTags;
use serde::de::DeserializeOwned;

use super::{
    context::EnvironmentContext,
    flash::{Action, Flash, ResourceKind, see_other},
    form::ConsoleForm,
    shell::Section,
};
use crate::{
    app::{
        Error, Result,
        resource::{self, Resource},
    },
    web::kit::{
        confirm::{self, DeleteConfirmation},
        error::PageResult,
        forms::{Form, FormErrors, FormValues, FormView, Offers},
        seen::{FormAgain, Seen},
    },
};

/// A resource whose settings the console edits in one form.
pub trait ConsoleResource: Resource<Change: DeserializeOwned> {
    /// The section of the console in which it is.
    const SECTION: Section;
    /// Its kind in the message after a change.
    const FLASH: ResourceKind;
    /// The segment of the paths that holds its id.
    const SEGMENT: &'static str;
    /// The path of the list.
    const LIST_PATH: &'static str;
    /// The path of its own page; that of the list if it has none.
    const PATH: &'static str = Self::LIST_PATH;
    /// The path of the form.
    const EDIT_PATH: &'static str;
    /// The path of the confirmation of its deletion.
    const DELETE_PATH: &'static str;

    /// Its name for people; its id, if it has none.
    fn name(&self) -> String;

    /// The section in which this one is.
    fn section(&self) -> Section {
        Self::SECTION
    }

    /// What this one is called: "organization".
    fn noun(&self) -> &'static str {
        Self::Kind::NOUN
    }

    /// Its kind in the message after a change of this one.
    fn flash(&self) -> ResourceKind {
        Self::FLASH
    }

    /// The path of the list in which this one is.
    fn list_path(&self) -> &'static str {
        Self::LIST_PATH
    }

    /// What the form offers to choose from for this one.
    fn offers(&self, _: &EnvironmentContext) -> impl Future<Output = Result<Offers>> {
        async { Ok(Offers::default()) }
    }

    /// Its settings as the values of the form.
    fn values(&self) -> FormValues;

    /// The fields of the form; `of` is `None` for a new resource.
    fn fields(view: &FormView<'_>, of: Option<&Self>) -> Markup;

    /// What its deletion does, a sentence each.
    fn effects(&self, context: &EnvironmentContext) -> impl Future<Output = Result<Vec<String>>>;

    /// Changes it.
    fn change(
        context: &EnvironmentContext,
        id: Id<Self::Kind>,
        expected: &EntityTags,
        change: &Self::Change,
    ) -> impl Future<Output = Result<Self>> {
        async move { resource::update(&context.state, &context.principal, id, Some(expected), change).await }
    }

    /// Deletes it.
    fn remove(context: &EnvironmentContext, id: Id<Self::Kind>) -> impl Future<Output = Result<()>> {
        async move { resource::remove::<Self>(&context.state, &context.principal, id, None).await }
    }
}

/// The path of a resource's own page.
pub fn href<R: ConsoleResource>(context: &EnvironmentContext, of: &R) -> String {
    at(context, R::PATH, of)
}

fn at<R: ConsoleResource>(context: &EnvironmentContext, path: &str, of: &R) -> String {
    let segments: &[&dyn std::fmt::Display] = if path == R::LIST_PATH { &[] } else { &[&of.id()] };
    context.href(path, segments)
}

/// `GET …/new`: an empty form. `action` is its own path.
pub fn new_form<R: ConsoleResource>(
    context: &EnvironmentContext,
    action: &str,
    typed: &FormValues,
    errors: &FormErrors,
    notice: Option<Markup>,
) -> HttpResponse {
    let (title, submit) = (format!("New {}", R::Kind::NOUN), format!("Create {}", R::Kind::NOUN));
    let back = context.href(R::LIST_PATH, &[]);
    let form = Form::new(action, &submit, context.csrf()).cancel(&back);
    let view = FormView::new(typed, errors);
    let fields = R::fields(&view, None);
    context.shell(R::SECTION, &title).respond_with(
        errors.status(),
        html! {
            h1 { (title) }
            @if let Some(notice) = notice { (notice) }
            section.card { (view.render(&form, fields)) }
        },
    )
}

/// `GET …/edit`
pub async fn edit<R: ConsoleResource>(context: EnvironmentContext) -> PageResult {
    context.require(R::MANAGE)?;
    let row: R = resource::find(&context.state, &context.principal, context.id(R::SEGMENT)?).await?;
    let values = row.values();
    edit_form(&context, &row, &Seen::of(row.version(), &values), &values, &FormErrors::none()).await
}

/// `POST …/edit`
pub async fn update<R: ConsoleResource>(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(R::MANAGE)?;
    let id = context.id(R::SEGMENT)?;
    let (seen, typed) = (Seen::posted(&form), FormValues::from(&*form));
    let changed = match form.change() {
        Ok(change) => match R::change(&context, id, &seen.expected(), &change).await {
            Err(Error::Outdated { .. }) => change_again::<R>(&context, id, &seen, &change).await,
            changed => changed,
        },
        Err(error) => Err(error),
    };
    let error = match changed {
        Ok(row) => return Ok(see_other(&href(&context, &row), Flash(row.flash(), Action::Saved))),
        Err(error) => error,
    };
    let row: R = resource::find(&context.state, &context.principal, id).await?;
    let again = FormAgain::new(error, seen, &typed, row.version(), &row.values())?;
    edit_form(&context, &row, &again.seen, &again.typed, &again.errors).await
}

/// The change once more, if what somebody else changed meanwhile is not on the form: a new secret, say.
async fn change_again<R: ConsoleResource>(
    context: &EnvironmentContext,
    id: Id<R::Kind>,
    seen: &Seen,
    change: &R::Change,
) -> Result<R> {
    let row: R = resource::find(&context.state, &context.principal, id).await?;
    let version = row.version();
    match seen.still_holds(&row.values()) {
        true => R::change(context, id, &Seen::of(version, seen.values()).expected(), change).await,
        false => Err(Error::Outdated { version }),
    }
}

async fn edit_form<R: ConsoleResource>(
    context: &EnvironmentContext,
    row: &R,
    seen: &Seen,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let title = format!("Edit {}", row.name());
    let (action, back) = (at(context, R::EDIT_PATH, row), href(context, row));
    let form = Form::new(&action, "Save", context.csrf()).cancel(&back).seen(seen.fields());
    let offers = row.offers(context).await?;
    let view = FormView::new(typed, errors).offering(&offers);
    let fields = R::fields(&view, Some(row));
    let mut shell = context.shell(row.section(), &title);
    if R::PATH != R::LIST_PATH {
        shell = shell.crumb(row.name(), &back);
    }
    Ok(shell.respond_with(
        errors.status(),
        html! {
            h1 { (title) }
            section.card { (view.render(&form, fields)) }
        },
    ))
}

/// `GET …/delete`
pub async fn confirm_deletion<R: ConsoleResource>(context: EnvironmentContext) -> PageResult {
    context.require(R::MANAGE)?;
    let row: R = resource::find(&context.state, &context.principal, context.id(R::SEGMENT)?).await?;
    deletion_form(&context, &row, &FormValues::new(), &FormErrors::none()).await
}

/// `POST …/delete`
pub async fn delete<R: ConsoleResource>(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(R::MANAGE)?;
    let id = context.id(R::SEGMENT)?;
    let row: R = resource::find(&context.state, &context.principal, id).await?;
    let removed = match confirm::check(form.text(confirm::FIELD), &row.name()) {
        Ok(()) => R::remove(&context, id).await,
        Err(error) => Err(error),
    };
    match removed {
        Ok(()) => Ok(see_other(&context.href(row.list_path(), &[]), Flash(row.flash(), Action::Deleted))),
        Err(error) => {
            deletion_form(&context, &row, &FormValues::from(&*form), &FormErrors::from_error(error)?).await
        }
    }
}

async fn deletion_form<R: ConsoleResource>(
    context: &EnvironmentContext,
    row: &R,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let (title, back) = (format!("Delete {}", row.noun()), href(context, row));
    let deletion = DeleteConfirmation {
        kind: row.noun(),
        name: &row.name(),
        effects: &row.effects(context).await?,
        action: &at(context, R::DELETE_PATH, row),
        cancel: &back,
    };
    let mut shell = context.shell(row.section(), &title);
    if R::PATH != R::LIST_PATH {
        shell = shell.crumb(row.name(), &back);
    }
    Ok(shell.respond_with(errors.status(), deletion.view(typed, errors, context.csrf())))
}
