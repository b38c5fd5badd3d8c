//! Removes from old logins whom they were of. What stays tells when a login was, through which connection, and how it ended.

use base::{id::LoginFlowId, time::Timestamp};

use super::{Result, Transaction, settings};

/// The value in `settings` with the id of the last login from which the person was removed. Logins are walked by their ids,
/// which sort by their start: neither a column nor an index is needed for it.
const LAST: &str = "login_people_removed_until";

/// How many logins one call changes.
const BATCH: i64 = 500;

/// Removes addresses, attributes, the app's state, documents and checks from a batch of the logins that started before `before`. Returns how
/// many.
pub async fn remove(tx: &mut Transaction, before: Timestamp) -> Result<u64> {
    let last = settings::find(tx, LAST).await?.unwrap_or_default();
    let ids: Vec<(String,)> = tx
        .sql("SELECT id FROM login_flows WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3")
        .bind(last.as_str())
        .bind(LoginFlowId::lower_bound_at(before))
        .bind(BATCH)
        .all()
        .await?;
    let Some((newest,)) = ids.last() else { return Ok(0) };
    tx.sql(
        "UPDATE login_flows SET email = NULL, claimed_email = NULL, email_key = NULL, attributes = NULL, state = NULL, \
         user_id = NULL WHERE id > $1 AND id <= $2 \
         AND (email_key IS NOT NULL OR attributes IS NOT NULL OR state IS NOT NULL OR user_id IS NOT NULL)",
    )
    .bind(last.as_str())
    .bind(newest.as_str())
    .execute()
    .await?;
    tx.sql(
        "UPDATE login_flow_steps SET checks = '[]', document = NULL, document_expires_at = NULL \
         WHERE flow_id > $1 AND flow_id <= $2 AND (checks <> '[]' OR document IS NOT NULL)",
    )
    .bind(last.as_str())
    .bind(newest.as_str())
    .execute()
    .await?;
    settings::upsert(tx, LAST, newest).await?;
    Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
}
