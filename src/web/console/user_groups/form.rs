//! `…/identity-pools/{pool}/groups/new` and `…/user-groups/{group}/edit`.

use actix_web::HttpResponse;
use base::id::UserGroupId;
use maud::{Markup, html};
use model::user_group::UserGroup;

use super::page::{GROUPS, Loaded, load_pool, shell};
use crate::{
    app::{
        Error,
        accounts::groups::{self, GroupSettings},
        permissions,
    },
    links::console,
    web::{
        console::{
            kit::{
                context::EnvironmentContext,
                flash::{Action, Flash, ResourceKind, see_other},
                form::ConsoleForm,
            },
            users::labels,
        },
        kit::{
            error::{PageError, PageResult},
            forms::{Form, FormErrors, FormValues, FormView},
            seen::{FormAgain, Seen},
        },
    },
};

fn settings(typed: &FormValues) -> GroupSettings {
    GroupSettings { name: typed.text("name").to_owned(), description: typed.text("description").to_owned() }
}

/// The errors of a form; of a name that another group has, at the name.
fn errors(error: Error) -> Result<FormErrors, PageError> {
    match error {
        Error::Conflict { field: "name", .. } => {
            Ok(FormErrors::one("name", "another group of this pool has this name"))
        }
        error => FormErrors::from_error(error),
    }
}

fn done(context: &EnvironmentContext, id: UserGroupId, action: Action) -> HttpResponse {
    see_other(&context.href(console::USER_GROUP, &[&id]), Flash(ResourceKind::UserGroup, action))
}

/// `GET …/groups/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::UserGroupsManage)?;
    new_page(&context, &FormValues::new(), &FormErrors::none()).await
}

/// `POST …/groups/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UserGroupsManage)?;
    let (pool, _) = load_pool(&context).await?;
    let typed = FormValues::from(&*form);
    match groups::create(&context.state, &context.principal, pool.id, None, &settings(&typed)).await {
        Ok(group) => Ok(done(&context, group.id, Action::Created)),
        Err(error) => new_page(&context, &typed, &errors(error)?).await,
    }
}

async fn new_page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> PageResult {
    let (pool, place) = load_pool(context).await?;
    let action = context.href(console::NEW_POOL_GROUP, &[&pool.id]);
    let back = context.href(console::POOL_GROUPS, &[&pool.id]);
    let form = Form::new(&action, "Create group", context.csrf()).cancel(&back);
    let content = view(&format!("New group of the pool “{}”", labels::pool(&pool)), &form, typed, errors);
    let shell = shell(context, &place, &pool, "New group").crumb(GROUPS, &*back);
    Ok(shell.respond_with(errors.status(), content))
}

/// The form.
pub(in crate::web::console) fn view(
    title: &str,
    form: &Form<'_>,
    typed: &FormValues,
    errors: &FormErrors,
) -> Markup {
    let view = FormView::new(typed, errors);
    let fields = html! {
        (view.text("name", "Name").hint("Unique in the pool; capital and small letters are the same."))
        (view.textarea("description", "What it is for", 3).optional())
    };
    html! {
        h1 { (title) }
        section.card { (view.render(form, fields)) }
    }
}

fn values(group: &UserGroup) -> FormValues {
    FormValues::new().with("name", &group.name).with("description", &group.description)
}

/// `GET …/user-groups/{group}/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::UserGroupsManage)?;
    let loaded = Loaded::of_page(&context).await?;
    let typed = values(&loaded.group);
    let seen = Seen::of(loaded.group.version, &typed);
    Ok(edit_page(&context, &loaded, &FormAgain { seen, typed, errors: FormErrors::none() }))
}

/// `POST …/user-groups/{group}/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UserGroupsManage)?;
    let loaded = Loaded::of_page(&context).await?;
    // What is not sent stays as it is.
    let (seen, typed) = (Seen::posted(&form), FormValues::from(&*form).or(&values(&loaded.group)));
    let (of, expected) = ((loaded.pool.id, loaded.group.id), seen.expected());
    let changed =
        groups::replace(&context.state, &context.principal, of, Some(&expected), &settings(&typed)).await;
    let error = match changed {
        Ok(group) => return Ok(done(&context, group.id, Action::Saved)),
        Err(error) => error,
    };
    let now = Loaded::of_page(&context).await?;
    let again = match error {
        Error::Outdated { .. } => {
            FormAgain::new(error, seen, &typed, now.group.version, &values(&now.group))?
        }
        error => FormAgain { errors: errors(error)?, seen, typed },
    };
    Ok(edit_page(&context, &now, &again))
}

fn edit_page(context: &EnvironmentContext, loaded: &Loaded, again: &FormAgain) -> HttpResponse {
    let action = context.href(console::EDIT_USER_GROUP, &[&loaded.group.id]);
    let back = loaded.own_path(context);
    let form = Form::new(&action, "Save", context.csrf()).cancel(&back).seen(again.seen.fields());
    let title = format!("Edit {}", loaded.group.name);
    let content = view(&title, &form, &again.typed, &again.errors);
    let shell = loaded.shell(context, &title).crumb(&*loaded.group.name, &*back);
    shell.respond_with(again.errors.status(), content)
}
