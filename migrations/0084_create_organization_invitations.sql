-- Invitations to organizations: somebody with an address may become a member, by a link that is good once.
CREATE TABLE organization_invitations (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    email TEXT NOT NULL, -- as it was given
    email_key TEXT NOT NULL, -- normal form
    role TEXT NOT NULL, -- admin, member
    token_sha256 TEXT NOT NULL, -- of the link that is good now
    state TEXT NOT NULL, -- open, accepted, revoked, expired; an open one may have expired by the clock
    invited_by TEXT NOT NULL, -- the id of whoever invites; empty for the operator and the service
    vouched BOOLEAN NOT NULL, -- whether whoever got the link vouches for the address
    expires_at BIGINT NOT NULL,
    lifetime_ms BIGINT NOT NULL, -- for how long each link is good
    accepted_at BIGINT,
    accepted_user_id TEXT,
    revoked_at BIGINT,
    send_count BIGINT NOT NULL, -- links made, sent or not
    last_sent_at BIGINT NOT NULL,
    renewed_since BIGINT NOT NULL, -- the day in which renewed links are counted began
    renewed_count BIGINT NOT NULL,
    ended_at BIGINT, -- when it was accepted, taken back or found expired; NULL while it is open
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX organization_invitations_by_token ON organization_invitations (token_sha256);
-- One at a time for each address.
CREATE UNIQUE INDEX organization_invitations_open ON organization_invitations (organization_id, email_key) WHERE state = 'open';
CREATE INDEX organization_invitations_by_organization ON organization_invitations (organization_id, id);
CREATE INDEX organization_invitations_by_state ON organization_invitations (organization_id, state, id);
-- What somebody is invited to.
CREATE INDEX organization_invitations_by_address ON organization_invitations (environment_id, email_key, id);
CREATE INDEX organization_invitations_by_user ON organization_invitations (accepted_user_id) WHERE accepted_user_id IS NOT NULL;
-- What has expired, and what is old.
CREATE INDEX organization_invitations_due ON organization_invitations (expires_at) WHERE state = 'open';
CREATE INDEX organization_invitations_by_age ON organization_invitations (ended_at) WHERE ended_at IS NOT NULL;
