-- Who belongs to which organization, and what they may do in its administration. A user of an organization's own pool is its member;
-- those of the root's pools may be members of many. The image of a user in another organization has none: its person has it.
CREATE TABLE memberships (
    organization_id TEXT NOT NULL, -- the root too: its owner and administrators administer the whole environment
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    environment_id TEXT NOT NULL,
    tier TEXT NOT NULL, -- owner, admin, member
    status TEXT NOT NULL, -- active, suspended
    source TEXT NOT NULL, -- creator, manual, invitation, auto_join, sso_jit, scim, shared
    directory_id TEXT, -- of a member whom a directory manages
    break_glass BOOLEAN NOT NULL DEFAULT FALSE, -- whether they are kept outside of an enforced single sign-on
    joined_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    last_login_at BIGINT,
    PRIMARY KEY (organization_id, user_id)
);
CREATE UNIQUE INDEX memberships_owner ON memberships (organization_id) WHERE tier = 'owner';
CREATE INDEX memberships_by_user ON memberships (user_id, organization_id);
CREATE INDEX memberships_by_environment ON memberships (environment_id);
CREATE INDEX memberships_by_tier ON memberships (organization_id, tier, user_id);
CREATE INDEX memberships_by_status ON memberships (organization_id, status, user_id);
CREATE INDEX memberships_by_source ON memberships (organization_id, source, user_id);
CREATE INDEX memberships_by_directory ON memberships (directory_id) WHERE directory_id IS NOT NULL;
CREATE INDEX memberships_break_glass ON memberships (organization_id) WHERE break_glass;

-- How many members an organization has: kept, because a page of organizations shows it of each.
CREATE TABLE membership_counts (
    organization_id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    members BIGINT NOT NULL
);
CREATE INDEX membership_counts_by_environment ON membership_counts (environment_id);

INSERT INTO memberships (organization_id, user_id, environment_id, tier, status, source, joined_at, updated_at)
SELECT organization_id, id, environment_id, 'member', 'active', CASE WHEN source = 'jit' THEN 'sso_jit' ELSE 'manual' END, created_at, created_at
FROM users WHERE shadow_of IS NULL;

-- Who made an organization owns it; where several are said to have, the first of them.
INSERT INTO memberships (organization_id, user_id, environment_id, tier, status, source, joined_at, updated_at)
SELECT a.organization_id, a.resident_user_id, a.environment_id,
    CASE
        WHEN a.kind <> 'OWNER' THEN 'member'
        WHEN a.user_id = (SELECT MIN(o.user_id) FROM user_associations o WHERE o.organization_id = a.organization_id AND o.kind = 'OWNER') THEN 'owner'
        ELSE 'admin'
    END,
    'active',
    CASE a.kind WHEN 'OWNER' THEN 'creator' WHEN 'INVITED' THEN 'invitation' ELSE 'shared' END,
    a.created_at, a.created_at
FROM user_associations a JOIN users u ON u.id = a.resident_user_id WHERE u.organization_id <> a.organization_id;

INSERT INTO membership_counts (organization_id, environment_id, members)
SELECT organization_id, MIN(environment_id), COUNT(*) FROM memberships GROUP BY organization_id;

-- Whether those who administer an organization need a second factor for it.
ALTER TABLE organizations ADD COLUMN require_admin_mfa BOOLEAN NOT NULL DEFAULT FALSE;
-- The organizations that are switched off, as they are listed.
CREATE INDEX organizations_disabled ON organizations (environment_id, id) WHERE status = 'disabled' AND deleted_at IS NULL;
