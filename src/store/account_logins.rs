//! Logins with an account: those of `login_flows` that have no connection. Each belongs to one sign-in under way, and is made when
//! somebody proves or fails something for the first time.

use base::{
    id::{LoginFlowId, OrganizationId, UserId},
    secret::SignInRequest,
    time::Timestamp,
};
use model::{email::Email, login_flow::LoginFlow};

use super::{
    Conn, Result, Sql, Transaction, columns,
    login_flows::{read, select},
};

/// The login of a sign-in under way: `new`, if it has none yet. `None`: there is no such sign-in. Its row is locked, so that two
/// attempts at once have one login.
pub async fn attach(
    tx: &mut Transaction,
    name: &SignInRequest,
    new: LoginFlowId,
) -> Result<Option<LoginFlowId>> {
    let row: Option<(LoginFlowId,)> = tx
        .sql(
            "UPDATE authorization_requests SET account_flow_id = COALESCE(account_flow_id, $2) WHERE request_sha256 = $1 \
             RETURNING account_flow_id",
        )
        .bind(name.digest_of_text())
        .bind(new)
        .optional()
        .await?;
    Ok(row.map(|(id,)| id))
}

/// How many logins with accounts of an organization that began after `since` were refused; counting stops at `max`.
pub async fn count_refused(
    conn: &mut Conn,
    organization: OrganizationId,
    since: Timestamp,
    max: i64,
) -> Result<i64> {
    let (count,): (i64,) = conn
        .sql(
            "SELECT COUNT(*) FROM (SELECT 1 FROM login_flows WHERE organization_id = $1 AND status = 'failed' AND id >= $2 \
             AND protocol = 'account' LIMIT $3) AS recent",
        )
        .bind(organization)
        .bind(LoginFlowId::lower_bound_at(since))
        .bind(max)
        .one()
        .await?;
    Ok(count)
}

/// The code of a login's last refusal.
pub async fn find_refusal(conn: &mut Conn, id: LoginFlowId) -> Result<Option<String>> {
    let row: Option<(Option<String>,)> =
        conn.sql("SELECT refusal FROM login_flows WHERE id = $1").bind(id).optional().await?;
    Ok(row.and_then(|(refusal,)| refusal))
}

/// Stores whose account the answer of an identity provider is about, and how they authenticated there.
pub async fn update_asserted(
    tx: &mut Transaction,
    id: LoginFlowId,
    user: UserId,
    amr: &[String],
) -> Result<()> {
    tx.sql("UPDATE login_flows SET user_id = $2, amr = $3 WHERE id = $1")
        .bind(id)
        .bind(user)
        .bind(columns::list_to_json(amr))
        .execute()
        .await?;
    Ok(())
}

/// Stores whose account somebody tries to sign in with, if it is one. The statement is the same for everybody.
pub async fn update_user(tx: &mut Transaction, id: LoginFlowId, user: Option<UserId>) -> Result<()> {
    tx.sql("UPDATE login_flows SET user_id = COALESCE($2, user_id) WHERE id = $1 AND answered_at IS NULL")
        .bind(id)
        .bind(user)
        .execute()
        .await?;
    Ok(())
}

/// Stores that somebody proved one thing, and is asked for another.
pub async fn update_proven(
    tx: &mut Transaction,
    id: LoginFlowId,
    claimed: Option<&Email>,
    amr: &[String],
    now: Timestamp,
) -> Result<()> {
    tx.sql(
        "UPDATE login_flows SET updated_at = $2, status = 'in_progress', refusal = NULL, amr = $3, \
         claimed_email = COALESCE($4, claimed_email), email_key = COALESCE($5, email_key) \
         WHERE id = $1 AND answered_at IS NULL",
    )
    .bind(id)
    .bind(now)
    .bind(columns::list_to_json(amr))
    .bind(claimed.map(Email::as_str))
    .bind(claimed.map(Email::key))
    .execute()
    .await?;
    Ok(())
}

/// Who signed in, and how.
#[derive(Debug)]
pub struct Accepted<'a> {
    /// Their address, if they have one.
    pub email: Option<&'a Email>,
    /// What proved who they are.
    pub amr: &'a [String],
    /// When they authenticated.
    pub authenticated_at: Timestamp,
}

/// Stores that somebody signed in. The login is complete once the application has redeemed its code; one for no application is
/// complete at once.
pub async fn update_accepted(
    tx: &mut Transaction,
    id: LoginFlowId,
    accepted: &Accepted<'_>,
    now: Timestamp,
) -> Result<()> {
    tx.sql(
        "UPDATE login_flows SET answered_at = $2, updated_at = $2, refusal = NULL, unfinished = FALSE, \
         status = CASE WHEN application_id IS NULL THEN 'succeeded' ELSE 'in_progress' END, \
         redeemed_at = CASE WHEN application_id IS NULL THEN CAST($2 AS BIGINT) END, \
         email = $3, email_key = $4, claimed_email = NULL, amr = $5, authenticated_at = $6 WHERE id = $1",
    )
    .bind(id)
    .bind(now)
    .bind(accepted.email.map(Email::as_str))
    .bind(accepted.email.map(Email::key))
    .bind(columns::list_to_json(accepted.amr))
    .bind(accepted.authenticated_at)
    .execute()
    .await?;
    Ok(())
}

/// The latest logins of an account, the newest first.
pub async fn list_by_user(conn: &mut Conn, id: UserId, limit: i64) -> Result<Vec<LoginFlow>> {
    let rows = conn.sql(select("WHERE user_id = $1 ORDER BY id DESC LIMIT $2"));
    rows.bind(id).bind(limit).rows().await?.iter().map(read).collect()
}

/// Removes from the logins of these accounts whom they were of: addresses, attributes, the application's state, and what checks
/// and documents say. What stays tells when a login was, and how it ended.
pub async fn forget(conn: &mut Conn, ids: &[String]) -> Result<()> {
    let of = |text| Sql::from(text).values(ids.iter().map(String::as_str));
    let steps = of("UPDATE login_flow_steps SET checks = '[]', document = NULL, document_expires_at = NULL \
         WHERE flow_id IN (SELECT id FROM login_flows WHERE user_id IN (");
    conn.dynamic(steps.push("))")).execute().await?;
    let flows = of(
        "UPDATE login_flows SET email = NULL, claimed_email = NULL, email_key = NULL, attributes = NULL, state = NULL, \
         user_id = NULL WHERE user_id IN (",
    );
    conn.dynamic(flows.push(")")).execute().await?;
    Ok(())
}
