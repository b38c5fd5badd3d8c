-- What else a password is: usable, or to be changed or reset first; when it expires.
ALTER TABLE passwords ADD COLUMN state TEXT NOT NULL DEFAULT 'valid'; -- valid, must_be_changed, must_be_reset
ALTER TABLE passwords ADD COLUMN expires_at BIGINT;

-- Passwords that an account had before, where its pool forbids to use them again.
CREATE TABLE former_passwords (
    account_id TEXT NOT NULL,
    password_hash TEXT NOT NULL, -- PHC string, or as it was imported
    replaced_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, password_hash)
);

-- Secrets of authenticator apps (RFC 6238).
CREATE TABLE totp_secrets (
    account_id TEXT PRIMARY KEY,
    secret TEXT NOT NULL, -- sealed with the master key
    created_at BIGINT NOT NULL,
    last_used_step BIGINT -- of the last code that was accepted: each is good once
);

-- One-time codes for whoever lost their second factor.
CREATE TABLE recovery_codes (
    account_id TEXT NOT NULL,
    code_sha256 TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    consumed_at BIGINT,
    PRIMARY KEY (account_id, code_sha256)
);

-- The challenge that an account may answer to get another passkey: one at a time (WebAuthn Level 3 §13.4.3).
CREATE TABLE passkey_challenges (
    account_id TEXT PRIMARY KEY,
    state TEXT NOT NULL, -- JSON: what its answer is verified with
    expires_at BIGINT NOT NULL
);
CREATE INDEX passkey_challenges_by_expiry ON passkey_challenges (expires_at);

-- One-time codes that prove an address or let a user set a credential. A new one of a purpose ends the earlier ones.
CREATE TABLE one_time_codes (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    environment_id TEXT NOT NULL,
    purpose TEXT NOT NULL, -- activation, reset_password, reset_totp, enroll_webauthn, verify_address
    code_sha256 TEXT NOT NULL, -- of the code with the account and the purpose
    address_key TEXT, -- of the address that it proves
    failures BIGINT NOT NULL, -- how often another code was given
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX one_time_codes_by_account ON one_time_codes (account_id, purpose);
CREATE INDEX one_time_codes_by_environment ON one_time_codes (environment_id);
CREATE INDEX one_time_codes_by_expiry ON one_time_codes (expires_at);
