-- The vendor's own people, who work in the console.
CREATE TABLE administrators (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE, -- ASCII, lower case
    display_name TEXT NOT NULL,
    password_hash TEXT, -- PHC string; none for those who sign in otherwise
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    disabled_at BIGINT -- removed: kept only so that the audit log can name them
);

-- What each may do where. An empty environment stands for every one, those to come too.
CREATE TABLE administrator_roles (
    administrator_id TEXT NOT NULL REFERENCES administrators (id) ON DELETE CASCADE,
    environment_id TEXT NOT NULL,
    role TEXT NOT NULL, -- viewer, admin, owner
    PRIMARY KEY (administrator_id, environment_id)
);
CREATE INDEX administrator_roles_by_environment ON administrator_roles (environment_id, administrator_id);

CREATE TABLE administrator_passkeys (
    id TEXT PRIMARY KEY,
    administrator_id TEXT NOT NULL REFERENCES administrators (id) ON DELETE CASCADE,
    credential_key TEXT NOT NULL UNIQUE, -- the credential id, base64url
    credential TEXT NOT NULL, -- JSON: public key, counter, flags
    display_name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX administrator_passkeys_by_administrator ON administrator_passkeys (administrator_id, id);

-- One-time links by which somebody becomes an administrator, or gets back in.
CREATE TABLE admin_invitations (
    id TEXT PRIMARY KEY,
    token_sha256 TEXT NOT NULL UNIQUE,
    purpose TEXT NOT NULL, -- join, reset
    email TEXT, -- none: whoever has the link says
    email_key TEXT,
    role TEXT NOT NULL, -- of a reset: not used
    environment_id TEXT NOT NULL, -- empty: every one
    invited_by TEXT, -- an administrator; none for the operator
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX admin_invitations_by_environment ON admin_invitations (environment_id, id);
CREATE INDEX admin_invitations_by_email ON admin_invitations (email_key, id) WHERE email_key IS NOT NULL;
CREATE INDEX admin_invitations_by_inviter ON admin_invitations (invited_by) WHERE invited_by IS NOT NULL;
CREATE INDEX admin_invitations_by_expiry ON admin_invitations (expires_at);

CREATE TABLE admin_sessions (
    id TEXT PRIMARY KEY,
    token_sha256 TEXT NOT NULL UNIQUE,
    administrator_id TEXT NOT NULL REFERENCES administrators (id) ON DELETE CASCADE,
    method TEXT NOT NULL, -- password, passkey, saml, oidc, invitation
    address TEXT,
    user_agent TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX admin_sessions_by_administrator ON admin_sessions (administrator_id, id);
CREATE INDEX admin_sessions_by_expiry ON admin_sessions (expires_at);

-- Sign-in challenges (passkeys, single sign-on) that were answered: each is taken once.
CREATE TABLE admin_challenges (
    id TEXT PRIMARY KEY, -- digest
    expires_at BIGINT NOT NULL
);
CREATE INDEX admin_challenges_by_expiry ON admin_challenges (expires_at);
