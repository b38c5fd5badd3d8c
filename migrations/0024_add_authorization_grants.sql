-- What an accepted login gives an app. Codes and tokens hang from it and end with it.
CREATE TABLE authorization_grants (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    client_id TEXT, -- the OAuth client; NULL: an access code of the REST API, or the sign-in of an administrator
    flow_id TEXT, -- the login; no foreign key: history and grants are kept for different times
    connection_id TEXT, -- the connection of that login
    subject TEXT, -- `sub` in ID tokens and at userinfo; NULL without an OAuth client
    email TEXT NOT NULL, -- as the identity provider sent it
    email_key TEXT NOT NULL, -- its normal form
    attributes TEXT, -- JSON object: name to array of values
    scope TEXT,
    authenticated_at BIGINT, -- when the person authenticated, by the identity provider's word
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL, -- when nothing that hangs from it can be used any more
    revoked_at BIGINT
);
CREATE INDEX authorization_grants_by_person ON authorization_grants (organization_id, email_key);
CREATE INDEX authorization_grants_by_client ON authorization_grants (client_id) WHERE client_id IS NOT NULL;
CREATE INDEX authorization_grants_by_flow ON authorization_grants (flow_id) WHERE flow_id IS NOT NULL;
CREATE INDEX authorization_grants_by_environment ON authorization_grants (environment_id);
CREATE INDEX authorization_grants_by_expiry ON authorization_grants (expires_at);

CREATE TABLE authorization_codes (
    code_sha256 TEXT PRIMARY KEY,
    grant_id TEXT NOT NULL REFERENCES authorization_grants (id) ON DELETE CASCADE,
    kind TEXT NOT NULL, -- where it is good: access (REST API), authorization (token endpoint), administrator (console)
    -- of the authorization request
    redirect_uri TEXT,
    redirect_uri_sent BOOLEAN,
    code_challenge TEXT,
    nonce TEXT,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX authorization_codes_by_grant ON authorization_codes (grant_id);

-- What can still be used moves: every access token with the code that it was given for, and the codes of the day before the
-- latest login. The grant of a login has the same digits as the login.
INSERT INTO authorization_grants (id, environment_id, organization_id, client_id, flow_id, connection_id, subject, email,
    email_key, attributes, scope, authenticated_at, created_at, expires_at, revoked_at)
    SELECT 'grant_' || substr(f.id, 11), f.environment_id, f.organization_id, f.oauth_client_id, f.id, f.saml_connection_id,
        CASE WHEN f.oauth_client_id IS NOT NULL THEN f.email END, f.email, f.email_key, f.attributes, f.oauth_scope,
        f.authenticated_at, COALESCE(f.request_consumed_at, f.created_at),
        COALESCE((SELECT MAX(t.expires_at) FROM access_tokens t WHERE t.flow_id = f.id), f.code_expires_at),
        (SELECT MAX(t.revoked_at) FROM access_tokens t WHERE t.flow_id = f.id)
    FROM saml_flows f WHERE f.code_sha256 IS NOT NULL AND f.email IS NOT NULL
    AND (f.code_expires_at > (SELECT MAX(updated_at) - 86400000 FROM saml_flows)
        OR EXISTS (SELECT 1 FROM access_tokens t WHERE t.flow_id = f.id));
INSERT INTO authorization_codes (code_sha256, grant_id, kind, redirect_uri, redirect_uri_sent, code_challenge, nonce,
    expires_at, consumed_at)
    SELECT f.code_sha256, g.id,
        CASE WHEN f.oauth_client_id IS NOT NULL THEN 'authorization' WHEN f.origin = 'administrator' THEN 'administrator'
        ELSE 'access' END,
        f.oauth_redirect_uri, f.oauth_redirect_uri_sent, f.oauth_code_challenge, f.oauth_nonce, f.code_expires_at,
        f.code_consumed_at
    FROM authorization_grants g JOIN saml_flows f ON f.id = g.flow_id;

-- Access tokens hang from grants, which name the client. Foreign keys cannot be changed, so the table is made anew.
CREATE TABLE former_access_tokens AS SELECT token_sha256, flow_id, created_at, expires_at, revoked_at FROM access_tokens;
DROP TABLE access_tokens;
CREATE TABLE access_tokens (
    token_sha256 TEXT PRIMARY KEY,
    grant_id TEXT NOT NULL REFERENCES authorization_grants (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX access_tokens_by_grant ON access_tokens (grant_id);
INSERT INTO access_tokens (token_sha256, grant_id, created_at, expires_at, revoked_at)
    SELECT t.token_sha256, g.id, t.created_at, t.expires_at, t.revoked_at
    FROM former_access_tokens t JOIN authorization_grants g ON g.flow_id = t.flow_id;
DROP TABLE former_access_tokens;
