//! Writes the columns by which lists of organizations are sorted and their names are unique, for organizations that were written
//! by programs that did not know them: before schema 0063, or by replicas of then that were not replaced yet. When all have
//! them, a run is one query of an empty index.

use base::id::{EnvironmentId, OrganizationId};
use model::organization::Organization;

use crate::{
    app::{Result, State},
    store::{organization_keys, table},
};

/// How many organizations a run writes, so that requests get their turn at the database.
const MAX_ORGANIZATIONS: i64 = 5000;

/// Writes those of up to 5,000 organizations, one transaction each. Returns how many.
pub async fn write(state: &State) -> Result<usize> {
    let without = {
        let mut conn = state.db.read().await?;
        organization_keys::list_without(&mut conn, MAX_ORGANIZATIONS).await?
    };
    let (mut written, mut failure) = (0, None);
    for (environment_id, id) in &without {
        // One that fails does not keep the others waiting.
        match write_of(state, *environment_id, *id).await {
            Ok(()) => written += 1,
            Err(error) => failure = Some(error),
        }
    }
    if written > 0 {
        tracing::info!(organizations = written, "wrote the sort keys of organizations");
    }
    failure.map_or(Ok(written), Err)
}

async fn write_of(state: &State, environment_id: EnvironmentId, id: OrganizationId) -> Result<()> {
    let mut tx = state.db.write().await?;
    let found: Option<Organization> = table::find_for_update(&mut tx, environment_id, id).await?;
    if let Some(organization) = found {
        organization_keys::write(&mut tx, &organization).await?;
        tx.commit().await?;
    }
    Ok(())
}
