-- Access tokens of the environments' issuers (RFC 9068). The token itself is signed and not stored; what it says counts only
-- while its row is there and not revoked. No foreign keys: tokens are many, and are deleted in batches.
CREATE TABLE signed_access_tokens (
    jti TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    issuer TEXT NOT NULL, -- which of the environment's: `system`, or an organization's id
    client_id TEXT, -- NULL: given by an operator
    grant_id TEXT, -- what it hangs from; NULL: client credentials
    subject_id TEXT NOT NULL, -- a user, or the client itself
    organization_id TEXT, -- in which it is good; NULL: the environment
    session_id TEXT,
    scope TEXT NOT NULL, -- separated by spaces
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX signed_access_tokens_by_environment ON signed_access_tokens (environment_id);
CREATE INDEX signed_access_tokens_by_client ON signed_access_tokens (client_id) WHERE client_id IS NOT NULL;
CREATE INDEX signed_access_tokens_by_subject ON signed_access_tokens (subject_id);
CREATE INDEX signed_access_tokens_by_organization ON signed_access_tokens (organization_id) WHERE organization_id IS NOT NULL;
CREATE INDEX signed_access_tokens_by_session ON signed_access_tokens (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX signed_access_tokens_by_expiry ON signed_access_tokens (expires_at);

-- Sessions of users: in which organization they act, and what proved who they are (RFC 8176).
ALTER TABLE sessions ADD COLUMN organization_id TEXT;
ALTER TABLE sessions ADD COLUMN amr TEXT; -- JSON array
-- An operator's word that the session has the standing of a tenant administrator.
ALTER TABLE sessions ADD COLUMN tenant_admin BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX sessions_by_organization ON sessions (organization_id) WHERE organization_id IS NOT NULL;

-- Slugs that have been part of an issuer are never given to another environment.
CREATE TABLE former_slugs (
    slug TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL, -- which keeps it as an alias; the environment may be gone
    is_issuer BOOLEAN NOT NULL, -- the slug that the environment's issuers carry for good
    created_at BIGINT NOT NULL
);
CREATE INDEX former_slugs_by_environment ON former_slugs (environment_id);
