//! Access tokens.

use base::{id::GrantId, secret::Digest, time::Timestamp};

use super::{
    Conn,
    authorization_grants::{Login, LoginColumns, login_columns},
    error::Result,
    login_eligibility::{EligibilityColumns, LoginEligibility, eligibility_columns},
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

/// A statement's columns: the login of a token, and what decides about it.
#[derive(sqlx::FromRow)]
struct TokenColumns {
    #[sqlx(flatten)]
    login: LoginColumns,
    #[sqlx(flatten)]
    eligibility: EligibilityColumns,
}

/// The login of an access token that has not expired, whose grant is good, and whose client and organization still exist;
/// the client is not switched off. With it comes what decides whether its person may still sign in: one statement, because
/// every login runs it.
pub async fn find_login(
    conn: &mut Conn,
    token: Digest,
    now: Timestamp,
) -> Result<Option<(Login, Option<LoginEligibility>)>> {
    // The domain is what follows the only `@` of the address's normal form: `rtrim` leaves what precedes it, and `@`.
    let row: Option<TokenColumns> = conn
        .sql(concat!(
            "SELECT ",
            login_columns!(),
            ", ",
            eligibility_columns!(
                "g.organization_id",
                "g.connection_id",
                "substr(g.email_key, length(rtrim(g.email_key, replace(g.email_key, '@', ''))) + 1)"
            ),
            " FROM access_tokens t JOIN authorization_grants g ON g.id = t.grant_id AND g.revoked_at IS NULL \
             JOIN oauth_clients c ON c.id = g.client_id AND NOT c.disabled \
             JOIN organizations o ON o.id = g.organization_id AND o.deleted_at IS NULL \
             WHERE t.token_sha256 = $1 AND t.expires_at > $2 AND t.revoked_at IS NULL"
        ))
        .bind(token)
        .bind(now)
        .optional()
        .await?;
    row.map(|row| Ok((row.login.try_into()?, row.eligibility.read()))).transpose()
}
