-- How much a directory takes up, written with each change of it. (How many living users and groups there are
-- stands in scim_directories.)
CREATE TABLE scim_usage (
    directory_id TEXT PRIMARY KEY REFERENCES scim_directories (id) ON DELETE CASCADE,
    environment_id TEXT NOT NULL,
    stored_bytes BIGINT NOT NULL, -- resources, deleted ones too, and memberships
    day BIGINT NOT NULL, -- days since 1970-01-01 UTC
    day_bytes BIGINT NOT NULL -- what changes wrote on that day
);
CREATE INDEX scim_usage_by_environment ON scim_usage (environment_id);
INSERT INTO scim_usage (directory_id, environment_id, stored_bytes, day, day_bytes)
SELECT d.id, d.environment_id,
    COALESCE((SELECT SUM(512 + octet_length(u.document)) FROM scim_users u WHERE u.directory_id = d.id), 0)
    + COALESCE((SELECT SUM(512 + octet_length(g.document)) FROM scim_groups g WHERE g.directory_id = d.id), 0)
    + COALESCE((SELECT 200 * COUNT(*) FROM scim_groups g JOIN scim_group_members m ON m.group_id = g.id WHERE g.directory_id = d.id), 0),
    0, 0
FROM scim_directories d;
