//! `…/users/{user}/groups`: a user is added to a group, or removed from one.

use base::id::UserGroupId;
use maud::{Markup, html};
use model::user_group::UserGroup;

use crate::{
    app::{
        Error, Result,
        accounts::{
            groups,
            users::{self, UserDetails},
        },
        permissions,
        roles::Without,
    },
    links::console,
    web::{
        console::{
            kit::{
                context::EnvironmentContext,
                flash::{Action, Flash, ResourceKind, see_other},
                form::ConsoleForm,
                own_rights::{self, Step},
            },
            users::{
                form::{own_path, user_page},
                labels,
                place::Place,
                show,
            },
        },
        kit::{
            components::{ButtonStyle, link_button},
            error::PageResult,
            forms::{Form, FormErrors, FormValues, FormView},
        },
    },
};

/// How many groups of a pool are offered for choice; where there are more, the name is typed.
const MAX_OFFERED: usize = 100;

/// `GET …/users/{user}/groups`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::UserGroupsManage)?;
    let details = show::load(&context).await?;
    form_page(&context, &details, &FormValues::new(), &FormErrors::none()).await
}

/// `POST …/users/{user}/groups`
pub async fn change(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UserGroupsManage)?;
    let details = show::load(&context).await?;
    let (state, principal, user) = (&context.state, &context.principal, &details.user);
    let own = own_path(&context, user.id);
    if let Ok(group_id) = form.text("remove").parse::<UserGroupId>() {
        if context.delegate().is_some_and(|current| current.is(user.id)) {
            let path = context.href(console::USER_GROUPS, &[&user.id]);
            let step = Step { form: &form, action: &path, cancel: &own };
            let without = Without::Group(group_id);
            if let Some(asked) = own_rights::ask(&context, user.organization_id, without, &step).await? {
                return Ok(asked);
            }
        }
        let removed = groups::remove_member(state, principal, (user.pool_id, group_id, user.id), None).await;
        return match removed {
            // Somebody else was faster.
            Ok(()) | Err(Error::NotFound { kind: "group" | "group member", .. }) => {
                Ok(see_other(&own, Flash(ResourceKind::Membership, Action::Ended)))
            }
            Err(error) => show::refused(&context, error).await,
        };
    }
    let added = match chosen(&context, &details, form.text("group")).await {
        Ok(group) => groups::add_member(state, principal, (user.pool_id, group.id, user.id), None).await,
        Err(error) => Err(error),
    };
    match added {
        Ok(()) => Ok(see_other(&own, Flash(ResourceKind::Membership, Action::Added))),
        Err(error) => {
            let errors = FormErrors::from_error(error)?;
            form_page(&context, &details, &FormValues::from(&*form), &errors).await
        }
    }
}

/// The group of the user's pool that was chosen, or whose name was typed.
async fn chosen(context: &EnvironmentContext, details: &UserDetails, text: &str) -> Result<UserGroup> {
    if text.trim().is_empty() {
        return Err(Error::invalid("group", "is required"));
    }
    let pool_id = details.user.pool_id;
    let found = groups::find_by_text(&context.state, &context.principal, pool_id, text).await;
    found.map_err(|error| match error {
        Error::NotFound { kind: "group", .. } => {
            Error::invalid("group", "no group of the user’s pool has this name")
        }
        error => error,
    })
}

async fn form_page(
    context: &EnvironmentContext,
    details: &UserDetails,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let (state, principal, user) = (&context.state, &context.principal, &details.user);
    let (name, back) = (labels::name(details), own_path(context, user.id));
    let pool = users::find_pool(state, principal, user.pool_id).await?;
    let all = groups::list_first(state, principal, pool.id, MAX_OFFERED + 1).await?;
    let action = context.href(console::USER_GROUPS, &[&user.id]);
    let form = Form::new(&action, "Add to group", context.csrf()).cancel(&back);
    let place = Place::of_user(context, user).await?;
    // Groups are made on pages that the vendor alone has.
    let new = context.administrator().map(|_| context.href(console::NEW_POOL_GROUP, &[&pool.id]));
    let content = view(&all, new.as_deref(), &form, typed, errors);
    Ok(user_page(context, &place, &format!("Add {name} to a group"), (&name, &back), errors, content))
}

/// The form; without a group to choose, the way to make one.
pub(in crate::web::console) fn view(
    all: &[UserGroup],
    new: Option<&str>,
    form: &Form<'_>,
    typed: &FormValues,
    errors: &FormErrors,
) -> Markup {
    if all.is_empty() {
        return html! {
            section.card {
                p { "The user’s pool has no group yet." }
                @match new {
                    Some(new) => p { (link_button(ButtonStyle::Primary, "New group", new)) },
                    None => p { "Ask the vendor of the application to make one." },
                }
            }
        };
    }
    let view = FormView::new(typed, errors);
    let ids: Vec<String> = all.iter().map(|group| group.id.to_string()).collect();
    let choices: Vec<(&str, &str)> =
        ids.iter().zip(all).map(|(id, group)| (id.as_str(), group.name.as_str())).collect();
    let field = match all.len() <= MAX_OFFERED {
        true => html! { (view.select("group", "Group", &choices)) },
        false => html! { (view.text("group", "Group").hint("Its name or its ID.")) },
    };
    html! { section.card { (view.render(form, field)) } }
}
