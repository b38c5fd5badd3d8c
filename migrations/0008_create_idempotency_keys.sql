-- Answers to requests that came with an `Idempotency-Key`, so that another try makes nothing twice.
CREATE TABLE idempotency_keys (
    api_key_id TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    key_sha256 TEXT NOT NULL, -- of the header
    request_sha256 TEXT NOT NULL, -- of method, path, query and body
    attempt TEXT NOT NULL, -- the one that works on it, or that answered
    started_at BIGINT NOT NULL,
    status BIGINT, -- of the answer; NULL while there is none
    answer TEXT, -- its body, sealed: there may be secrets in it
    PRIMARY KEY (api_key_id, key_sha256)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (started_at);
