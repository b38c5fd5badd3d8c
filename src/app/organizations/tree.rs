//! Which organization is below which. The tree changes under the lock of its environment only (`store/organization_tree.rs`).
//!
//! What is switched off has nothing below it that is in use: so no login has to look at the organizations above its own.

use base::id::{EnvironmentId, OrganizationId};
use model::{
    organization::{Organization, root_id},
    organization_reference::OrganizationRef,
};

use super::error::OrganizationError;
use crate::{
    app::{Error, Result, input},
    store::{self, Transaction, organization_tree, table},
};

/// How many levels the tree may have below the root.
const MAX_DEPTH: i64 = 32;

/// The parent that a caller names, locked: by its id in any encoding or its alias. Empty is the root organization.
pub(super) async fn find_parent(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    text: &str,
) -> Result<OrganizationId> {
    let root = root_id(environment_id);
    if text.is_empty() {
        return Ok(root);
    }
    let not_found = || Error::not_found("parent", input::quoted(text));
    let reference = OrganizationRef::parse(text).map_err(|_| not_found())?;
    let id = store::organizations::resolve(tx, environment_id, &reference).await?.ok_or_else(not_found)?;
    if id == root {
        return Ok(root);
    }
    match table::lock::<Organization>(tx, environment_id, id).await? {
        true => Ok(id),
        false => Err(not_found()),
    }
}

/// Requires that `row` may be where it is. Callers hold the locks of the environment and of the parent.
pub(super) async fn check(
    tx: &mut Transaction,
    before: Option<&Organization>,
    row: &Organization,
) -> Result<()> {
    if let Some(before) = before
        && row.is_disabled()
        && !before.is_disabled()
        && organization_tree::has_children(tx, row.id, true).await?
    {
        return Err(OrganizationError::HasActiveChildren.into());
    }
    let Some(parent_id) = row.parent() else { return Ok(()) };
    let moves = before.is_none_or(|before| before.parent_id != row.parent_id);
    let starts = before.is_none_or(|before| before.is_disabled() && !row.is_disabled());
    if !moves && !starts {
        return Ok(());
    }
    let parent: Option<Organization> = table::find(tx, row.environment_id, parent_id).await?;
    let parent = parent.ok_or_else(|| Error::not_found("parent", parent_id))?;
    if moves && organization_tree::is_below(tx, row.id, parent_id).await? {
        return Err(OrganizationError::ParentCycle.into());
    }
    if parent.template {
        return Err(OrganizationError::IsTemplate("organizations below it").into());
    }
    if parent.is_disabled() && !row.is_disabled() {
        return Err(OrganizationError::ParentDisabled.into());
    }
    let levels = organization_tree::depth_of(tx, parent_id).await?
        + organization_tree::height_of(tx, row.id).await?
        + 1;
    if levels > MAX_DEPTH {
        return Err(Error::invalid("parentId", format!("there may be {MAX_DEPTH} levels at most")));
    }
    Ok(())
}
