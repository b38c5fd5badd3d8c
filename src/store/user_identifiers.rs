//! By what users are found. A pool holds each normal form once: the primary key decides every race.

use std::collections::BTreeMap;

use base::{
    id::{IdentityPoolId, UserId},
    time::Timestamp,
};
use model::user::{IdentifierKey, IdentifierKind, IdentifierText, UserIdentifier};

use super::{Conn, Error, Result, Sql, Transaction, batch::BATCH_SIZE, columns};

#[derive(sqlx::FromRow)]
struct Row {
    user_id: UserId,
    kind: String,
    identifier: String,
    metadata: String,
    created_at: Timestamp,
}

impl Row {
    fn read(self) -> Result<(UserId, UserIdentifier)> {
        let wrong = |column| Error::inconsistent("user_identifiers", column, self.user_id);
        let kind: IdentifierKind = self.kind.parse().map_err(|_| wrong("kind"))?;
        let metadata = columns::object_from_json(&self.metadata).ok_or_else(|| wrong("metadata"))?;
        let text = IdentifierText::stored(kind, self.identifier);
        Ok((self.user_id, UserIdentifier { text, metadata, created_at: self.created_at }))
    }
}

/// The identifiers of these users, in the order of their addition. Each has a bounded number of them.
pub async fn list(conn: &mut Conn, ids: &[UserId]) -> Result<BTreeMap<UserId, Vec<UserIdentifier>>> {
    let mut found: BTreeMap<UserId, Vec<UserIdentifier>> = BTreeMap::new();
    for some in ids.chunks(BATCH_SIZE) {
        let sql = Sql::from(
            "SELECT user_id, kind, identifier, metadata, created_at FROM user_identifiers WHERE user_id IN (",
        )
        .values(some.iter().map(ToString::to_string))
        .push(") ORDER BY user_id, created_at, identifier_key");
        for row in conn.dynamic(sql).all::<Row>().await? {
            let (user, identifier) = row.read()?;
            found.entry(user).or_default().push(identifier);
        }
    }
    Ok(found)
}

/// Adds an identifier. [`Error::Duplicate`]: a user of the pool has it, perhaps this one.
pub async fn insert(
    tx: &mut Transaction,
    pool_id: IdentityPoolId,
    user_id: UserId,
    identifier: &UserIdentifier,
    key: &IdentifierKey,
) -> Result<()> {
    tx.sql(
        "INSERT INTO user_identifiers (pool_id, identifier_key, user_id, kind, identifier, metadata, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(pool_id)
    .bind(key.as_str())
    .bind(user_id)
    .bind(identifier.text.kind().as_str())
    .bind(identifier.text.as_str())
    .bind(columns::object_to_json(&identifier.metadata))
    .bind(identifier.created_at)
    .execute()
    .await?;
    Ok(())
}

/// Changes an identifier that has the same key, of this user.
pub async fn update(
    tx: &mut Transaction,
    pool_id: IdentityPoolId,
    user_id: UserId,
    identifier: &UserIdentifier,
    key: &IdentifierKey,
) -> Result<()> {
    tx.sql(
        "UPDATE user_identifiers SET kind = $4, identifier = $5, metadata = $6 \
         WHERE pool_id = $1 AND identifier_key = $2 AND user_id = $3",
    )
    .bind(pool_id)
    .bind(key.as_str())
    .bind(user_id)
    .bind(identifier.text.kind().as_str())
    .bind(identifier.text.as_str())
    .bind(columns::object_to_json(&identifier.metadata))
    .execute()
    .await?;
    Ok(())
}

/// Removes an identifier of a user. Returns whether they had it.
pub async fn remove(
    tx: &mut Transaction,
    pool_id: IdentityPoolId,
    user_id: UserId,
    key: &IdentifierKey,
) -> Result<bool> {
    let gone = tx
        .sql("DELETE FROM user_identifiers WHERE pool_id = $1 AND identifier_key = $2 AND user_id = $3")
        .bind(pool_id)
        .bind(key.as_str())
        .bind(user_id)
        .execute()
        .await?;
    Ok(gone == 1)
}

/// Up to `limit` names of a pool, whose case may count: the stored key and the text.
pub async fn list_names(
    tx: &mut Transaction,
    pool_id: IdentityPoolId,
    limit: i64,
) -> Result<Vec<(String, String)>> {
    tx.sql(
        "SELECT identifier_key, identifier FROM user_identifiers WHERE pool_id = $1 AND kind = 'uid' \
         ORDER BY identifier_key LIMIT $2",
    )
    .bind(pool_id)
    .bind(limit)
    .all()
    .await
}

/// Gives a name of a pool another normal form. [`Error::Duplicate`]: a user of the pool has that.
pub async fn update_key(
    tx: &mut Transaction,
    pool_id: IdentityPoolId,
    old: &str,
    new: &IdentifierKey,
) -> Result<()> {
    tx.sql("UPDATE user_identifiers SET identifier_key = $3 WHERE pool_id = $1 AND identifier_key = $2")
        .bind(pool_id)
        .bind(old)
        .bind(new.as_str())
        .execute()
        .await?;
    Ok(())
}
