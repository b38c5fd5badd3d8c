-- Directories that identity providers push people and groups into (SCIM 2.0).
CREATE TABLE scim_directories (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    is_primary BOOLEAN NOT NULL,
    scim_base_url TEXT NOT NULL,
    allow_foreign_secondary_emails BOOLEAN NOT NULL,
    refuse_inactive_logins BOOLEAN NOT NULL,
    require_provisioned_logins BOOLEAN NOT NULL,
    user_count BIGINT NOT NULL DEFAULT 0, -- living ones; written with each of them
    group_count BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX scim_directories_by_organization ON scim_directories (organization_id, id);
CREATE UNIQUE INDEX scim_directories_one_primary ON scim_directories (organization_id) WHERE is_primary;

CREATE TABLE scim_bearer_tokens (
    token_sha256 TEXT PRIMARY KEY,
    directory_id TEXT NOT NULL REFERENCES scim_directories (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT, -- set when a newer one replaced it
    last_used_at BIGINT
);
CREATE INDEX scim_bearer_tokens_by_directory ON scim_bearer_tokens (directory_id, created_at);

-- Keys (…_key) are normalised in the program: lower case, so that both databases compare alike.
CREATE TABLE scim_users (
    id TEXT PRIMARY KEY,
    directory_id TEXT NOT NULL REFERENCES scim_directories (id) ON DELETE CASCADE,
    user_name TEXT NOT NULL,
    user_name_key TEXT NOT NULL,
    external_id TEXT,
    display_name_key TEXT,
    active BOOLEAN NOT NULL,
    email TEXT, -- the one that is reported to apps
    email_key TEXT,
    document TEXT NOT NULL, -- the resource as JSON, without id, meta, groups and password
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE UNIQUE INDEX scim_users_by_user_name ON scim_users (directory_id, user_name_key) WHERE deleted_at IS NULL;
CREATE INDEX scim_users_by_deleted_user_name ON scim_users (directory_id, user_name_key) WHERE deleted_at IS NOT NULL;
CREATE INDEX scim_users_by_external_id ON scim_users (directory_id, external_id, id) WHERE deleted_at IS NULL;
CREATE INDEX scim_users_by_display_name ON scim_users (directory_id, display_name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX scim_users_by_email ON scim_users (directory_id, email_key);
CREATE INDEX scim_users_living ON scim_users (directory_id, id) WHERE deleted_at IS NULL;
CREATE INDEX scim_users_by_directory ON scim_users (directory_id, id);

CREATE TABLE scim_user_emails (
    directory_id TEXT NOT NULL,
    value_key TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES scim_users (id) ON DELETE CASCADE,
    PRIMARY KEY (directory_id, value_key, user_id)
);
CREATE INDEX scim_user_emails_by_user ON scim_user_emails (user_id);

CREATE TABLE scim_groups (
    id TEXT PRIMARY KEY,
    directory_id TEXT NOT NULL REFERENCES scim_directories (id) ON DELETE CASCADE,
    display_name TEXT NOT NULL,
    display_name_key TEXT NOT NULL,
    external_id TEXT,
    document TEXT NOT NULL, -- the resource as JSON, without id, meta and members
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE INDEX scim_groups_by_display_name ON scim_groups (directory_id, display_name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX scim_groups_by_external_id ON scim_groups (directory_id, external_id, id) WHERE deleted_at IS NULL;
CREATE INDEX scim_groups_living ON scim_groups (directory_id, id) WHERE deleted_at IS NULL;
CREATE INDEX scim_groups_by_directory ON scim_groups (directory_id, id);

CREATE TABLE scim_group_members (
    group_id TEXT NOT NULL REFERENCES scim_groups (id) ON DELETE CASCADE,
    member_id TEXT NOT NULL, -- a user, or a group
    directory_id TEXT NOT NULL,
    attributes TEXT, -- what else was sent with it (display), as JSON
    added_at BIGINT NOT NULL,
    PRIMARY KEY (group_id, member_id)
);
CREATE INDEX scim_group_members_by_member ON scim_group_members (member_id, group_id);

-- Every SCIM request, for support.
CREATE TABLE scim_requests (
    id TEXT PRIMARY KEY,
    directory_id TEXT NOT NULL REFERENCES scim_directories (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    status BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    request_body TEXT, -- sealed
    response_body TEXT, -- sealed
    error TEXT -- a stable code
);
CREATE INDEX scim_requests_by_directory ON scim_requests (directory_id, id);
CREATE INDEX scim_requests_by_age ON scim_requests (at);

-- What happened, in one order an environment: the counter's row is written with each event.
CREATE TABLE event_counters (
    environment_id TEXT PRIMARY KEY,
    last BIGINT NOT NULL
);
CREATE TABLE events (
    environment_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    type TEXT NOT NULL, -- scim_user.created …
    organization_id TEXT NOT NULL,
    directory_id TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    data TEXT NOT NULL, -- JSON: before and after, or the membership's change
    PRIMARY KEY (environment_id, sequence)
);
CREATE INDEX events_by_age ON events (at);

CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    secret TEXT NOT NULL, -- sealed
    event_types TEXT NOT NULL, -- JSON array, empty for all
    disabled_at BIGINT,
    next_sequence BIGINT NOT NULL, -- the first event that it was not yet given a delivery for
    resting_until BIGINT NOT NULL, -- nobody delivers to it before: a replica is at it, or it failed
    failures BIGINT NOT NULL, -- in a row
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX webhooks_by_environment ON webhooks (environment_id, id);

CREATE TABLE webhook_deliveries (
    id TEXT PRIMARY KEY, -- `webhook-id`
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    environment_id TEXT NOT NULL,
    sequence BIGINT NOT NULL, -- of the event
    state TEXT NOT NULL, -- pending, delivered, failed
    attempts BIGINT NOT NULL,
    next_attempt_at BIGINT,
    last_status BIGINT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX webhook_deliveries_by_event ON webhook_deliveries (webhook_id, sequence, id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_attempt_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);

-- Whoever is deprovisioned loses what he holds, found by his address in its normal form (ASCII, lower case).
ALTER TABLE saml_flows ADD COLUMN email_key TEXT;
UPDATE saml_flows SET email_key = lower(email) WHERE email IS NOT NULL;
CREATE INDEX saml_flows_by_email ON saml_flows (organization_id, email_key) WHERE email_key IS NOT NULL;
