-- Groups of the users of an identity pool. No foreign key to the pool: what is in a removed pool is deleted in batches.
CREATE TABLE user_groups (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    organization_id TEXT NOT NULL, -- of the pool
    pool_id TEXT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL, -- normal form of the name: unique in the pool, and what lists are sorted and searched by
    description TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT -- when it was removed; its members are deleted in batches, then the row
);
CREATE UNIQUE INDEX user_groups_by_name ON user_groups (pool_id, name_key) WHERE deleted_at IS NULL;
CREATE INDEX user_groups_by_pool ON user_groups (pool_id, id);
CREATE INDEX user_groups_by_creation ON user_groups (pool_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX user_groups_by_environment ON user_groups (environment_id); -- without the id: lists are not read by it
CREATE INDEX user_groups_by_organization ON user_groups (organization_id);
CREATE INDEX user_groups_deleted ON user_groups (deleted_at) WHERE deleted_at IS NOT NULL;

-- Who is in which group, one row each: one more member of a large group writes one row.
CREATE TABLE user_group_members (
    group_id TEXT NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX user_group_members_by_user ON user_group_members (user_id, group_id);
