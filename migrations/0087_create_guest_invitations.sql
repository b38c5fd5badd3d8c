-- Invitations of an organization to users of the organization above it, who get an image there when they accept.
CREATE TABLE guest_invitations (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE, -- that invites
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, -- who is invited, at home
    resident_organization_id TEXT NOT NULL, -- in whose pool that is
    code_sha256 TEXT NOT NULL, -- of the confirmation code
    role_ids TEXT NOT NULL, -- JSON: the roles that they get, by their ids in the organization
    group_ids TEXT NOT NULL, -- JSON: the groups of the organization that they come into
    invited_by TEXT, -- the user who invited, by their id at home or in the organization; NULL: a program or the vendor
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX guest_invitations_by_code ON guest_invitations (code_sha256);
CREATE UNIQUE INDEX guest_invitations_by_user ON guest_invitations (organization_id, user_id);
CREATE INDEX guest_invitations_of_user ON guest_invitations (user_id);
CREATE INDEX guest_invitations_by_environment ON guest_invitations (environment_id);
CREATE INDEX guest_invitations_by_expiry ON guest_invitations (expires_at);
