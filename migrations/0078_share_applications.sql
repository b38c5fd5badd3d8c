-- With which organizations an application of the vendor is shared, and which of its roles along with it. `oauth_clients.shared` may
-- now also be existing (organizations that were made until shared_at) and selected (those that application_shares names).
ALTER TABLE oauth_clients ADD COLUMN shared_at BIGINT; -- since when it is shared as it is; NULL: it never was
ALTER TABLE oauth_clients ADD COLUMN shared_role_mode TEXT NOT NULL DEFAULT 'all'; -- all, none, selected
ALTER TABLE oauth_clients ADD COLUMN shared_roles TEXT NOT NULL DEFAULT '[]'; -- JSON array of ids; of the mode selected
ALTER TABLE oauth_clients ADD COLUMN role_audience TEXT NOT NULL DEFAULT 'organization'; -- of its roles: organization, application
ALTER TABLE oauth_clients ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE oauth_clients ADD COLUMN name_key TEXT NOT NULL DEFAULT ''; -- normal form of display_name, which the program writes
UPDATE oauth_clients SET name_key = lower(display_name); -- right for ASCII; the rest with the next change
CREATE INDEX oauth_clients_by_name ON oauth_clients (environment_id, display_name);

-- What holds for single organizations: shared or not, whatever the rest is. The closest of an organization and those above it
-- counts, of those above only where with_children is set.
CREATE TABLE application_shares (
    application_id TEXT NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    mode TEXT NOT NULL, -- shared, unshared
    with_children BOOLEAN NOT NULL, -- also for all that are and will be below it
    role_mode TEXT NOT NULL, -- all, none, selected
    roles TEXT NOT NULL, -- JSON array of ids; of the mode selected
    created_at BIGINT NOT NULL,
    PRIMARY KEY (application_id, organization_id)
);
CREATE INDEX application_shares_by_organization ON application_shares (organization_id);

-- Roles of the root organization that an application uses, where its roles are for organizations.
CREATE TABLE application_roles (
    application_id TEXT NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
    role_id TEXT NOT NULL,
    PRIMARY KEY (application_id, role_id)
);
CREATE INDEX application_roles_by_role ON application_roles (role_id);
