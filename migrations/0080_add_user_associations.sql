-- Users of one organization in another one: each has an image there, a user of that organization's own without credentials.
ALTER TABLE users ADD COLUMN shadow_of TEXT; -- of an image: the user whose image it is
CREATE INDEX users_by_resident ON users (shadow_of) WHERE shadow_of IS NOT NULL;

-- Who they are at home. No foreign key for that: a user's images are erased with the user, in batches.
CREATE TABLE user_associations (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE, -- the image
    environment_id TEXT NOT NULL,
    organization_id TEXT NOT NULL, -- in which it is
    resident_user_id TEXT NOT NULL,
    resident_organization_id TEXT NOT NULL,
    kind TEXT NOT NULL, -- OWNER, INVITED, SHARED
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX user_associations_by_resident ON user_associations (resident_user_id, organization_id);
CREATE INDEX user_associations_by_organization ON user_associations (organization_id, user_id);
CREATE INDEX user_associations_by_environment ON user_associations (environment_id);

-- Grants of users whose token was switched to another organization: `organization_id` is that one, `issuer` the root.
ALTER TABLE authorization_grants ADD COLUMN switched BOOLEAN NOT NULL DEFAULT FALSE;

-- WSO2's version of an organization, kept and echoed.
ALTER TABLE organizations ADD COLUMN wso2_version TEXT NOT NULL DEFAULT 'v1.0.0';

-- Whether the vendor says by WSO2's discovery whose the domains of addresses are. Without a row, nobody does.
CREATE TABLE discovery_settings (
    environment_id TEXT PRIMARY KEY REFERENCES environments (id) ON DELETE CASCADE,
    email_domains BOOLEAN NOT NULL,
    updated_at BIGINT NOT NULL
);
-- Domains of which the vendor says so: they count as proved, without DNS.
ALTER TABLE organization_domains ADD COLUMN asserted BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX organization_domains_asserted ON organization_domains (environment_id, organization_id) WHERE asserted;
-- The keys that organizations have.
CREATE INDEX organization_attributes_by_key ON organization_attributes (key, organization_id);
