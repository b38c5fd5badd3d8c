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
    // 0030
    (
        ("id, environment_id, display_name, external_id, created_at, updated_at", "organizations"),
        (
            "id, environment_id, display_name, external_id, created_at, updated_at",
            "organizations WHERE kind = 'organization' AND status = 'active' AND deleted_at IS NULL",
        ),
    ),
    // 0031
    (
        (
            "ancestor, descendant, depth",
            "(SELECT id AS ancestor, id AS descendant, 0 AS depth FROM organizations UNION ALL \
             SELECT 'org_' || substr(environment_id, 5), id, 1 FROM organizations UNION ALL \
             SELECT 'org_' || substr(id, 5), 'org_' || substr(id, 5), 0 FROM environments) tree",
        ),
        ("ancestor_id, descendant_id, depth", "organization_closure"),
    ),
    // 0035
    (
        (
            "id, token_sha256, administrator_id, method, address, user_agent, created_at, last_seen_at, expires_at, revoked_at",
            "admin_sessions",
        ),
        (
            "id, token_sha256, subject_id, method, address, user_agent, created_at, last_seen_at, expires_at, revoked_at",
            "sessions WHERE method <> 'setup_link' AND environment_id IS NULL AND connection_id IS NULL",
        ),
    ),
    (
        (
            "s.token_sha256, setup_link_id, environment_id, s.created_at, last_seen_at, s.expires_at",
            "setup_sessions s JOIN setup_links l ON l.id = s.setup_link_id",
        ),
        (
            "token_sha256, subject_id, environment_id, created_at, last_seen_at, expires_at",
            "sessions WHERE method = 'setup_link' AND revoked_at IS NULL",
        ),
    ),
    // 0036
    (
        ("id, password_hash, updated_at", "administrators WHERE password_hash IS NOT NULL"),
        ("account_id, password_hash, changed_at", "passwords"),
    ),
    // 0037
    (
        (
            "id, administrator_id, credential_key, credential, display_name, created_at, last_used_at",
            "administrator_passkeys",
        ),
        ("id, account_id, credential_key, credential, display_name, created_at, last_used_at", "passkeys"),
    ),
    (("id, expires_at", "admin_challenges"), ("id, expires_at", "authentication_challenges")),
    // 0038
    (
        (
            "id, token_sha256, purpose, email, email_key, role, environment_id, invited_by, created_at, expires_at, \
             consumed_at",
            "admin_invitations",
        ),
        (
            "id, token_sha256, purpose, email, email_key, role, environment_id, invited_by, created_at, expires_at, \
             consumed_at",
            "invitations WHERE account_kind = 'administrator'",
        ),
    ),
    // 0040
    (
        (
            "id, purpose, environment_id, algorithm, generation, private_key, certificate, created_at, active_from, retired_at",
            "signing_keys",
        ),
        (
            "id, purpose, environment_id, algorithm, generation, private_key, certificate, created_at, active_from, retired_at",
            "signing_keys",
        ),
    ),
    // 0042
    (
        (
            "id, webhook_id, environment_id, sequence, state, attempts, next_attempt_at, last_status, last_error, created_at, \
             updated_at",
            "webhook_deliveries",
        ),
        (
            "id, webhook_id, environment_id, sequence, state, attempts, next_attempt_at, last_status, last_error, created_at, \
             updated_at",
            "webhook_deliveries",
        ),
    ),
];

/// Rows of tables that the stored databases have left empty.
const ADDED: &[&str] = &[
    "INSERT INTO admin_sessions (id, token_sha256, administrator_id, method, address, user_agent, created_at, last_seen_at, \
     expires_at, revoked_at) SELECT 'admin_session_0000000000000000000000001', 'ended', id, 'passkey', '10.0.0.1', 'x', 1, 2, 3, \
     4 FROM administrators",
    "INSERT INTO setup_sessions (token_sha256, setup_link_id, created_at, last_seen_at, expires_at) \
     SELECT 'f' || substr(token_sha256, 2, 63), id, created_at, created_at, expires_at FROM setup_links",
    "INSERT INTO administrator_passkeys (id, administrator_id, credential_key, credential, display_name, created_at) \
     SELECT 'passkey_0000000000000000000000001', id, 'key', '{}', 'Laptop', 5 FROM administrators",
    "INSERT INTO admin_challenges (id, expires_at) VALUES ('once', 6)",
    "INSERT INTO webhook_deliveries (id, webhook_id, environment_id, sequence, state, attempts, last_status, created_at, \
     updated_at) SELECT 'msg_' || substr(id, 9), id, environment_id, 1, 'delivered', 2, 204, 7, 8 FROM webhooks",
];

/// What is not there after the migration.
const WRONG: &[&str] = &[
    // Environments that have not exactly one root.
    "SELECT e.id FROM environments e WHERE (SELECT COUNT(*) FROM organizations o WHERE o.kind = 'root' \
     AND o.environment_id = e.id AND o.id = 'org_' || substr(e.id, 5) AND o.parent_id IS NULL) <> 1",
    "SELECT c.descendant_id FROM organization_closure c JOIN organizations o ON o.id = c.descendant_id \
     JOIN organizations a ON a.id = c.ancestor_id \
     WHERE o.environment_id <> c.environment_id OR a.environment_id <> c.environment_id",
];

/// The rows of the tables that are moved, before they are.
pub struct MovedRows(Vec<Vec<String>>);

impl MovedRows {
    /// Fills the tables of a database that was not migrated, and reads them.
    pub async fn read(url: &str) -> Self {
        let db = Db::connect(url, 2).await.unwrap();
        let mut tx = db.write().await.unwrap();
        for statement in ADDED {
            assert!(tx.sql(statement).execute().await.unwrap() > 0, "{statement}");
        }
        tx.commit().await.unwrap();
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
        for statement in WRONG {
            let found: Vec<(String,)> = db.read().await.unwrap().sql(statement).all().await.unwrap();
            assert!(found.is_empty(), "{}: {found:?}", version.display());
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
