//! Access tokens.

use base::{id::GrantId, secret::Digest, time::Timestamp};

use super::{
    Conn,
    authorization_grants::{Login, LoginColumns, login_columns},
    error::Result,
};

/// Adds an access token to a grant.
pub async fn insert(
    conn: &mut Conn,
    token: Digest,
    grant: GrantId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    conn.sql(
        "INSERT INTO access_tokens (token_sha256, grant_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(token)
    .bind(grant)
    .bind(now)
    .bind(expires_at)
    .execute()
    .await?;
    Ok(())
}

/// The login of an access token that has not expired, whose grant is good, and whose client and organization still exist;
/// the client is not switched off.
pub async fn find_login(conn: &mut Conn, token: Digest, now: Timestamp) -> Result<Option<Login>> {
    let row: Option<LoginColumns> = conn
        .sql(concat!(
            "SELECT ",
            login_columns!(),
            " FROM access_tokens t JOIN authorization_grants g ON g.id = t.grant_id AND g.revoked_at IS NULL \
             JOIN oauth_clients c ON c.id = g.client_id AND NOT c.disabled \
             JOIN organizations o ON o.id = g.organization_id AND o.deleted_at IS NULL \
             WHERE t.token_sha256 = $1 AND t.expires_at > $2 AND t.revoked_at IS NULL"
        ))
        .bind(token)
        .bind(now)
        .optional()
        .await?;
    row.map(Login::try_from).transpose()
}
