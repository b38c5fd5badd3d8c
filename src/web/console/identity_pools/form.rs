//! `…/identity-pools/new` and `…/identity-pools/{pool}/edit`.

use actix_web::HttpResponse;
use base::id::Id;
use model::identity_pool::IdentityPool;

use maud::{Markup, html};

use super::{
    fields,
    page::{list_path, load, new_path, shell},
    typed,
};
use crate::{
    app::{
        Error,
        accounts::{
            pools::{self, NewPool},
            schemas,
        },
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
            users::place::Place,
        },
        kit::{
            error::PageResult,
            forms::{Form, FormErrors, FormValues, FormView},
            seen::{FormAgain, Seen},
        },
    },
};

/// A pool with nothing set, as a new one begins.
fn blank(context: &EnvironmentContext, place: &Place) -> IdentityPool {
    IdentityPool::new(Id::from_bits(0), context.environment.id, place.organization_id, context.now())
}

/// `GET …/identity-pools/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::IdentityPoolsManage)?;
    let place = Place::of_page(&context).await?;
    let typed = fields::values(&blank(&context, &place));
    new_page(&context, &place, &typed, &FormErrors::none()).await
}

/// `POST …/identity-pools/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::IdentityPoolsManage)?;
    let place = Place::of_page(&context).await?;
    let blank = blank(&context, &place);
    let typed = FormValues::from(&*form).or(&fields::values(&blank));
    let change = match typed::read(&typed, &blank) {
        Ok(change) => change,
        Err(errors) => return new_page(&context, &place, &typed, &errors).await,
    };
    let new = NewPool { id: None, organization_id: Some(place.organization_id) };
    match pools::create(&context.state, &context.principal, new, &change).await {
        Ok(pool) => Ok(done(&context, &pool, Action::Created)),
        Err(error) => new_page(&context, &place, &typed, &typed::errors(error, &typed)?).await,
    }
}

fn done(context: &EnvironmentContext, pool: &IdentityPool, action: Action) -> HttpResponse {
    let own = context.href(console::IDENTITY_POOL, &[&pool.id]);
    see_other(&own, Flash(ResourceKind::IdentityPool, action))
}

async fn new_page(
    context: &EnvironmentContext,
    place: &Place,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let (action, back) = (new_path(context, place), list_path(context, place));
    let form = Form::new(&action, "Create identity pool", context.csrf()).cancel(&back);
    let schemas = schemas::list(&context.state, &context.principal).await?;
    let title = format!("New identity pool of {}", place.name(context));
    let content = view(&title, &form, &fields::schema_choices(&schemas), typed, errors);
    Ok(shell(context, place, "New identity pool").respond_with(errors.status(), content))
}

/// The form.
pub(in crate::web::console) fn view(
    title: &str,
    form: &Form<'_>,
    schemas: &[(String, String)],
    typed: &FormValues,
    errors: &FormErrors,
) -> Markup {
    let view = FormView::new(typed, errors);
    html! {
        h1 { (title) }
        section.card { (view.render(form, fields::view(&view, schemas))) }
    }
}

/// `GET …/identity-pools/{pool}/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::IdentityPoolsManage)?;
    let (pool, place) = load(&context).await?;
    let typed = fields::values(&pool);
    let seen = Seen::of(pool.version, &typed);
    edit_page(&context, &pool, &place, &FormAgain { seen, typed, errors: FormErrors::none() }).await
}

/// `POST …/identity-pools/{pool}/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::IdentityPoolsManage)?;
    let (pool, place) = load(&context).await?;
    // What is not sent stays as it is.
    let (seen, typed) = (Seen::posted(&form), FormValues::from(&*form).or(&fields::values(&pool)));
    let change = match typed::read(&typed, &pool) {
        Ok(change) => change,
        Err(errors) => return edit_page(&context, &pool, &place, &FormAgain { seen, typed, errors }).await,
    };
    // What somebody else changed meanwhile may not be on the form.
    let expected = match seen.still_holds(&fields::values(&pool)) {
        true => Seen::of(pool.version, seen.values()).expected(),
        false => seen.expected(),
    };
    let error =
        match pools::update(&context.state, &context.principal, pool.id, Some(&expected), &change).await {
            Ok(pool) => return Ok(done(&context, &pool, Action::Saved)),
            Err(error) => error,
        };
    let (pool, place) = load(&context).await?;
    let again = match error {
        Error::Outdated { .. } => FormAgain::new(error, seen, &typed, pool.version, &fields::values(&pool))?,
        error => FormAgain { errors: typed::errors(error, &typed)?, seen, typed },
    };
    edit_page(&context, &pool, &place, &again).await
}

async fn edit_page(
    context: &EnvironmentContext,
    pool: &IdentityPool,
    place: &Place,
    again: &FormAgain,
) -> PageResult {
    let action = context.href(console::EDIT_IDENTITY_POOL, &[&pool.id]);
    let back = context.href(console::IDENTITY_POOL, &[&pool.id]);
    let form = Form::new(&action, "Save", context.csrf()).cancel(&back).seen(again.seen.fields());
    let schemas = schemas::list(&context.state, &context.principal).await?;
    let title = format!("Edit {}", pool.name);
    let content = view(&title, &form, &fields::schema_choices(&schemas), &again.typed, &again.errors);
    let shell = shell(context, place, &title).crumb(&*pool.name, back);
    Ok(shell.respond_with(again.errors.status(), content))
}
