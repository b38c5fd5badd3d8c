-- Logins are found by what support remembers of them. Ids sort by birth, so every list pages by id, and a
-- range of time is a range of ids. A successful login pays for three of these indexes, one more than before;
-- the others are of logins that went wrong.
ALTER TABLE saml_flows ADD COLUMN claimed_email TEXT; -- whom a signed response named that was refused; nobody signed in
DROP INDEX saml_flows_by_environment;
DROP INDEX saml_flows_failed;
DROP INDEX saml_flows_by_email;
CREATE INDEX saml_flows_by_environment ON saml_flows (environment_id, id);
CREATE INDEX saml_flows_by_organization ON saml_flows (organization_id, id);
CREATE INDEX saml_flows_by_email ON saml_flows (email_key, id) WHERE email_key IS NOT NULL;
CREATE INDEX saml_flows_failed ON saml_flows (environment_id, id) WHERE status = 'failed';
CREATE INDEX saml_flows_failed_in_organization ON saml_flows (organization_id, id) WHERE status = 'failed';
CREATE INDEX saml_flows_by_refusal ON saml_flows (environment_id, refusal, id) WHERE refusal IS NOT NULL;

-- Logins by the hour in which they began, counted from saml_flows by a background job, never at a login:
-- there is no hot row. `stray`: refused posts that belong to no login and that nobody we know signed.
CREATE TABLE login_hours (
    environment_id TEXT NOT NULL,
    hour BIGINT NOT NULL, -- its first millisecond
    succeeded BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    in_progress BIGINT NOT NULL, -- begun and never finished, or still under way
    stray BIGINT NOT NULL,
    PRIMARY KEY (environment_id, hour)
);
CREATE INDEX login_hours_by_age ON login_hours (hour);

CREATE TABLE login_counts (
    hour BIGINT NOT NULL,
    saml_connection_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    environment_id TEXT NOT NULL,
    succeeded BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    in_progress BIGINT NOT NULL,
    stray BIGINT NOT NULL,
    PRIMARY KEY (hour, saml_connection_id)
);
CREATE INDEX login_counts_by_organization ON login_counts (organization_id, hour);
CREATE INDEX login_counts_failed ON login_counts (environment_id, hour, organization_id, failed) WHERE failed > 0;

-- Which hours were counted, and when last.
CREATE TABLE counted_hours (
    hour BIGINT PRIMARY KEY,
    counted_at BIGINT NOT NULL,
    took_ms BIGINT NOT NULL
);

-- When each connection last let somebody in and last refused somebody, kept by the same job.
CREATE TABLE connection_logins (
    saml_connection_id TEXT PRIMARY KEY,
    organization_id TEXT NOT NULL,
    environment_id TEXT NOT NULL,
    last_succeeded_at BIGINT NOT NULL, -- 0 for never
    last_failed_at BIGINT NOT NULL
);
CREATE INDEX connection_logins_failing ON connection_logins (environment_id, last_failed_at)
    WHERE last_failed_at > last_succeeded_at;

-- When a directory was last called: the latest of its tokens' uses, where the environment stands too, so that
-- those gone silent are found.
CREATE TABLE scim_directory_uses (
    directory_id TEXT PRIMARY KEY REFERENCES scim_directories (id) ON DELETE CASCADE,
    environment_id TEXT NOT NULL,
    last_used_at BIGINT NOT NULL
);
CREATE INDEX scim_directory_uses_by_age ON scim_directory_uses (environment_id, last_used_at);
INSERT INTO scim_directory_uses (directory_id, environment_id, last_used_at)
    SELECT d.id, d.environment_id, MAX(t.last_used_at) FROM scim_directories d
    JOIN scim_bearer_tokens t ON t.directory_id = d.id WHERE t.last_used_at IS NOT NULL
    GROUP BY d.id, d.environment_id;
