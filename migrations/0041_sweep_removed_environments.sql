-- Environments that were removed, until no row of theirs is left: what may be much is deleted in batches.
CREATE TABLE removed_environments (
    id TEXT PRIMARY KEY,
    removed_at BIGINT NOT NULL -- 0: before this table was there
);
INSERT INTO removed_environments (id, removed_at)
SELECT DISTINCT environment_id, 0 FROM audit_events
WHERE environment_id <> '' AND environment_id NOT IN (SELECT id FROM environments);

-- By these the rows of a removed environment are found.
CREATE INDEX login_counts_by_environment ON login_counts (environment_id);
CREATE INDEX connection_logins_by_environment ON connection_logins (environment_id);
