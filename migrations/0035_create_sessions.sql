-- The sessions of every kind of subject in one table. Whose a session is, its subject's id says by its prefix; rows are found
-- by it, and whoever removes a subject removes its sessions.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    token_sha256 TEXT NOT NULL UNIQUE, -- of the cookie
    subject_id TEXT NOT NULL, -- an administrator (admin_…) or a setup link (setup_link_…)
    environment_id TEXT, -- of the subject; none: administrators
    method TEXT NOT NULL, -- password, passkey, saml, oidc, invitation, setup_link
    authenticated_at BIGINT NOT NULL, -- when they last proved who they are
    address TEXT, -- of the last request
    user_agent TEXT NOT NULL,
    connection_id TEXT, -- through which connection they signed in: when it is switched off or removed, the session ends
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);

INSERT INTO sessions (id, token_sha256, subject_id, method, authenticated_at, address, user_agent, connection_id, created_at,
    last_seen_at, expires_at, revoked_at)
SELECT id, token_sha256, administrator_id, method, authenticated_at, address, user_agent, saml_connection_id, created_at,
    last_seen_at, expires_at, revoked_at
FROM admin_sessions;
DROP TABLE admin_sessions;

-- Sessions of setup links had no ids. Hexadecimal digits are digits of an id too: 24 of them, and a zero, as 25 would be too
-- large a number.
INSERT INTO sessions (id, token_sha256, subject_id, environment_id, method, authenticated_at, user_agent, created_at,
    last_seen_at, expires_at)
SELECT 'setup_session_0' || substr(s.token_sha256, 1, 24), s.token_sha256, s.setup_link_id, l.environment_id, 'setup_link',
    s.created_at, '', s.created_at, s.last_seen_at, s.expires_at
FROM setup_sessions s JOIN setup_links l ON l.id = s.setup_link_id;
DROP TABLE setup_sessions;

CREATE INDEX sessions_by_subject ON sessions (subject_id, id);
CREATE INDEX sessions_by_connection ON sessions (connection_id) WHERE connection_id IS NOT NULL;
CREATE INDEX sessions_by_environment ON sessions (environment_id) WHERE environment_id IS NOT NULL;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
