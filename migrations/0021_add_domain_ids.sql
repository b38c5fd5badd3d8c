-- The id and the version of an organization's domain. A row from before, and one that a program of before still adds
-- while replicas are replaced, has no id: it is read with the first 128 bits of the SHA-256 of organization id and
-- domain, which cannot be computed here. A job writes them, so that the second index becomes empty.
ALTER TABLE organization_domains ADD COLUMN id TEXT;
ALTER TABLE organization_domains ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
CREATE UNIQUE INDEX organization_domains_by_id ON organization_domains (organization_id, id);
CREATE INDEX organization_domains_without_id ON organization_domains (organization_id) WHERE id IS NULL;
