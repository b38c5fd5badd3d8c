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
        roles::{self, NewRole, RoleOperation, SetChange, VisibleRole, Without},
    },
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            own_rights::{self, Step},
            permission_choices::{OWN_SCOPES, PermissionChoices},
        },
        kit::{
            error::{PageError, PageResult},
            forms::{Form, FormErrors, FormValues, FormView, Others},
            seen::{FormAgain, Seen},
        },
    },
};

/// How many applications are offered for choice.
const MAX_OFFERED: &str = "100";

fn permissions_of(typed: &FormValues) -> BTreeSet<String> {
    typed.lines_of("permissions").into_iter().map(str::to_owned).collect()
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
    let content = view(&RoleFormPage {
        title: "New role",
        audiences: &choices,
        permissions: &permissions_at(context, place).await?,
        others: others(context),
        form: &form,
        typed,
        errors,
    });
    Ok(place.shell_below(context, "New role").respond_with(errors.status(), content))
}

fn label(application: &Application) -> String {
    match application.display_name.trim() {
        "" => application.id.to_string(),
        name => format!("Application “{name}”"),
    }
}

/// The permissions to choose from: at the root all, in an organization those that count there; for its own administrator, who gives
/// nothing that they do not have, theirs.
async fn permissions_at(context: &EnvironmentContext, place: &Place) -> Result<PermissionChoices, PageError> {
    if place.organization.is_none() {
        return Ok(PermissionChoices::everywhere());
    }
    let own = roles::may_give(&context.state, &context.principal, place.organization_id).await?;
    Ok(PermissionChoices::in_organization(own.as_ref()))
}

/// What else can be typed: the scopes of the vendor's own APIs, by the vendor.
fn others(context: &EnvironmentContext) -> Option<Others<'static>> {
    context.administrator().map(|_| OWN_SCOPES)
}

/// The form of a role.
pub(in crate::web::console) struct RoleFormPage<'a> {
    pub title: &'a str,
    /// What the role can be for; none, where that does not change any more.
    pub audiences: &'a [(String, String)],
    pub permissions: &'a PermissionChoices,
    pub others: Option<Others<'a>>,
    pub form: &'a Form<'a>,
    pub typed: &'a FormValues,
    pub errors: &'a FormErrors,
}

/// The page with the form.
pub(in crate::web::console) fn view(page: &RoleFormPage<'_>) -> Markup {
    let view = FormView::new(page.typed, page.errors);
    let choices: Vec<(&str, &str)> =
        page.audiences.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
    let groups = page.permissions.groups();
    let fields = html! {
        (view.text("displayName", "Name").hint("Unique among the roles for the same; capital and small letters are the same."))
        @if choices.len() > 1 {
            (view.select("audience", "For", &choices)
                .hint("A role for an application counts in that application alone. One for the organization counts in every application that takes the organization’s roles."))
        }
        (view.known("permissions", "Permissions", &groups, page.others).hint("What whoever has the role may do."))
    };
    html! {
        h1 { (page.title) }
        section.card { (view.render(page.form, fields)) }
    }
}

fn values(role: &VisibleRole) -> FormValues {
    let values = FormValues::new().with("displayName", role.name());
    role.role.permissions.iter().fold(values, |values, name| values.with("permissions", name))
}

/// `GET …/roles/{role}/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::RolesManage)?;
    let place = Place::of_page(&context).await?;
    let role = place.role(&context).await?;
    let typed = values(&role);
    let seen = Seen::of(role.role.version, &typed);
    edit_page(&context, &place, &role, &FormAgain { seen, typed, errors: FormErrors::none() }).await
}

/// `POST …/roles/{role}/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::RolesManage)?;
    let place = Place::of_page(&context).await?;
    let role = place.role(&context).await?;
    // What is not sent stays as it is.
    let (seen, typed) = (Seen::posted(&form), FormValues::from(&*form).or(&values(&role)));
    let permissions = permissions_of(&typed);
    let (path, back) = (place.edit(&context, role.id), place.show(&context, role.id));
    let step = Step { form: &form, action: &path, cancel: &back };
    let without = Without::Permissions(role.id, &permissions);
    if let Some(asked) = own_rights::ask(&context, place.organization_id, without, &step).await? {
        return Ok(asked);
    }
    let operations = [
        RoleOperation::Rename(typed.text("displayName").to_owned()),
        RoleOperation::Permissions(SetChange::Replace(permissions.clone())),
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
    edit_page(&context, &place, &now, &again).await
}

async fn edit_page(
    context: &EnvironmentContext,
    place: &Place,
    role: &VisibleRole,
    again: &FormAgain,
) -> PageResult {
    let (action, back) = (place.edit(context, role.id), place.show(context, role.id));
    let form = Form::new(&action, "Save", context.csrf()).cancel(&back).seen(again.seen.fields());
    let title = format!("Edit {}", role.name());
    let content = html! {
        (view(&RoleFormPage {
            title: &title,
            audiences: &[],
            permissions: &permissions_at(context, place).await?,
            others: others(context),
            form: &form,
            typed: &again.typed,
            errors: &again.errors,
        }))
        p { "For: " (audience(role)) }
    };
    let shell = place.shell_below(context, &title).crumb(role.name(), &*back);
    Ok(shell.respond_with(again.errors.status(), content))
}
