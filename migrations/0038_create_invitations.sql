-- Invitations to accounts of any kind: one-time links by which somebody gets an account or a role, or gets back in.
CREATE TABLE invitations (
    id TEXT PRIMARY KEY,
    token_sha256 TEXT NOT NULL UNIQUE,
    purpose TEXT NOT NULL, -- join, reset
    account_kind TEXT NOT NULL, -- of the account that it makes or resets: administrator
    email TEXT, -- none: whoever has the link says
    email_key TEXT,
    role TEXT NOT NULL, -- that it grants; of a reset: not used
    environment_id TEXT, -- in which; none: in every one
    invited_by TEXT, -- an account; none for the operator
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT
);

INSERT INTO invitations (id, token_sha256, purpose, account_kind, email, email_key, role, environment_id, invited_by,
    created_at, expires_at, consumed_at)
SELECT id, token_sha256, purpose, 'administrator', email, email_key, role, NULLIF(environment_id, ''), invited_by,
    created_at, expires_at, consumed_at
FROM admin_invitations;
DROP TABLE admin_invitations;

CREATE INDEX invitations_by_environment ON invitations (environment_id, id);
CREATE INDEX invitations_by_email ON invitations (email_key, id) WHERE email_key IS NOT NULL;
CREATE INDEX invitations_by_inviter ON invitations (invited_by) WHERE invited_by IS NOT NULL;
CREATE INDEX invitations_by_expiry ON invitations (expires_at);
