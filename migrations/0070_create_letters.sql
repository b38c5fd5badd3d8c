-- Letters to people: the queue of what is to be sent by mail, and the log of what was. Letters that are old enough are deleted.
CREATE TABLE letters (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    organization_id TEXT NOT NULL, -- for whose people it is written
    account_id TEXT, -- to whom it is; NULL where nobody has the address that was given
    kind TEXT NOT NULL, -- activation, reset_password, reset_totp, enroll_webauthn, verify_address, already_registered
    code_id TEXT, -- the one-time code in it: a letter with one that has ended is not sent
    recipient TEXT, -- the address, sealed with the master key; NULL where there is none
    contents TEXT, -- subject, text and HTML, sealed with the master key; NULL once it was sent or given up
    state TEXT NOT NULL, -- queued, sent, failed, refused
    attempts BIGINT NOT NULL,
    next_attempt_at BIGINT, -- while it is queued; while it is being sent, until when the replica that does so has it
    expires_at BIGINT NOT NULL, -- after which it is not sent
    last_error TEXT, -- why it was not sent: a word
    last_reply BIGINT, -- the code of the mail server's last reply (RFC 5321 section 4.2)
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX letters_due ON letters (next_attempt_at) WHERE state = 'queued';
CREATE INDEX letters_by_environment ON letters (environment_id, id);
CREATE INDEX letters_by_environment_and_state ON letters (environment_id, state, id);
CREATE INDEX letters_by_account ON letters (account_id, created_at);
CREATE INDEX letters_by_age ON letters (created_at);
