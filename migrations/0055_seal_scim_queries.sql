-- The query of a logged SCIM request, sealed with the master key: filters name people. Rows of before have it in `path`.
ALTER TABLE scim_requests ADD COLUMN query TEXT;
