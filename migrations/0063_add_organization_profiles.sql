-- What an organization carries besides its names, and the template that it was made from.
ALTER TABLE organizations ADD COLUMN is_template BOOLEAN NOT NULL DEFAULT FALSE; -- nobody signs in to it or is pushed into it
ALTER TABLE organizations ADD COLUMN template_id TEXT; -- whose settings it got when it was made; the template may be gone
ALTER TABLE organizations ADD COLUMN template_applied_at BIGINT;
ALTER TABLE organizations ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE organizations ADD COLUMN color TEXT NOT NULL DEFAULT ''; -- #rrggbb or empty
ALTER TABLE organizations ADD COLUMN contact_email TEXT;
ALTER TABLE organizations ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}'; -- JSON object
ALTER TABLE organizations ADD COLUMN metadata_schema TEXT NOT NULL DEFAULT '{}'; -- JSON Schema that a new payload must match
ALTER TABLE organizations ADD COLUMN authentication_mechanisms TEXT; -- JSON array; NULL: no restriction
-- By what lists are sorted and names are unique, written by the program: of rows from before, by a background job.
ALTER TABLE organizations ADD COLUMN name_key TEXT NOT NULL DEFAULT ''; -- normal form of name, else of display_name
ALTER TABLE organizations ADD COLUMN public_id TEXT NOT NULL DEFAULT ''; -- public_alias, else the id as 32 hexadecimal digits
CREATE INDEX organizations_by_name ON organizations (environment_id, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX organizations_by_public_id ON organizations (environment_id, public_id, id) WHERE deleted_at IS NULL;
CREATE INDEX organizations_by_creation ON organizations (environment_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX organizations_children_by_name ON organizations (parent_id, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX organizations_children_by_public_id ON organizations (parent_id, public_id, id) WHERE deleted_at IS NULL;
CREATE INDEX organizations_children_by_creation ON organizations (parent_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX organizations_templates ON organizations (environment_id, name_key, id) WHERE is_template AND deleted_at IS NULL;
CREATE INDEX organizations_without_keys ON organizations (id) WHERE public_id = '' AND deleted_at IS NULL;

-- Free text that the vendor keeps with an organization, by key.
CREATE TABLE organization_attributes (
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (organization_id, key)
);

-- What a new organization gets where the request names none. The template or parent may be gone: then there is none.
ALTER TABLE environments ADD COLUMN default_template_id TEXT;
ALTER TABLE environments ADD COLUMN default_parent_id TEXT;
