-- What the JSON objects of users must look like. The schemas that every environment has (user_v0, metadata_v0) are no rows.
CREATE TABLE identity_schemas (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    version BIGINT NOT NULL DEFAULT 1,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    schema TEXT NOT NULL, -- JSON Schema (draft 2020-12)
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX identity_schemas_by_environment ON identity_schemas (environment_id, id);

-- Stores of accounts with their rules. Each belongs to one organization.
CREATE TABLE identity_pools (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    version BIGINT NOT NULL DEFAULT 1,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL DEFAULT '', -- normal form of name, by which lists are sorted and searched
    description TEXT NOT NULL,
    badge_color TEXT NOT NULL, -- #rrggbb or empty
    authentication_mechanisms TEXT NOT NULL, -- JSON array: password, webauthn, totp, otp, email_otp, sms_otp
    preferred_authentication_mechanism TEXT,
    second_factors TEXT NOT NULL, -- JSON array of mechanisms
    preferred_second_factor TEXT,
    second_factor_threshold TEXT, -- a risk score, as a JSON number; kept and echoed
    mfa_session_ttl BIGINT, -- milliseconds
    identifier_case_insensitive BOOLEAN NOT NULL,
    public_registration_allowed BOOLEAN NOT NULL,
    payload_schema_id TEXT NOT NULL, -- an identity schema, or one that every environment has
    metadata_schema_id TEXT NOT NULL,
    business_metadata_schema_id TEXT,
    metadata TEXT NOT NULL, -- JSON object
    password_policy TEXT NOT NULL, -- JSON object
    password_expires_after BIGINT, -- milliseconds
    hashing_method TEXT NOT NULL, -- kept and echoed
    otp_settings TEXT NOT NULL, -- JSON object: length and lifetime of one-time codes by purpose
    self_reset_allowed BOOLEAN NOT NULL, -- whether users may reset their credentials themselves
    number_of_users BIGINT NOT NULL DEFAULT 0, -- kept with each user that comes or goes
    number_of_jit_users BIGINT NOT NULL DEFAULT 0, -- of them, those made at their first login
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT -- when it was removed; its users are deleted in batches, then the row
);
CREATE INDEX identity_pools_by_environment ON identity_pools (environment_id, id);
CREATE INDEX identity_pools_by_organization ON identity_pools (organization_id, id);
CREATE INDEX identity_pools_by_name ON identity_pools (environment_id, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX identity_pools_by_creation ON identity_pools (environment_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX identity_pools_deleted ON identity_pools (deleted_at) WHERE deleted_at IS NOT NULL;
-- Which pools use a schema of the environment's own.
CREATE INDEX identity_pools_by_payload_schema ON identity_pools (payload_schema_id) WHERE payload_schema_id <> 'user_v0';
CREATE INDEX identity_pools_by_metadata_schema ON identity_pools (metadata_schema_id) WHERE metadata_schema_id <> 'metadata_v0';
CREATE INDEX identity_pools_by_business_metadata_schema ON identity_pools (business_metadata_schema_id)
    WHERE business_metadata_schema_id IS NOT NULL;
