//! `…/roles/new` and `…/roles/{role}/edit`.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use base::id::{ApplicationId, RoleId};
use maud::{Markup, html};
use model::{application::Application, role::Audience};

use super::place::{Place, audience};
use crate::{
    app::{
        Error,
        pagination::PageQuery,
        permissions, resource,
        roles::{self, NewRole, RoleOperation, SetChange, VisibleRole},
    },
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
        },
        kit::{
            error::{PageError, PageResult},
            forms::{Form, FormErrors, FormValues, FormView, lines},
            seen::{FormAgain, Seen},
        },
    },
};

/// How many applications are offered for choice.
const MAX_OFFERED: &str = "100";

fn permissions_of(typed: &FormValues) -> BTreeSet<String> {
    lines(typed.text("permissions")).into_iter().collect()
}

/// The errors of a form; of a name that another role has, at the name.
fn errors(error: Error) -> Result<FormErrors, PageError> {
    match error {
        Error::Conflict { field: "name", .. } => {
            Ok(FormErrors::one("displayName", "another role for the same has this name"))
        }
        error => FormErrors::from_error(error),
    }
}

fn done(context: &EnvironmentContext, place: &Place, id: RoleId, action: Action) -> HttpResponse {
    see_other(&place.show(context, id), Flash(ResourceKind::Role, action))
}

/// `GET …/roles/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::RolesCreate)?;
    let place = Place::of_page(&context).await?;
    let asked = context.place(&["application"]);
    let typed = FormValues::new().with("audience", asked.filter("application"));
    new_page(&context, &place, &typed, &FormErrors::none()).await
}

/// `POST …/roles/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::RolesCreate)?;
    let place = Place::of_page(&context).await?;
    let typed = FormValues::from(&*form);
    let made = match read_audience(typed.text("audience")) {
        Ok(audience) => {
            let new = NewRole {
                name: typed.text("displayName").to_owned(),
                audience,
                permissions: permissions_of(&typed),
            };
            let (state, principal) = (&context.state, &context.principal);
            roles::create(state, principal, place.organization_id, &new).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(role) => Ok(done(&context, &place, role.id, Action::Created)),
        Err(error) => new_page(&context, &place, &typed, &errors(error)?).await,
    }
}

/// The application that was chosen; none: the organization.
fn read_audience(text: &str) -> Result<Option<Audience>, Error> {
    match text.trim() {
        "" => Ok(None),
        text => {
            let id: ApplicationId =
                text.parse().map_err(|_| Error::invalid("audience", "there is no such application"))?;
            Ok(Some(Audience::Application(id)))
        }
    }
}

async fn new_page(
    context: &EnvironmentContext,
    place: &Place,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let mut choices = vec![(String::new(), "The organization".to_owned())];
    // Applications are the vendor's to look through.
    if context.administrator().is_some() {
        let first = PageQuery { token: None, size: Some(MAX_OFFERED.to_owned()) };
        let found = resource::list::<Application>(&context.state, &context.principal, &first).await?;
        let owner = place.organization.as_ref().map(|own| own.id);
        let own = found.items.into_iter().filter(|one| one.organization_id == owner && !one.is_of_system());
        choices.extend(own.map(|one| (one.id.to_string(), label(&one))));
    }
    let (action, back) = (place.new_role(context), place.list(context));
    let form = Form::new(&action, "Create role", context.csrf()).cancel(&back);
    let content = view("New role", &choices, &form, typed, errors);
    Ok(place.shell_below(context, "New role").respond_with(errors.status(), content))
}

fn label(application: &Application) -> String {
    match application.display_name.trim() {
        "" => application.id.to_string(),
        name => format!("Application “{name}”"),
    }
}

/// The form; without a choice of what the role is for where that does not change any more.
pub(in crate::web::console) fn view(
    title: &str,
    choices: &[(String, String)],
    form: &Form<'_>,
    typed: &FormValues,
    errors: &FormErrors,
) -> Markup {
    let view = FormView::new(typed, errors);
    let choices: Vec<(&str, &str)> = choices.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
    let fields = html! {
        (view.text("displayName", "Name").hint("Unique among the roles for the same; capital and small letters are the same."))
        @if !choices.is_empty() { (view.select("audience", "For", &choices)) }
        (view.textarea("permissions", "Permissions", 8).hint(
            "One scope a line: of the management APIs, as internal_org_user_mgt_create, or one that the application may ask for.",
        ).optional().code())
    };
    html! {
        h1 { (title) }
        section.card { (view.render(form, fields)) }
    }
}

fn values(role: &VisibleRole) -> FormValues {
    let permissions: Vec<&str> = role.role.permissions.iter().map(String::as_str).collect();
    FormValues::new().with("displayName", role.name()).with("permissions", permissions.join("\n"))
}

/// `GET …/roles/{role}/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::RolesManage)?;
    let place = Place::of_page(&context).await?;
    let role = place.role(&context).await?;
    let typed = values(&role);
    let seen = Seen::of(role.role.version, &typed);
    Ok(edit_page(&context, &place, &role, &FormAgain { seen, typed, errors: FormErrors::none() }))
}

/// `POST …/roles/{role}/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::RolesManage)?;
    let place = Place::of_page(&context).await?;
    let role = place.role(&context).await?;
    // What is not sent stays as it is.
    let (seen, typed) = (Seen::posted(&form), FormValues::from(&*form).or(&values(&role)));
    let operations = [
        RoleOperation::Rename(typed.text("displayName").to_owned()),
        RoleOperation::Permissions(SetChange::Replace(permissions_of(&typed))),
    ];
    let (state, principal, expected) = (&context.state, &context.principal, seen.expected());
    let own = place.organization_id;
    let changed = roles::apply(state, principal, own, role.id, Some(&expected), &operations).await;
    let error = match changed {
        Ok(_) => return Ok(done(&context, &place, role.id, Action::Saved)),
        Err(error) => error,
    };
    let now = place.role(&context).await?;
    let again = match error {
        Error::Outdated { .. } => FormAgain::new(error, seen, &typed, now.role.version, &values(&now))?,
        error => FormAgain { errors: errors(error)?, seen, typed },
    };
    Ok(edit_page(&context, &place, &now, &again))
}

fn edit_page(
    context: &EnvironmentContext,
    place: &Place,
    role: &VisibleRole,
    again: &FormAgain,
) -> HttpResponse {
    let (action, back) = (place.edit(context, role.id), place.show(context, role.id));
    let form = Form::new(&action, "Save", context.csrf()).cancel(&back).seen(again.seen.fields());
    let title = format!("Edit {}", role.name());
    let content = html! {
        (view(&title, &[], &form, &again.typed, &again.errors))
        p { "For: " (audience(role)) }
    };
    let shell = place.shell_below(context, &title).crumb(role.name(), &*back);
    shell.respond_with(again.errors.status(), content)
}
