//! Login flows: the table `login_flows`, with the requests to identity providers in `saml_authn_requests`: the ID of a SAML
//! AuthnRequest, or the `state` of an authorization request by OpenID Connect. Timelines are in
//! `login_flow_steps`, the replay cache in `saml_assertions_seen`.

use base::{
    connection_id::ConnectionId,
    id::{EnvironmentId, LoginFlowId},
    time::Timestamp,
};
use model::{
    email::Email,
    login_flow::{Attributes, FlowStatus, LoginFlow, OauthRequest, PendingRequest},
};

use super::{
    Conn, Error, Result,
    batch::DELETE_BATCH_SIZE,
    columns,
    connection::{Row, Statement},
    table::text_of,
};

/// The columns that are read. They are listed, never `*`: when the next release adds a column, statements that a running
/// replica has prepared must stay valid.
const COLUMNS: &[&str] = &[
    "id",
    "environment_id",
    "organization_id",
    "protocol",
    "connection_id",
    "user_id",
    "application_id",
    "amr",
    "origin",
    "status",
    "refusal",
    "state",
    "email",
    "claimed_email",
    "attributes",
    "request_expires_at",
    "answered_at",
    "browser_sha256",
    "oauth_client_id",
    "oauth_redirect_uri",
    "oauth_redirect_uri_sent",
    "oauth_nonce",
    "oauth_code_challenge",
    "oauth_scope",
    "force_authn",
    "authenticated_at",
    "redeemed_at",
    "created_at",
    "updated_at",
];

/// The ID of the AuthnRequest that was sent last.
const REQUEST_ID: &str = "(SELECT r.request_id FROM saml_authn_requests r WHERE r.flow_id = login_flows.id)";

/// All columns, called by their names after `prefix`: [`read`] reads them from the part of a row with this prefix.
pub(super) fn columns_as(prefix: &str) -> String {
    let own = COLUMNS.iter().map(|name| format!("login_flows.{name} AS {prefix}{name}"));
    own.chain([format!("{REQUEST_ID} AS {prefix}request_id")]).collect::<Vec<_>>().join(", ")
}

/// `SELECT` of every column; `rest` follows `FROM login_flows`.
pub(super) fn select(rest: &'static str) -> &'static str {
    text_of(["login_flows", "select", rest], || format!("SELECT {} FROM login_flows {rest}", columns_as("")))
}

/// The flow of a row with all columns.
pub(super) fn read(row: &Row) -> Result<LoginFlow> {
    let id: LoginFlowId = row.get("id")?;
    let broken = |column| Error::inconsistent("login_flows", column, id);
    let request = match (row.get("request_id")?, row.get("browser_sha256")?, row.get("request_expires_at")?) {
        (Some(id), Some(browser), Some(expires_at)) => Some(PendingRequest { id, browser, expires_at }),
        _ => None,
    };
    let oauth = match (row.get("oauth_client_id")?, row.get("oauth_redirect_uri")?) {
        (Some(client_id), Some(redirect_uri)) => Some(OauthRequest {
            client_id,
            redirect_uri,
            redirect_uri_sent: row.get::<Option<bool>>("oauth_redirect_uri_sent")?.unwrap_or(false),
            nonce: row.get("oauth_nonce")?,
            code_challenge: row.get("oauth_code_challenge")?,
            scope: row.get("oauth_scope")?,
        }),
        _ => None,
    };
    let address = |column| match row.get::<Option<String>>(column)? {
        Some(text) => Email::parse(&text).map(Some).ok_or_else(|| broken(column)),
        None => Ok(None),
    };
    // Earlier releases stored them as JSON, in clear.
    let (clear, sealed_attributes) = match row.get::<Option<String>>("attributes")? {
        Some(json) if json.starts_with('{') => (Some(json), None),
        sealed => (None, sealed),
    };
    let attributes: Attributes = match clear {
        Some(json) => serde_json::from_str(&json).map_err(|_| broken("attributes"))?,
        None => Attributes::new(),
    };
    Ok(LoginFlow {
        id,
        environment_id: row.get("environment_id")?,
        organization_id: row.get("organization_id")?,
        protocol: row.get::<String>("protocol")?.parse().map_err(|_| broken("protocol"))?,
        connection_id: row.get("connection_id")?,
        user_id: row.get("user_id")?,
        application_id: row.get("application_id")?,
        amr: match row.get::<Option<String>>("amr")? {
            Some(json) => columns::list_from_json(&json).ok_or_else(|| broken("amr"))?,
            None => Vec::new(),
        },
        origin: row.get::<String>("origin")?.parse().map_err(|_| broken("origin"))?,
        status: row.get::<String>("status")?.parse().map_err(|_| broken("status"))?,
        refusal: row.get("refusal")?,
        state: row.get("state")?,
        email: address("email")?,
        claimed_email: address("claimed_email")?,
        attributes,
        sealed_attributes,
        request,
        oauth,
        force_authn: row.get("force_authn")?,
        authenticated_at: row.get("authenticated_at")?,
        answered_at: row.get("answered_at")?,
        redeemed_at: row.get("redeemed_at")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

async fn optional(statement: Statement<'_>) -> Result<Option<LoginFlow>> {
    statement.first_row().await?.as_ref().map(read).transpose()
}

/// Inserts a flow, with its request if it has one.
pub async fn insert(conn: &mut Conn, flow: &LoginFlow) -> Result<()> {
    let request = flow.request.as_ref();
    let oauth = flow.oauth.as_ref();
    conn.sql(
        "INSERT INTO login_flows (id, environment_id, organization_id, connection_id, origin, status, refusal, \
         state, email, attributes, request_expires_at, answered_at, browser_sha256, oauth_client_id, oauth_redirect_uri, \
         oauth_redirect_uri_sent, oauth_nonce, oauth_code_challenge, oauth_scope, force_authn, authenticated_at, redeemed_at, \
         created_at, updated_at, email_key, claimed_email, unfinished, protocol, user_id, application_id, amr) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
         $23, $24, $25, $26, $27, $28, $29, $30, $31)",
    )
    .bind(flow.id)
    .bind(flow.environment_id)
    .bind(flow.organization_id)
    .bind(flow.connection_id)
    .bind(flow.origin.as_str())
    .bind(flow.status.as_str())
    .bind(flow.refusal.as_deref())
    .bind(flow.state.as_deref())
    .bind(flow.email.as_ref().map(Email::as_str))
    .bind(flow.sealed_attributes.as_deref())
    .bind(request.map(|r| r.expires_at))
    .bind(flow.answered_at)
    .bind(request.map(|r| r.browser))
    .bind(oauth.map(|o| o.client_id))
    .bind(oauth.map(|o| o.redirect_uri.as_str()))
    .bind(oauth.map(|o| o.redirect_uri_sent))
    .bind(oauth.and_then(|o| o.nonce.as_deref()))
    .bind(oauth.and_then(|o| o.code_challenge.as_deref()))
    .bind(oauth.and_then(|o| o.scope.as_deref()))
    .bind(flow.force_authn)
    .bind(flow.authenticated_at)
    .bind(flow.redeemed_at)
    .bind(flow.created_at)
    .bind(flow.updated_at)
    .bind(flow.email.as_ref().or(flow.claimed_email.as_ref()).map(Email::key))
    .bind(flow.claimed_email.as_ref().map(Email::as_str))
    .bind(flow.status == FlowStatus::InProgress && flow.email.is_none())
    .bind(flow.protocol.as_str())
    .bind(flow.user_id)
    .bind(flow.application_id)
    .bind((!flow.amr.is_empty()).then(|| columns::list_to_json(&flow.amr)))
    .execute()
    .await?;
    match request {
        Some(request) => upsert_request(conn, flow.id, request).await,
        None => Ok(()),
    }
}

/// Stores the ID of the AuthnRequest that was sent last.
async fn upsert_request(conn: &mut Conn, flow: LoginFlowId, request: &PendingRequest) -> Result<()> {
    conn.sql(
        "INSERT INTO saml_authn_requests (request_id, flow_id) VALUES ($1, $2) \
         ON CONFLICT (flow_id) DO UPDATE SET request_id = excluded.request_id",
    )
    .bind(request.id.as_str())
    .bind(flow)
    .execute()
    .await?;
    Ok(())
}

/// The flow with this id, of this connection.
pub async fn find(conn: &mut Conn, connection: ConnectionId, id: LoginFlowId) -> Result<Option<LoginFlow>> {
    optional(conn.sql(select("WHERE id = $1 AND connection_id = $2")).bind(id).bind(connection)).await
}

/// The flow with this id, in any environment: for the command line.
pub async fn find_in_any_environment(conn: &mut Conn, id: LoginFlowId) -> Result<Option<LoginFlow>> {
    optional(conn.sql(select("WHERE id = $1")).bind(id)).await
}

/// The flow with this id, of this environment.
pub async fn find_in_environment(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: LoginFlowId,
) -> Result<Option<LoginFlow>> {
    optional(conn.sql(select("WHERE id = $1 AND environment_id = $2")).bind(id).bind(environment)).await
}

/// The flow whose AuthnRequest has this ID, of this connection.
pub async fn find_by_request(
    conn: &mut Conn,
    connection: ConnectionId,
    request_id: &str,
) -> Result<Option<LoginFlow>> {
    let text = select(
        "WHERE id = (SELECT flow_id FROM saml_authn_requests WHERE request_id = $1) AND connection_id = $2",
    );
    optional(conn.sql(text).bind(request_id).bind(connection)).await
}

/// Sets the AuthnRequest that the flow waits for, unless an earlier one was answered already. Returns whether
/// it did.
pub async fn update_request(
    conn: &mut Conn,
    id: LoginFlowId,
    request: &PendingRequest,
    now: Timestamp,
) -> Result<bool> {
    let rows = conn
        .sql(
            "UPDATE login_flows SET browser_sha256 = $1, request_expires_at = $2, status = 'in_progress', updated_at = $3 \
             WHERE id = $4 AND answered_at IS NULL",
        )
        .bind(request.browser)
        .bind(request.expires_at)
        .bind(now)
        .bind(id)
        .execute()
        .await?;
    if rows == 1 {
        upsert_request(conn, id, request).await?;
    }
    Ok(rows == 1)
}

/// Gives the request that a flow waits for another ID, by which no answer names it. Returns whether it had this one.
pub async fn replace_request(conn: &mut Conn, id: LoginFlowId, from: &str, to: &str) -> Result<bool> {
    let rows = conn
        .sql("UPDATE saml_authn_requests SET request_id = $3 WHERE request_id = $2 AND flow_id = $1")
        .bind(id)
        .bind(from)
        .bind(to)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Stores the accepted response of `request`: the answered flow, as it is from now on. Only the first response before the
/// request expires is accepted; returns whether this was it.
///
/// A request that replaced this one while the statement waited for the row is seen by its browser or its expiry: those
/// conditions are repeated on the row after the wait, what it reads of other tables is not (PostgreSQL, READ COMMITTED).
pub async fn consume_request(
    conn: &mut Conn,
    answered: &LoginFlow,
    request: &PendingRequest,
    now: Timestamp,
) -> Result<bool> {
    let rows = conn
        .sql(
            "UPDATE login_flows SET answered_at = $1, updated_at = $1, status = $2, refusal = NULL, unfinished = FALSE, \
             email = $3, email_key = $4, claimed_email = NULL, attributes = $5, authenticated_at = $6 \
             WHERE id = $7 AND answered_at IS NULL AND request_expires_at > $1 \
             AND browser_sha256 = $8 AND request_expires_at = $9 \
             AND EXISTS (SELECT 1 FROM saml_authn_requests r WHERE r.request_id = $10 AND r.flow_id = $7)",
        )
        .bind(now)
        .bind(answered.status.as_str())
        .bind(answered.email.as_ref().map(Email::as_str))
        .bind(answered.email.as_ref().map(Email::key))
        .bind(answered.sealed_attributes.as_deref())
        .bind(answered.authenticated_at)
        .bind(answered.id)
        .bind(request.browser)
        .bind(request.expires_at)
        .bind(request.id.as_str())
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Marks the flow as refused, unless its request was already answered. `claimed` is the person named by the
/// refused response, if it came from the connection's identity provider; with `is_history` the flow is retained
/// as long as finished logins. The row is written in any case, which locks it for the rest of the transaction.
pub async fn update_refused(
    conn: &mut Conn,
    id: LoginFlowId,
    refusal: &str,
    claimed: Option<&Email>,
    is_history: bool,
    now: Timestamp,
) -> Result<()> {
    conn.sql(
        "UPDATE login_flows SET updated_at = $2, unfinished = (unfinished AND NOT $6), \
         status = CASE WHEN answered_at IS NULL AND status <> 'succeeded' THEN 'failed' ELSE status END, \
         refusal = CASE WHEN answered_at IS NULL AND status <> 'succeeded' THEN $1 ELSE refusal END, \
         claimed_email = CASE WHEN email IS NULL THEN COALESCE($4, claimed_email) END, \
         email_key = CASE WHEN email IS NULL THEN COALESCE($5, email_key) ELSE email_key END WHERE id = $3",
    )
    .bind(refusal)
    .bind(now)
    .bind(id)
    .bind(claimed.map(Email::as_str))
    .bind(claimed.map(Email::key))
    .bind(is_history)
    .execute()
    .await?;
    Ok(())
}

/// Stores that a further response arrived, whom it named, and with `is_history` that the flow is retained as
/// long as finished logins. Nothing else changes.
pub async fn update_seen(
    conn: &mut Conn,
    id: LoginFlowId,
    claimed: Option<&Email>,
    is_history: bool,
    now: Timestamp,
) -> Result<()> {
    conn.sql(
        "UPDATE login_flows SET updated_at = $1, unfinished = (unfinished AND NOT $5), \
         claimed_email = CASE WHEN email IS NULL THEN COALESCE($3, claimed_email) END, \
         email_key = CASE WHEN email IS NULL THEN COALESCE($4, email_key) ELSE email_key END WHERE id = $2",
    )
    .bind(now)
    .bind(id)
    .bind(claimed.map(Email::as_str))
    .bind(claimed.map(Email::key))
    .bind(is_history)
    .execute()
    .await?;
    Ok(())
}

/// Completes the login: the app redeemed its code. Returns the app's `state`.
pub async fn update_redeemed(conn: &mut Conn, id: LoginFlowId, now: Timestamp) -> Result<Option<String>> {
    let row: Option<(Option<String>,)> = conn
        .sql(
            "UPDATE login_flows SET redeemed_at = $1, updated_at = $1, status = 'succeeded', refusal = NULL \
             WHERE id = $2 RETURNING state",
        )
        .bind(now)
        .bind(id)
        .optional()
        .await?;
    Ok(row.and_then(|(state,)| state))
}

/// Marks that the app's redemption of the login's code was refused, unless the code was redeemed or refused before. Returns
/// whether this call did it.
pub async fn update_code_refused(
    conn: &mut Conn,
    id: LoginFlowId,
    refusal: &str,
    now: Timestamp,
) -> Result<bool> {
    let rows = conn
        .sql(
            "UPDATE login_flows SET updated_at = $1, status = 'failed', refusal = $2 \
             WHERE id = $3 AND redeemed_at IS NULL AND status = 'in_progress'",
        )
        .bind(now)
        .bind(refusal)
        .bind(id)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// The latest test login of the connection.
pub async fn find_latest_test(conn: &mut Conn, connection: ConnectionId) -> Result<Option<LoginFlow>> {
    let text = select(
        "WHERE connection_id = $1 AND origin IN ('setup', 'console') ORDER BY created_at DESC LIMIT 1",
    );
    optional(conn.sql(text).bind(connection)).await
}

/// Deletes flows that started before `before`, with their timelines. Returns how many.
pub async fn remove_old(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql("DELETE FROM login_flows WHERE id IN (SELECT id FROM login_flows WHERE id < $1 LIMIT $2)")
        .bind(LoginFlowId::lower_bound_at(before))
        .bind(DELETE_BATCH_SIZE)
        .execute()
        .await
}

/// Deletes unfinished logins that started before `before`, with their timelines. Returns how many.
pub async fn remove_unfinished(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM login_flows WHERE id IN (SELECT id FROM login_flows WHERE unfinished AND id < $1 LIMIT $2)",
    )
    .bind(LoginFlowId::lower_bound_at(before))
    .bind(DELETE_BATCH_SIZE)
    .execute()
    .await
}
