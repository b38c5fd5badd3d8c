-- OIDC connections: organizations whose people sign in at an OpenID provider of theirs.
CREATE TABLE oidc_connections (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    version BIGINT NOT NULL DEFAULT 1,
    display_name TEXT NOT NULL,
    is_primary BOOLEAN NOT NULL, -- then no SAML connection of the organization is
    issuer TEXT, -- compared byte for byte with `iss`
    authorization_endpoint TEXT,
    token_endpoint TEXT,
    userinfo_endpoint TEXT,
    jwks_uri TEXT,
    token_auth_method TEXT NOT NULL, -- client_secret_basic, client_secret_post
    response_iss BOOLEAN NOT NULL, -- the provider sends `iss` with every authorization response (RFC 9207)
    client_id TEXT,
    client_secret TEXT, -- sealed with the master key
    scopes TEXT NOT NULL, -- JSON array
    claims TEXT NOT NULL, -- JSON object: which claims count
    redirect_uri TEXT NOT NULL, -- ours, as registered at the provider
    disabled BOOLEAN NOT NULL,
    idp_kind TEXT,
    test BOOLEAN NOT NULL, -- wired to the bundled test identity provider
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX oidc_connections_by_organization ON oidc_connections (organization_id, id);
CREATE INDEX oidc_connections_by_environment ON oidc_connections (environment_id, id);
CREATE UNIQUE INDEX oidc_connections_one_primary ON oidc_connections (organization_id) WHERE is_primary;
CREATE INDEX oidc_connections_test ON oidc_connections (id) WHERE test;
