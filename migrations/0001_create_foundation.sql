-- TEXT, BIGINT (times: milliseconds UTC) and BOOLEAN only, so that SQLite and PostgreSQL run this alike.

-- Facts about this installation: the master key's check value.
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE environments (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    redirect_url TEXT,
    oauth_redirect_uris TEXT NOT NULL, -- JSON array
    auth_url TEXT,
    idp_initiated TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    secret_sha256 TEXT NOT NULL UNIQUE,
    management BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX api_keys_by_environment ON api_keys (environment_id, id);

CREATE TABLE oauth_clients (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    secret_sha256 TEXT NOT NULL,
    id_token_alg TEXT NOT NULL,
    initiate_login_uri TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX oauth_clients_by_environment ON oauth_clients (environment_id, id);

CREATE TABLE organizations (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    display_name TEXT NOT NULL,
    external_id TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (environment_id, external_id)
);
CREATE INDEX organizations_by_environment ON organizations (environment_id, id);

-- Only `whitelisted` and `verified` ones count at login and for routing.
CREATE TABLE organization_domains (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    environment_id TEXT NOT NULL,
    domain TEXT NOT NULL, -- lower-case A-labels
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, domain)
);
CREATE INDEX organization_domains_by_domain ON organization_domains (environment_id, domain);

CREATE TABLE saml_connections (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    is_primary BOOLEAN NOT NULL,
    idp_entity_id TEXT,
    idp_redirect_url TEXT,
    idp_certificates TEXT NOT NULL, -- PEM blocks
    idp_binding TEXT NOT NULL,
    sp_entity_id TEXT NOT NULL,
    sp_acs_urls TEXT NOT NULL, -- JSON array, the first one is sent in requests
    idp_initiated TEXT,
    email_attribute TEXT,
    allow_sha1 BOOLEAN NOT NULL,
    assertion_encryption BOOLEAN NOT NULL,
    allow_cbc_encryption BOOLEAN NOT NULL,
    sign_authn_requests BOOLEAN NOT NULL,
    force_authn BOOLEAN NOT NULL,
    test BOOLEAN NOT NULL, -- wired to the bundled test identity provider
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX saml_connections_by_organization ON saml_connections (organization_id, id);
CREATE UNIQUE INDEX saml_connections_one_primary ON saml_connections (organization_id) WHERE is_primary;
CREATE INDEX saml_connections_test ON saml_connections (id) WHERE test;

-- One login. No foreign key: history outlives what it speaks of.
CREATE TABLE saml_flows (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    saml_connection_id TEXT NOT NULL,
    origin TEXT NOT NULL, -- api, oauth, restart (an unsolicited response thrown away), idp, detached (a refused stray post)
    status TEXT NOT NULL,
    refusal TEXT, -- the code of the last refusal
    state TEXT, -- the app's own, echoed
    email TEXT,
    attributes TEXT, -- JSON object: name to array of values
    authenticated_at BIGINT, -- when the identity provider asked for credentials, by its word
    -- the AuthnRequest that waits for its response
    request_id TEXT UNIQUE,
    request_expires_at BIGINT,
    request_consumed_at BIGINT,
    browser_sha256 TEXT,
    -- what the OAuth client asked for
    oauth_client_id TEXT,
    oauth_redirect_uri TEXT,
    oauth_redirect_uri_sent BOOLEAN,
    oauth_nonce TEXT,
    oauth_code_challenge TEXT,
    oauth_scope TEXT,
    force_authn BOOLEAN NOT NULL,
    -- what the app redeems
    code_sha256 TEXT UNIQUE,
    code_expires_at BIGINT,
    code_consumed_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX saml_flows_by_environment ON saml_flows (environment_id, created_at);
CREATE INDEX saml_flows_failed ON saml_flows (environment_id, created_at) WHERE status = 'failed';
CREATE INDEX saml_flows_detached ON saml_flows (saml_connection_id, created_at) WHERE origin = 'detached';
CREATE INDEX saml_flows_restarted ON saml_flows (browser_sha256, saml_connection_id) WHERE origin = 'restart';

CREATE TABLE saml_flow_steps (
    flow_id TEXT NOT NULL REFERENCES saml_flows (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    checks TEXT NOT NULL, -- JSON array
    document TEXT, -- sealed with the master key
    document_expires_at BIGINT,
    PRIMARY KEY (flow_id, sequence)
);
CREATE INDEX saml_flow_steps_by_expiry ON saml_flow_steps (document_expires_at) WHERE document_expires_at IS NOT NULL;

-- Assertions that were accepted, until they could no longer be.
CREATE TABLE saml_assertions_seen (
    saml_connection_id TEXT NOT NULL,
    assertion_sha256 TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (saml_connection_id, assertion_sha256)
);
CREATE INDEX saml_assertions_seen_by_expiry ON saml_assertions_seen (expires_at);

CREATE TABLE access_tokens (
    token_sha256 TEXT PRIMARY KEY,
    flow_id TEXT NOT NULL REFERENCES saml_flows (id) ON DELETE CASCADE,
    oauth_client_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX access_tokens_by_flow ON access_tokens (flow_id);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);

-- Private keys of ours, sealed with the master key.
CREATE TABLE signing_keys (
    id TEXT PRIMARY KEY, -- `kid`
    purpose TEXT NOT NULL, -- id_token, saml_sp, test_idp
    environment_id TEXT NOT NULL, -- '' where the purpose is the installation's
    algorithm TEXT NOT NULL,
    generation BIGINT NOT NULL, -- from 1; unique, so that one of many replicas makes the next key
    private_key TEXT NOT NULL, -- sealed PKCS#8
    certificate TEXT, -- PEM
    created_at BIGINT NOT NULL,
    active_from BIGINT NOT NULL,
    retired_at BIGINT,
    UNIQUE (purpose, environment_id, algorithm, generation)
);

-- Jobs that one replica runs at a time.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
