//! A pool's setting whether the case of names counts, changed while there are users.

use model::{
    identity_pool::IdentityPool,
    user::{IdentifierKey, IdentifierKind, IdentifierText},
};

use crate::{
    app::{Error, Result},
    store::{self, Transaction, user_identifiers},
};

/// The maximum number of names that one change gives another normal form.
const MAX_NAMES: i64 = 5000;

/// Gives the names in a pool the normal form that its new setting asks for, in the transaction that changes the setting and
/// holds the lock of the pool. [`Error::FailedPrecondition`]: two of them would be the same, or they are too many.
pub async fn apply_case(tx: &mut Transaction, pool: &IdentityPool) -> Result<()> {
    let names = user_identifiers::list_names(tx, pool.id, MAX_NAMES + 1).await?;
    if i64::try_from(names.len()).is_ok_and(|count| count > MAX_NAMES) {
        return Err(Error::FailedPrecondition(
            format!(
                "whether case counts can be changed only while the pool has at most {MAX_NAMES} user names; \
                 make another pool"
            )
            .into(),
        ));
    }
    for (old, text) in names {
        let key: IdentifierKey =
            IdentifierText::stored(IdentifierKind::Uid, text).key(pool.identifier_case_insensitive);
        if key.as_str() == old {
            continue;
        }
        user_identifiers::update_key(tx, pool.id, &old, &key).await.map_err(|error| match error {
            store::Error::Duplicate => Error::FailedPrecondition(
                "two user names of the pool differ in nothing but case; change one of them first".into(),
            ),
            error => error.into(),
        })?;
    }
    Ok(())
}
