-- Whether users of the root's pools begin sessions by their password over the API, and whether they make organizations.
ALTER TABLE environments ADD COLUMN password_sessions BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE environments ADD COLUMN user_organizations BOOLEAN NOT NULL DEFAULT TRUE;

-- Idempotency keys are of any caller: an API key, a client or a user.
CREATE TABLE idempotency_keys_of_callers (
    caller_id TEXT NOT NULL, -- of the API key, the application or the user
    key_sha256 TEXT NOT NULL, -- of the header
    request_sha256 TEXT NOT NULL, -- of method, path, query and body
    attempt TEXT NOT NULL, -- the one that works on it, or that answered
    started_at BIGINT NOT NULL,
    status BIGINT, -- of the answer; NULL while there is none
    answer TEXT, -- its body, sealed: there may be secrets in it
    PRIMARY KEY (caller_id, key_sha256)
);
INSERT INTO idempotency_keys_of_callers (caller_id, key_sha256, request_sha256, attempt, started_at, status, answer)
SELECT api_key_id, key_sha256, request_sha256, attempt, started_at, status, answer FROM idempotency_keys;
DROP TABLE idempotency_keys;
ALTER TABLE idempotency_keys_of_callers RENAME TO idempotency_keys;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (started_at);
