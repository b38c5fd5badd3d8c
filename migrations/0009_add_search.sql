-- The words by which people look for an organization: of its name, its external id and its domains.
-- `word` is the lower-case text's UTF-8 bytes in hexadecimal, which every collation sorts alike.
CREATE TABLE organization_words (
    environment_id TEXT NOT NULL,
    word TEXT NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    PRIMARY KEY (environment_id, word, organization_id)
);
CREATE INDEX organization_words_by_organization ON organization_words (organization_id, word);

-- What happened of a kind, and to somebody.
CREATE INDEX events_by_type ON events (environment_id, type, sequence);
CREATE INDEX events_by_resource ON events (environment_id, resource_id, sequence);

-- The directories of an environment, the newest first.
CREATE INDEX scim_directories_by_environment ON scim_directories (environment_id, id);
