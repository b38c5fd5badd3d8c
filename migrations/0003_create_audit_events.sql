-- Who did what to what, from where. Append-only: `store::db` adds the triggers that refuse every change,
-- because the two databases spell them differently. No foreign key: it outlives what it speaks of.
CREATE TABLE audit_events (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL, -- '' for what concerns the whole installation
    at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL, -- administrator, api_key, setup_link, operator, service
    actor_id TEXT NOT NULL,
    address TEXT,
    action TEXT NOT NULL, -- organization.updated …
    target_kind TEXT NOT NULL,
    target_id TEXT NOT NULL,
    organization_id TEXT,
    before TEXT NOT NULL, -- JSON objects, of what changed
    after TEXT NOT NULL
);
CREATE INDEX audit_events_by_environment ON audit_events (environment_id, id);
CREATE INDEX audit_events_by_target ON audit_events (environment_id, target_id, id);
CREATE INDEX audit_events_by_organization ON audit_events (environment_id, organization_id, id) WHERE organization_id IS NOT NULL;
CREATE INDEX audit_events_by_actor ON audit_events (environment_id, actor_id, id);
CREATE INDEX audit_events_by_action ON audit_events (environment_id, action, id);

-- What people call their keys and clients, and when a key last opened something (give or take minutes).
ALTER TABLE api_keys ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN last_used_at BIGINT;
ALTER TABLE oauth_clients ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
