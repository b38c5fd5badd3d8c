//! The schemas of a pool, which cannot be removed while it uses them.

use base::id::{IdKind as _, IdentitySchemaId, IdentitySchemaKind};
use model::identity_pool::IdentityPool;

use crate::{
    app::{Error, Result},
    store::{Transaction, identity_schemas},
};

/// Locks the environment's own schemas that a pool is about to use. [`Error::NotFound`]: the environment does not have one.
pub(super) async fn lock(tx: &mut Transaction, pool: &IdentityPool) -> Result<()> {
    let mut ids: Vec<IdentitySchemaId> = pool.own_schemas().collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        if !identity_schemas::lock_shared(tx, pool.environment_id, id).await? {
            return Err(Error::not_found(IdentitySchemaKind::NOUN, id));
        }
    }
    Ok(())
}
