//! What migrations moved into other tables: the same rows must be read from the old ones before and from the new ones after.

use std::path::Path;

use ostiary::store::{Conn, Db};

/// Columns, separated by commas, and the table that they are of, or a join of tables.
type Columns = (&'static str, &'static str);

/// Where rows were read before, and where they are read now.
const MOVED: &[(Columns, Columns)] = &[
    // 0024
    (
        (
            "code_sha256, id, environment_id, organization_id, saml_connection_id, email, email_key, attributes, \
             authenticated_at, oauth_client_id, oauth_scope, oauth_redirect_uri, oauth_redirect_uri_sent, \
             oauth_code_challenge, oauth_nonce, code_expires_at, code_consumed_at",
            "saml_flows WHERE code_sha256 IS NOT NULL",
        ),
        (
            "code_sha256, flow_id, environment_id, organization_id, connection_id, email, email_key, attributes, \
             authenticated_at, client_id, scope, redirect_uri, redirect_uri_sent, \
             code_challenge, nonce, k.expires_at, consumed_at",
            "authorization_codes k JOIN authorization_grants g ON g.id = k.grant_id",
        ),
    ),
    (
        ("token_sha256, flow_id, oauth_client_id, created_at, expires_at, revoked_at", "access_tokens"),
        (
            "token_sha256, flow_id, client_id, t.created_at, t.expires_at, t.revoked_at",
            "access_tokens t JOIN authorization_grants g ON g.id = t.grant_id",
        ),
    ),
    // 0025
    (
        (
            "id, environment_id, organization_id, saml_connection_id, origin, status, refusal, state, email, claimed_email, \
             email_key, attributes, authenticated_at, force_authn, browser_sha256, request_expires_at, \
             CASE WHEN request_consumed_at IS NULL AND email IS NOT NULL THEN created_at ELSE request_consumed_at END, \
             request_id, code_consumed_at, oauth_client_id, oauth_redirect_uri, oauth_redirect_uri_sent, oauth_nonce, \
             oauth_code_challenge, oauth_scope, created_at, updated_at",
            "saml_flows",
        ),
        (
            "id, environment_id, organization_id, connection_id, origin, status, refusal, state, email, claimed_email, \
             email_key, attributes, authenticated_at, force_authn, browser_sha256, request_expires_at, answered_at, \
             request_id, redeemed_at, oauth_client_id, oauth_redirect_uri, oauth_redirect_uri_sent, oauth_nonce, \
             oauth_code_challenge, oauth_scope, created_at, updated_at",
            "login_flows LEFT JOIN saml_authn_requests ON flow_id = id",
        ),
    ),
    (
        ("flow_id, sequence, at, kind, checks, document, document_expires_at", "saml_flow_steps"),
        ("flow_id, sequence, at, kind, checks, document, document_expires_at", "login_flow_steps"),
    ),
];

/// The rows of the tables that are moved, before they are.
pub struct MovedRows(Vec<Vec<String>>);

impl MovedRows {
    /// Reads them from a database that was not migrated.
    pub async fn read(url: &str) -> Self {
        let db = Db::connect(url, 2).await.unwrap();
        let mut found = Vec::new();
        for (before, _) in MOVED {
            found.push(rows(*before, &mut db.read().await.unwrap()).await);
        }
        db.close().await;
        Self(found)
    }

    /// Asserts that they are there after the migration.
    pub async fn assert_kept(&self, db: &Db, version: &Path) {
        for ((_, after), then) in MOVED.iter().zip(&self.0) {
            let now = rows(*after, &mut db.read().await.unwrap()).await;
            assert_eq!(&now, then, "{}: {}", version.display(), after.1);
        }
    }
}

/// The rows of such columns, sorted.
async fn rows((columns, from): Columns, conn: &mut Conn) -> Vec<String> {
    let value = |column: &str| format!("COALESCE(CAST({column} AS TEXT), '')");
    let values: Vec<String> = columns.split(", ").map(value).collect();
    let text: &'static str = format!("SELECT {} FROM {from}", values.join(" || '|' || ")).leak();
    let rows: Vec<(String,)> = conn.sql(text).all().await.unwrap();
    let mut rows: Vec<String> = rows.into_iter().map(|(row,)| row).collect();
    assert!(!rows.is_empty(), "{from}");
    rows.sort_unstable();
    rows
}
