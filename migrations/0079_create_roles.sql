-- Roles: named sets of permissions. A role is its organization's own; one of the root also counts in the organizations with which its
-- application is shared, where it is nowhere stored.
CREATE TABLE roles (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    organization_id TEXT NOT NULL, -- whose role it is; the root's are the vendor's
    version BIGINT NOT NULL DEFAULT 1,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL, -- normal form of the name: unique among the roles of one audience
    audience_type TEXT NOT NULL, -- application, organization
    audience_id TEXT NOT NULL, -- of the application or the organization
    permissions TEXT NOT NULL, -- JSON array of scopes, sorted
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT -- when it was removed; its assignments are deleted in batches, then the row
);
CREATE UNIQUE INDEX roles_by_name ON roles (environment_id, organization_id, audience_type, audience_id, name_key) WHERE deleted_at IS NULL;
CREATE INDEX roles_by_organization ON roles (organization_id);
CREATE INDEX roles_by_audience ON roles (audience_id);
CREATE INDEX roles_by_environment ON roles (environment_id);
CREATE INDEX roles_deleted ON roles (deleted_at) WHERE deleted_at IS NOT NULL;

-- Who has which role, in which organization: a role of the root is given in each organization anew.
CREATE TABLE role_assignments (
    role_id TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    organization_id TEXT NOT NULL,
    subject_kind TEXT NOT NULL, -- user, group
    subject_id TEXT NOT NULL, -- of the user or the group of users
    environment_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (role_id, organization_id, subject_kind, subject_id)
);
CREATE INDEX role_assignments_by_subject ON role_assignments (subject_id, organization_id, role_id);
CREATE INDEX role_assignments_by_organization ON role_assignments (organization_id);
CREATE INDEX role_assignments_by_environment ON role_assignments (environment_id);
