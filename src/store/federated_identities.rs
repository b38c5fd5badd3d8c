//! Federated identities: the people of a connection, as their identity provider names them.

use base::{connection_id::ConnectionId, time::Timestamp};
use model::federated_identity::FederatedIdentity;

use super::{Conn, Result, Transaction, batch::DELETE_BATCH_SIZE};

/// Stores that the person signed in.
pub async fn upsert(tx: &mut Transaction, identity: &FederatedIdentity) -> Result<()> {
    tx.sql(
        "INSERT INTO federated_identities (connection_id, subject_sha256, environment_id, organization_id, subject, format, \
         name_qualifier, sp_name_qualifier, sp_provided_id, email, email_key, session_index, created_at, last_login_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13) \
         ON CONFLICT (connection_id, subject_sha256) DO UPDATE SET sp_provided_id = excluded.sp_provided_id, \
         email = excluded.email, email_key = excluded.email_key, session_index = excluded.session_index, \
         last_login_at = excluded.last_login_at",
    )
    .bind(identity.connection_id)
    .bind(identity.digest())
    .bind(identity.environment_id)
    .bind(identity.organization_id)
    .bind(identity.subject.as_str())
    .bind(identity.format.as_deref())
    .bind(identity.name_qualifier.as_deref())
    .bind(identity.sp_name_qualifier.as_deref())
    .bind(identity.sp_provided_id.as_deref())
    .bind(identity.email.as_str())
    .bind(identity.email.key())
    .bind(identity.session_index.as_deref())
    .bind(identity.last_login_at)
    .execute()
    .await?;
    Ok(())
}

/// Removes the identities of a connection that is removed.
pub async fn remove_of_connection(tx: &mut Transaction, connection: ConnectionId) -> Result<()> {
    tx.sql("DELETE FROM federated_identities WHERE connection_id = $1").bind(connection).execute().await?;
    Ok(())
}

/// Deletes the identities of people who last signed in before `before`. Returns how many.
pub async fn remove_old(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM federated_identities WHERE (connection_id, subject_sha256) IN \
         (SELECT connection_id, subject_sha256 FROM federated_identities WHERE last_login_at < $1 LIMIT $2)",
    )
    .bind(before)
    .bind(DELETE_BATCH_SIZE)
    .execute()
    .await
}
