-- Whether a directory takes users without any e-mail address. Directories that hold some keep taking them.
ALTER TABLE scim_directories ADD COLUMN allow_users_without_email BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE scim_directories SET allow_users_without_email = TRUE WHERE EXISTS
    (SELECT 1 FROM scim_users u WHERE u.directory_id = scim_directories.id AND u.email IS NULL AND u.deleted_at IS NULL);
