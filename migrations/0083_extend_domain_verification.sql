-- The window and the attempts of the proof of a domain, what its daily look missed, and what the domain does.
-- When the challenge was made, milliseconds. NULL without one, and for a challenge from before, whose record has another name and
-- whose window is open.
ALTER TABLE organization_domains ADD COLUMN verification_started_at BIGINT;
-- How often DNS was queried for the challenge.
ALTER TABLE organization_domains ADD COLUMN check_attempts BIGINT NOT NULL DEFAULT 0;
-- Why the last check did not prove it: record_not_found, dns_unavailable, domain_verified_elsewhere.
ALTER TABLE organization_domains ADD COLUMN check_failure TEXT;
-- How many daily looks in a row have not found the record that proved it.
ALTER TABLE organization_domains ADD COLUMN missed_checks BIGINT NOT NULL DEFAULT 0;
-- Whether sign-in leads people with an address of the domain to the organization. As before 0083 it does, unless somebody says
-- otherwise.
ALTER TABLE organization_domains ADD COLUMN routing_enabled BOOLEAN NOT NULL DEFAULT TRUE;
-- Whether users with a verified address of the domain become members by themselves, and what they become: member or admin.
ALTER TABLE organization_domains ADD COLUMN auto_join_enabled BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE organization_domains ADD COLUMN auto_join_role TEXT NOT NULL DEFAULT 'member';
-- Whom a domain makes a member: found by the domain of a user's address.
-- When the version was last raised; NULL: never, or not since 0083.
ALTER TABLE organization_domains ADD COLUMN updated_at BIGINT;
CREATE INDEX organization_domains_by_auto_join ON organization_domains (environment_id, domain)
    WHERE auto_join_enabled;

-- Users whom a domain makes a member of an organization no more: they were removed from it, or left. Whoever adds or invites them
-- makes them one again.
CREATE TABLE membership_denials (
    organization_id TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    environment_id TEXT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX membership_denials_by_user ON membership_denials (user_id);
CREATE INDEX membership_denials_by_environment ON membership_denials (environment_id);
