//! Writes the ids and the search words of domains that were added by programs that wrote none: before schema 0021, or by
//! replicas of then that were not replaced yet. When all have one, a run is one query of an empty index.

use base::id::{EnvironmentId, OrganizationId};
use model::organization::Organization;

use crate::{
    app::{Result, State},
    store::{organization_domains, table},
};

/// How many organizations a run repairs, so that requests get their turn at the database.
const MAX_ORGANIZATIONS: i64 = 1000;

/// Repairs up to 1,000 organizations, one transaction each. Returns how many.
pub async fn write(state: &State) -> Result<usize> {
    let without = {
        let mut conn = state.db.read().await?;
        organization_domains::list_without_ids(&mut conn, MAX_ORGANIZATIONS).await?
    };
    let (mut written, mut failure) = (0, None);
    for (environment_id, organization_id) in &without {
        // One that fails does not keep the others waiting.
        match write_of(state, *environment_id, *organization_id).await {
            Ok(()) => written += 1,
            Err(error) => failure = Some(error),
        }
    }
    if written > 0 {
        tracing::info!(organizations = written, "wrote the ids and search words of domains");
    }
    failure.map_or(Ok(written), Err)
}

async fn write_of(state: &State, environment_id: EnvironmentId, id: OrganizationId) -> Result<()> {
    let mut tx = state.db.write().await?;
    if table::lock::<Organization>(&mut tx, environment_id, id).await? {
        organization_domains::write_ids(&mut tx, environment_id, id).await?;
        tx.commit().await?;
    }
    Ok(())
}
