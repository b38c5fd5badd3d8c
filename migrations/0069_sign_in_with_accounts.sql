-- Signing in with an account at an organization's issuer.
ALTER TABLE oauth_clients ADD COLUMN shared TEXT NOT NULL DEFAULT 'none'; -- of the vendor's: at the issuers of which organizations: all, none
ALTER TABLE oauth_clients ADD COLUMN post_logout_redirect_uris TEXT NOT NULL DEFAULT '[]'; -- JSON array
UPDATE oauth_clients SET shared = 'all' WHERE kind IN ('web', 'public') AND organization_id IS NULL;

-- Grants of the organizations' issuers, beside those of /v1/oauth and of the REST API, for which these are NULL.
ALTER TABLE authorization_grants ADD COLUMN issuer TEXT; -- the organization whose issuer gave it
ALTER TABLE authorization_grants ADD COLUMN user_id TEXT;
ALTER TABLE authorization_grants ADD COLUMN session_id TEXT;
ALTER TABLE authorization_grants ADD COLUMN amr TEXT; -- JSON array: what proved who they are (RFC 8176)
CREATE INDEX authorization_grants_by_user ON authorization_grants (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX authorization_grants_by_session ON authorization_grants (session_id) WHERE session_id IS NOT NULL;

-- Refresh tokens: each is good once, and is replaced by the next one of its grant.
CREATE TABLE refresh_tokens (
    token_sha256 TEXT PRIMARY KEY,
    grant_id TEXT NOT NULL REFERENCES authorization_grants (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

-- What clients asked for, while somebody signs in.
CREATE TABLE authorization_requests (
    request_sha256 TEXT PRIMARY KEY, -- of the name that the pages' forms carry
    environment_id TEXT NOT NULL,
    issuer TEXT NOT NULL, -- the organization whose issuer was asked
    browser_sha256 TEXT NOT NULL, -- of the cookie of the browser that brought it
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    redirect_uri_sent BOOLEAN NOT NULL,
    response_mode TEXT NOT NULL, -- query, form_post
    state TEXT,
    nonce TEXT,
    code_challenge TEXT,
    scope TEXT NOT NULL,
    -- who has given a first factor, when, and what proved it (JSON array)
    user_id TEXT,
    authenticated_at BIGINT,
    amr TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX authorization_requests_by_environment ON authorization_requests (environment_id);
CREATE INDEX authorization_requests_by_expiry ON authorization_requests (expires_at);
