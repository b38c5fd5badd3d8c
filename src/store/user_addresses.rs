//! Where users are reached.

use std::collections::BTreeMap;

use base::{
    id::{IdentityPoolId, UserId},
    time::Timestamp,
};
use model::user::UserAddress;

use super::{Conn, Error, Result, Sql, Transaction, batch::BATCH_SIZE};

#[derive(sqlx::FromRow)]
struct Row {
    user_id: UserId,
    kind: String,
    address: String,
    verified_at: Option<Timestamp>,
    status: String,
    preferred_contact_method: Option<String>,
    created_at: Timestamp,
}

impl Row {
    fn read(self) -> Result<(UserId, UserAddress)> {
        let wrong = |column| Error::inconsistent("user_addresses", column, self.user_id);
        let method = self.preferred_contact_method.as_deref().map(str::parse).transpose();
        let address = UserAddress {
            kind: self.kind.parse().map_err(|_| wrong("kind"))?,
            status: self.status.parse().map_err(|_| wrong("status"))?,
            preferred_contact_method: method.map_err(|_| wrong("preferred_contact_method"))?,
            address: self.address,
            verified_at: self.verified_at,
            created_at: self.created_at,
        };
        Ok((self.user_id, address))
    }
}

/// The addresses of these users, in the order of their addition. Each has a bounded number of them.
pub async fn list(conn: &mut Conn, ids: &[UserId]) -> Result<BTreeMap<UserId, Vec<UserAddress>>> {
    let mut found: BTreeMap<UserId, Vec<UserAddress>> = BTreeMap::new();
    for some in ids.chunks(BATCH_SIZE) {
        let sql = Sql::from(
            "SELECT user_id, kind, address, verified_at, status, preferred_contact_method, created_at \
             FROM user_addresses WHERE user_id IN (",
        )
        .values(some.iter().map(ToString::to_string))
        .push(") ORDER BY user_id, created_at, address_key");
        for row in conn.dynamic(sql).all::<Row>().await? {
            let (user, address) = row.read()?;
            found.entry(user).or_default().push(address);
        }
    }
    Ok(found)
}

/// Adds an address. [`Error::Duplicate`]: the user has it.
pub async fn insert(
    tx: &mut Transaction,
    pool_id: IdentityPoolId,
    user_id: UserId,
    address: &UserAddress,
) -> Result<()> {
    tx.sql(
        "INSERT INTO user_addresses (user_id, address_key, pool_id, kind, address, verified_at, status, \
         preferred_contact_method, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(user_id)
    .bind(address.key())
    .bind(pool_id)
    .bind(address.kind.as_str())
    .bind(address.address.as_str())
    .bind(address.verified_at)
    .bind(address.status.as_str())
    .bind(address.preferred_contact_method.map(|method| method.as_str()))
    .bind(address.created_at)
    .execute()
    .await?;
    Ok(())
}

/// Changes the address with the same key. Returns whether the user has it.
pub async fn update(tx: &mut Transaction, user_id: UserId, address: &UserAddress) -> Result<bool> {
    let touched = tx
        .sql(
            "UPDATE user_addresses SET address = $3, verified_at = $4, status = $5, preferred_contact_method = $6 \
             WHERE user_id = $1 AND address_key = $2",
        )
        .bind(user_id)
        .bind(address.key())
        .bind(address.address.as_str())
        .bind(address.verified_at)
        .bind(address.status.as_str())
        .bind(address.preferred_contact_method.map(|method| method.as_str()))
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Stores that a user proved an address. Returns whether they have it.
pub async fn update_verified(
    tx: &mut Transaction,
    user_id: UserId,
    address_key: &str,
    at: Timestamp,
) -> Result<bool> {
    let touched = tx
        .sql("UPDATE user_addresses SET verified_at = $3 WHERE user_id = $1 AND address_key = $2")
        .bind(user_id)
        .bind(address_key)
        .bind(at)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Removes an address of a user. Returns whether they had it.
pub async fn remove(tx: &mut Transaction, user_id: UserId, address_key: &str) -> Result<bool> {
    let gone = tx
        .sql("DELETE FROM user_addresses WHERE user_id = $1 AND address_key = $2")
        .bind(user_id)
        .bind(address_key)
        .execute()
        .await?;
    Ok(gone == 1)
}
