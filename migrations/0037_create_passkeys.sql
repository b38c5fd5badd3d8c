-- Passkeys of accounts of any kind. Whose one is, the account's id says by its prefix, and its user handle is the id's 128
-- bits; whoever removes an account removes them.
CREATE TABLE passkeys (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL, -- an administrator (admin_…)
    credential_key TEXT NOT NULL UNIQUE, -- the credential id, base64url
    credential TEXT NOT NULL, -- JSON: public key, counter, flags
    display_name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);

INSERT INTO passkeys (id, account_id, credential_key, credential, display_name, created_at, last_used_at)
SELECT id, administrator_id, credential_key, credential, display_name, created_at, last_used_at FROM administrator_passkeys;
DROP TABLE administrator_passkeys;
CREATE INDEX passkeys_by_account ON passkeys (account_id, id);

-- Challenges of sign-ins (passkeys, single sign-on) that were answered: each is taken once, whoever answers it.
DROP INDEX admin_challenges_by_expiry;
ALTER TABLE admin_challenges RENAME TO authentication_challenges;
CREATE INDEX authentication_challenges_by_expiry ON authentication_challenges (expires_at);
