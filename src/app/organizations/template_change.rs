//! Templates as the console makes and changes them: with a name of their own each.

use base::id::OrganizationId;
use model::{entity_tag::EntityTags, organization::Organization};

use super::{
    change::OrganizationChange,
    write::{self, ChangeRules, NewOrganization, UniqueName},
};
use crate::app::{Error, Result, State, principal::Principal, resource::Resource as _};

/// Creates a template. Its name is nobody else's: programs name a template by it.
pub async fn create(
    state: &State,
    principal: &Principal,
    change: &OrganizationChange,
) -> Result<Organization> {
    let new = NewOrganization { unique_name: UniqueName::AnyCase, ..NewOrganization::default() };
    let made = write::create(state, principal, &new, |template| {
        template.template = true;
        apply_change(template, state, change)
    });
    made.await.map_err(name_taken)
}

/// Changes a template. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn update(
    state: &State,
    principal: &Principal,
    id: OrganizationId,
    expected: Option<&EntityTags>,
    change: &OrganizationChange,
) -> Result<Organization> {
    let rules = ChangeRules {
        parent: None,
        shares: false,
        in_tree: true,
        unique_name: UniqueName::AnyCase,
        below: None,
    };
    let changed = write::update(state, principal, id, expected, &rules, |template| {
        apply_change(template, state, change)
    });
    changed.await.map_err(name_taken)
}

fn apply_change(template: &mut Organization, state: &State, change: &OrganizationChange) -> Result<()> {
    template.apply(state, change)?;
    match template.shown_name().trim().is_empty() {
        true => Err(Error::invalid("displayName", "is required")),
        false => Ok(()),
    }
}

fn name_taken(error: Error) -> Error {
    match error {
        Error::Conflict { field: "name", .. } => Error::invalid(
            "displayName",
            "is the name of another organization or template; a template’s must be its own, because programs name it by that",
        ),
        error => error,
    }
}
