-- OAuth clients become applications of several kinds. Those of before (`saml`) sign in at /v1/oauth.
ALTER TABLE oauth_clients ADD COLUMN kind TEXT NOT NULL DEFAULT 'saml'; -- saml, web, public, service
ALTER TABLE oauth_clients ADD COLUMN organization_id TEXT REFERENCES organizations (id) ON DELETE CASCADE; -- its owner; NULL: the vendor
ALTER TABLE oauth_clients ADD COLUMN workspace TEXT; -- of a service client that administers: system
ALTER TABLE oauth_clients ADD COLUMN grant_types TEXT NOT NULL DEFAULT '[]'; -- JSON array (RFC 7591 §2)
ALTER TABLE oauth_clients ADD COLUMN scopes TEXT NOT NULL DEFAULT '[]'; -- JSON array: what it may ask for
ALTER TABLE oauth_clients ADD COLUMN redirect_uris TEXT NOT NULL DEFAULT '[]'; -- JSON array; empty: those of the environment
ALTER TABLE oauth_clients ADD COLUMN origins TEXT NOT NULL DEFAULT '[]'; -- JSON array: whose scripts may call (CORS)
-- The secret before the present one, until it ends.
ALTER TABLE oauth_clients ADD COLUMN previous_secret_sha256 TEXT;
ALTER TABLE oauth_clients ADD COLUMN previous_secret_expires_at BIGINT;
CREATE INDEX oauth_clients_by_organization ON oauth_clients (organization_id) WHERE organization_id IS NOT NULL;
