-- When a directory was removed. It takes no requests and counts nowhere from then on; a job deletes what it holds in batches,
-- then the row.
ALTER TABLE scim_directories ADD COLUMN deleted_at BIGINT;
CREATE INDEX scim_directories_deleted ON scim_directories (deleted_at) WHERE deleted_at IS NOT NULL;
