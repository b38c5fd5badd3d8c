-- Self-serve setup: one-time links for a customer's admin, the sessions that they open, proofs of domains, and
-- how an environment looks to the customer.
CREATE TABLE setup_links (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    token_sha256 TEXT NOT NULL UNIQUE,
    can_manage_saml BOOLEAN NOT NULL,
    can_manage_scim BOOLEAN NOT NULL,
    can_manage_domains BOOLEAN NOT NULL,
    created_by TEXT NOT NULL, -- the audit log's name of who made it
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    redeemed_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX setup_links_by_environment ON setup_links (environment_id, id);
CREATE INDEX setup_links_by_organization ON setup_links (organization_id, id);

CREATE TABLE setup_sessions (
    token_sha256 TEXT PRIMARY KEY,
    setup_link_id TEXT NOT NULL REFERENCES setup_links (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX setup_sessions_by_link ON setup_sessions (setup_link_id);
CREATE INDEX setup_sessions_by_expiry ON setup_sessions (expires_at);

-- How a domain is proved: a TXT record that holds the token.
ALTER TABLE organization_domains ADD COLUMN verification_token TEXT;
ALTER TABLE organization_domains ADD COLUMN verified_at BIGINT;
ALTER TABLE organization_domains ADD COLUMN checked_at BIGINT; -- when DNS was last asked
ALTER TABLE organization_domains ADD COLUMN check_error TEXT; -- why it proved nothing
-- One organization of an environment has proved a domain, at the most.
CREATE UNIQUE INDEX organization_domains_verified ON organization_domains (environment_id, domain)
WHERE state = 'verified';

-- What the customer's admin sees of the vendor.
CREATE TABLE environment_brandings (
    environment_id TEXT PRIMARY KEY REFERENCES environments (id) ON DELETE CASCADE,
    application_name TEXT,
    accent_color TEXT, -- #rrggbb
    logo TEXT, -- base64
    logo_media_type TEXT,
    logo_sha256 TEXT,
    return_url TEXT,
    support_contact TEXT,
    updated_at BIGINT NOT NULL
);

-- Whose product the identity provider is: okta, entra, google, adfs, keycloak, onelogin, jumpcloud, ping, other.
ALTER TABLE saml_connections ADD COLUMN idp_kind TEXT;
ALTER TABLE scim_directories ADD COLUMN idp_kind TEXT;

-- Tests of a connection: how it last went, and how many there were.
CREATE INDEX saml_flows_tests ON saml_flows (saml_connection_id, created_at) WHERE origin IN ('setup', 'console');
