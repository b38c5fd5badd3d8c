-- Passwords of accounts of any kind. Whose one is, the account's id says by its prefix; whoever removes an account removes it.
CREATE TABLE passwords (
    account_id TEXT PRIMARY KEY, -- an administrator (admin_…)
    password_hash TEXT NOT NULL, -- PHC string
    changed_at BIGINT NOT NULL -- when it was set; of those from before this table, no later than the account's last change
);

INSERT INTO passwords (account_id, password_hash, changed_at)
SELECT id, password_hash, updated_at FROM administrators WHERE password_hash IS NOT NULL;
ALTER TABLE administrators DROP COLUMN password_hash;
