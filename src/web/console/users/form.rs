//! The profile of a user in the console's forms: `…/users/{user}/edit`; and the frame of every page below that of a user.

use actix_web::HttpResponse;
use base::id::UserId;
use maud::{Markup, html};
use model::{identity_pool::IdentityPool, user::User};

use super::{labels, place::Place, profile::ProfileForm, show};
use crate::{
    app::{
        Error, Result,
        accounts::users::{self, UserChange, UserKey},
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
        },
        kit::{
            error::{PageError, PageResult},
            forms::{Form, FormErrors, FormValues, FormView},
            seen::{FormAgain, Seen},
        },
    },
};

/// Who has an identifier, in words.
pub(super) async fn taken_by(
    context: &EnvironmentContext,
    pool: &IdentityPool,
    text: &str,
) -> Result<Option<String>> {
    let (state, principal) = (&context.state, &context.principal);
    let key = UserKey::Identifier(text.to_owned());
    match users::find_by_key(state, principal, pool.id, &key).await {
        Ok(other) => {
            let described = users::describe(state, principal, vec![other]).await?;
            Ok(described
                .first()
                .map(|other| format!("{} has this already: {}", labels::name(other), other.user.id)))
        }
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the form of a user edits.
struct Edited {
    user: User,
    name: String,
    pool: IdentityPool,
    profile: ProfileForm,
    values: FormValues,
}

impl Edited {
    async fn load(context: &EnvironmentContext) -> Result<Self, PageError> {
        let (state, principal) = (&context.state, &context.principal);
        let details = show::load(context).await?;
        let name = labels::name(&details);
        let pool = users::find_pool(state, principal, details.user.pool_id).await?;
        let profile = ProfileForm::of_pool(context, &pool, Some(&details.user)).await?;
        let values = profile.values(FormValues::new());
        Ok(Self { user: details.user, name, pool, profile, values })
    }
}

/// `GET …/users/{user}/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let edited = Edited::load(&context).await?;
    let seen = Seen::of(edited.user.version, &edited.values);
    edit_page(&context, &edited, &seen, &edited.values, &FormErrors::none()).await
}

/// `POST …/users/{user}/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let (seen, typed) = (Seen::posted(&form), FormValues::from(&*form));
    let edited = Edited::load(&context).await?;
    // What somebody else changed meanwhile may not be on the form: an address, say.
    let expected = match seen.still_holds(&edited.values) {
        true => Seen::of(edited.user.version, seen.values()).expected(),
        false => seen.expected(),
    };
    if !expected.matches(edited.user.version) {
        return shown_again(&context, Error::Outdated { version: edited.user.version }, seen, &typed).await;
    }
    let (profile, errors) = edited.profile.read(&context, &edited.pool, &typed).await?;
    if !errors.is_empty() {
        return edit_page(&context, &edited, &seen, &typed, &errors).await;
    }
    let (of, change) = ((edited.pool.id, edited.user.id), UserChange { profile, ..UserChange::default() });
    match users::update(&context.state, &context.principal, of, Some(&expected), &change).await {
        Ok(user) => Ok(see_other(&own_path(&context, user.id), Flash(ResourceKind::User, Action::Saved))),
        Err(error) => shown_again(&context, error, seen, &typed).await,
    }
}

async fn shown_again(
    context: &EnvironmentContext,
    error: Error,
    seen: Seen,
    typed: &FormValues,
) -> PageResult {
    let edited = Edited::load(context).await?;
    let again = FormAgain::new(error, seen, typed, edited.user.version, &edited.values)?;
    edit_page(context, &edited, &again.seen, &again.typed, &again.errors).await
}

pub(in crate::web::console) fn own_path(context: &EnvironmentContext, id: UserId) -> String {
    context.href(console::USER, &[&id])
}

async fn edit_page(
    context: &EnvironmentContext,
    edited: &Edited,
    seen: &Seen,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let back = own_path(context, edited.user.id);
    let action = context.href(console::EDIT_USER, &[&edited.user.id]);
    let form = Form::new(&action, "Save", context.csrf()).cancel(&back).seen(seen.fields());
    let title = format!("Edit {}", edited.name);
    let place = Place::of_user(context, &edited.user).await?;
    Ok(user_page(context, &place, &title, (&edited.name, &back), errors, {
        let view = FormView::new(typed, errors);
        let fields = edited.profile.view(&view);
        html! { section.card { (view.render(&form, fields)) } }
    }))
}

/// A page below that of a user, with its title as the heading.
pub(in crate::web::console) fn user_page(
    context: &EnvironmentContext,
    place: &Place,
    title: &str,
    (name, back): (&str, &str),
    errors: &FormErrors,
    content: Markup,
) -> HttpResponse {
    let shell = place.shell(context, title).crumb(name, back);
    shell.respond_with(errors.status(), html! { h1 { (title) } (content) })
}
