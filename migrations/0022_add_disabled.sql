-- Switched off: not used any more, and kept with everything that belongs to it.
ALTER TABLE api_keys ADD COLUMN disabled BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE oauth_clients ADD COLUMN disabled BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE organizations ADD COLUMN disabled BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE saml_connections ADD COLUMN disabled BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE scim_directories ADD COLUMN disabled BOOLEAN NOT NULL DEFAULT FALSE;
