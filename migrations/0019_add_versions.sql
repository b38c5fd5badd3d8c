-- The version of a row's settings: 1, and one more with each change. A change names the version that it was made from,
-- and is refused when the row has another one by then. Stamps of use, counters and the states of jobs do not raise it.
ALTER TABLE api_keys ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE oauth_clients ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE webhooks ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE environments ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE environment_brandings ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE organizations ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE saml_connections ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE scim_directories ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE administrators ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
