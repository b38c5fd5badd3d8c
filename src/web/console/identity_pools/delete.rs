//! `…/identity-pools/{pool}/delete`: at once while the pool is empty, otherwise with its name typed.

use maud::html;
use model::identity_pool::IdentityPool;

use super::page::{list_path, load, shell};
use crate::{
    app::{accounts::pools, permissions},
    links::console,
    web::{
        console::{
            kit::{
                context::EnvironmentContext,
                flash::{Action, Flash, ResourceKind, see_other},
                form::ConsoleForm,
                labels::count,
            },
            users::place::Place,
        },
        kit::{
            confirm::{self, DeleteConfirmation},
            error::PageResult,
            forms::{Form, FormErrors, FormValues, FormView},
        },
    },
};

/// `GET …/identity-pools/{pool}/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::IdentityPoolsManage)?;
    let (pool, place) = load(&context).await?;
    Ok(page(&context, &pool, &place, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/identity-pools/{pool}/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::IdentityPoolsManage)?;
    let (pool, place) = load(&context).await?;
    // Somebody may have come while the page was open.
    let confirmed = match pool.number_of_users {
        0 => Ok(()),
        _ => confirm::check(form.text(confirm::FIELD), &pool.name),
    };
    let removed = match confirmed {
        Ok(()) => pools::remove(&context.state, &context.principal, pool.id, None).await,
        Err(error) => Err(error),
    };
    match removed {
        Ok(()) => {
            Ok(see_other(&list_path(&context, &place), Flash(ResourceKind::IdentityPool, Action::Deleted)))
        }
        Err(error) => {
            let (typed, errors) = (FormValues::from(&*form), FormErrors::from_error(error)?);
            Ok(page(&context, &pool, &place, &typed, &errors))
        }
    }
}

fn page(
    context: &EnvironmentContext,
    pool: &IdentityPool,
    place: &Place,
    typed: &FormValues,
    errors: &FormErrors,
) -> actix_web::HttpResponse {
    let action = context.href(console::DELETE_IDENTITY_POOL, &[&pool.id]);
    let back = context.href(console::IDENTITY_POOL, &[&pool.id]);
    let users = usize::try_from(pool.number_of_users).unwrap_or_default();
    let content = match users {
        0 => {
            let view = FormView::new(typed, errors);
            let form = Form::new(&action, "Delete identity pool", context.csrf()).cancel(&back).danger();
            let fields = html! { p { "It has no users: nobody loses an account. Its settings are gone for good." } };
            html! {
                h1 { "Delete identity pool " (pool.name) "?" }
                section.card { (view.render(&form, fields)) }
            }
        }
        users => DeleteConfirmation {
            kind: "identity pool",
            name: &pool.name,
            effects: &[
                format!(
                    "{} will no longer be able to sign in: their sessions and tokens end at once.",
                    count(users, "person", "people")
                ),
                "Their profiles, identifiers, addresses and credentials are erased. The audit log keeps that there were such accounts."
                    .to_owned(),
            ],
            action: &action,
            cancel: &back,
        }
        .view(typed, errors, context.csrf()),
    };
    shell(context, place, "Delete identity pool")
        .crumb(&*pool.name, &*back)
        .respond_with(errors.status(), content)
}
