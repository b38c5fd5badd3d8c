-- Organizations form a tree. Every environment has one root organization, the vendor itself, whose id has the 128 bits of
-- the environment's. The others have a parent.
ALTER TABLE organizations ADD COLUMN parent_id TEXT REFERENCES organizations (id); -- NULL for the root only
ALTER TABLE organizations ADD COLUMN kind TEXT NOT NULL DEFAULT 'organization'; -- or 'root'
ALTER TABLE organizations ADD COLUMN status TEXT NOT NULL DEFAULT 'active'; -- or 'disabled': switched off, and kept
ALTER TABLE organizations ADD COLUMN name TEXT; -- what shows where there is no display name
ALTER TABLE organizations ADD COLUMN handle TEXT; -- its short name in paths: [a-z0-9][a-z0-9.-]{0,63}
ALTER TABLE organizations ADD COLUMN public_alias TEXT; -- an id that the client chose; compared byte for byte
-- When it was deleted. The row stays for the retention time, without external id, handle, alias, domains and words.
ALTER TABLE organizations ADD COLUMN deleted_at BIGINT;

UPDATE organizations SET status = 'disabled' WHERE disabled;
ALTER TABLE organizations DROP COLUMN disabled;

INSERT INTO organizations (id, environment_id, kind, display_name, created_at, updated_at)
SELECT 'org_' || substr(id, 5), id, 'root', '', created_at, created_at FROM environments;
UPDATE organizations SET parent_id = 'org_' || substr(environment_id, 5) WHERE kind = 'organization';

CREATE UNIQUE INDEX organizations_one_root ON organizations (environment_id) WHERE kind = 'root';
CREATE UNIQUE INDEX organizations_by_handle ON organizations (environment_id, handle);
CREATE UNIQUE INDEX organizations_by_public_alias ON organizations (environment_id, public_alias);
CREATE INDEX organizations_by_parent ON organizations (parent_id, id);
CREATE INDEX organizations_deleted ON organizations (deleted_at) WHERE deleted_at IS NOT NULL;
