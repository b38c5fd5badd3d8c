//! `…/roles/{role}/members`: a role is given to a user or a group of the organization, or taken from one.

use std::collections::BTreeSet;

use base::id::{RoleId, UserGroupId, UserId};

use super::{place::Place, show};
use crate::{
    app::{
        Error, Result,
        accounts::{groups, users},
        pagination::PageQuery,
        permissions,
        roles::{self, RoleOperation, SetChange, Without},
    },
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            own_rights::{self, Step},
        },
        kit::{
            error::PageResult,
            forms::{FormErrors, FormValues},
        },
    },
};

/// `POST …/roles/{role}/members`
pub async fn change(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::RolesManage)?;
    let place = Place::of_page(&context).await?;
    let role = place.role(&context).await?;
    let (state, principal) = (&context.state, &context.principal);
    if let Some(without) = taken(&context, &form, role.id) {
        let (path, back) = (place.members(&context, role.id), place.show(&context, role.id));
        let step = Step { form: &form, action: &path, cancel: &back };
        if let Some(asked) = own_rights::ask(&context, place.organization_id, without, &step).await? {
            return Ok(asked);
        }
    }
    let changed = match read(&context, &place, &form).await {
        Ok((operation, action)) => {
            roles::apply(state, principal, place.organization_id, role.id, None, &[operation])
                .await
                .map(|_| action)
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(action) => Ok(see_other(&place.show(&context, role.id), Flash(ResourceKind::Membership, action))),
        Err(error) => {
            let errors = FormErrors::from_error(error)?;
            show::respond(&context, &place, &role, &FormValues::from(&*form), &errors).await
        }
    }
}

/// What whoever takes a role from somebody may take from themselves by that.
fn taken(context: &EnvironmentContext, form: &ConsoleForm, role: RoleId) -> Option<Without<'static>> {
    let gone = form.text("remove");
    if let Ok(user) = gone.parse::<UserId>() {
        return context.delegate().filter(|current| current.is(user)).map(|_| Without::Own(role));
    }
    gone.parse::<UserGroupId>().ok().map(|group| Without::OfGroup(role, group))
}

async fn read(
    context: &EnvironmentContext,
    place: &Place,
    form: &ConsoleForm,
) -> Result<(RoleOperation, Action)> {
    let gone = form.text("remove");
    if let Ok(id) = gone.parse::<UserId>() {
        return Ok((RoleOperation::Users(SetChange::Remove(BTreeSet::from([id]))), Action::Ended));
    }
    if let Ok(id) = gone.parse::<UserGroupId>() {
        return Ok((RoleOperation::Groups(SetChange::Remove(BTreeSet::from([id]))), Action::Ended));
    }
    if !form.text("group").trim().is_empty() {
        let id = named_group(context, place, form.text("group")).await?;
        return Ok((RoleOperation::Groups(SetChange::Add(BTreeSet::from([id]))), Action::Added));
    }
    let id = named_user(context, place, form.text("user")).await?;
    Ok((RoleOperation::Users(SetChange::Add(BTreeSet::from([id]))), Action::Added))
}

/// The one user of the organization whom a text names.
async fn named_user(context: &EnvironmentContext, place: &Place, text: &str) -> Result<UserId> {
    if text.trim().is_empty() {
        return Err(Error::invalid("user", "is required"));
    }
    let (state, principal, first) = (&context.state, &context.principal, PageQuery::default());
    let found =
        users::search_in_organization(state, principal, place.organization_id, text, &first).await?.items;
    match &found[..] {
        [user] => Ok(user.id),
        [] => Err(Error::invalid("user", "names nobody in this organization")),
        _ => Err(Error::invalid("user", "names several people; use an e-mail address, a user name or an ID")),
    }
}

/// The group of the organization that a text names.
async fn named_group(context: &EnvironmentContext, place: &Place, text: &str) -> Result<UserGroupId> {
    let (state, principal) = (&context.state, &context.principal);
    for pool in users::list_pools(state, principal, place.organization_id).await? {
        match groups::find_by_text(state, principal, pool.id, text).await {
            Ok(group) => return Ok(group.id),
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::invalid("group", "no group of this organization has this name"))
}
