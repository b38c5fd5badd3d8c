//! Ends what people have with their accounts when a directory takes their access away, or a connection is switched off.

use base::{
    connection_id::ConnectionId,
    id::{OrganizationId, UserId},
    time::Timestamp,
};

use super::{Conn, Result, Sql, Transaction, batch::BATCH_SIZE, users};

/// Ends the sessions, grants and tokens of those users of an organization's own pools who sign in with one of these addresses, have
/// proven it, or were last asserted with it by a connection of the organization. `emails` are keys ([`model::email::Email::key`]).
pub async fn end_use_of_addresses(
    tx: &mut Transaction,
    organization_id: OrganizationId,
    emails: &[String],
    now: Timestamp,
) -> Result<()> {
    for some in emails.chunks(BATCH_SIZE) {
        for user in list(tx, organization_id, some).await? {
            users::end_use(tx, user, now).await?;
        }
    }
    Ok(())
}

/// The users of an organization's pools with these addresses.
async fn list(conn: &mut Conn, organization_id: OrganizationId, emails: &[String]) -> Result<Vec<UserId>> {
    let pools = || {
        Sql::from("(SELECT p.id FROM identity_pools p WHERE p.deleted_at IS NULL AND p.organization_id = ")
            .value(organization_id.to_string())
            .push(")")
    };
    let keys = |sql: Sql| sql.push(" IN (").values(emails.iter().map(String::as_str)).push(")");
    let identifiers =
        Sql::from("SELECT i.user_id FROM user_identifiers i WHERE i.pool_id IN ").append(pools());
    let addresses = Sql::from(
        " UNION SELECT a.user_id FROM user_addresses a WHERE a.verified_at IS NOT NULL AND a.pool_id IN ",
    )
    .append(pools());
    let federated = Sql::from(" UNION SELECT i.user_id FROM federated_identities f JOIN user_identifiers i ON i.identifier_key IN ")
        .push("(' federated ' || f.connection_id || '#' || f.subject_sha256, ' federated ' || f.connection_id || '#' || f.email_key)")
        .push(" AND i.pool_id IN ")
        .append(pools())
        .push(" WHERE f.organization_id = ")
        .value(organization_id.to_string());
    let sql = keys(identifiers.push(" AND i.identifier_key"))
        .append(keys(addresses.push(" AND a.address_key")))
        .append(keys(federated.push(" AND f.email_key")));
    let rows: Vec<(UserId,)> = conn.dynamic(sql).all().await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Ends the sessions of users that were begun through a connection, with their grants and tokens.
pub async fn end_use_through_connection(
    tx: &mut Transaction,
    connection_id: ConnectionId,
    now: Timestamp,
) -> Result<()> {
    for text in [
        "UPDATE signed_access_tokens SET revoked_at = $2 WHERE revoked_at IS NULL \
         AND session_id IN (SELECT id FROM sessions WHERE connection_id = $1)",
        "UPDATE authorization_grants SET revoked_at = $2 WHERE revoked_at IS NULL \
         AND session_id IN (SELECT id FROM sessions WHERE connection_id = $1)",
        "UPDATE sessions SET revoked_at = $2 WHERE connection_id = $1 AND revoked_at IS NULL",
    ] {
        tx.sql(text).bind(connection_id).bind(now).execute().await?;
    }
    Ok(())
}
