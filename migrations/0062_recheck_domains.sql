-- Domains that DNS proved are looked at again. One whose record is gone counts for a grace time, and then no longer as proved.
-- Whether the vendor accepted the domain without proof: it goes on counting (`whitelisted`) when its proof lapses.
ALTER TABLE organization_domains ADD COLUMN approved BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE organization_domains SET approved = TRUE WHERE state = 'whitelisted';
-- Since when DNS answers without the record that proved the domain. NULL while it is there.
ALTER TABLE organization_domains ADD COLUMN record_lost_at BIGINT;
-- When DNS is asked next; a past time is as soon as there is room. NULL for domains that DNS never proved.
ALTER TABLE organization_domains ADD COLUMN recheck_at BIGINT;
UPDATE organization_domains SET recheck_at = 0 WHERE state = 'verified' AND verification_token IS NOT NULL;
CREATE INDEX organization_domains_by_recheck ON organization_domains (recheck_at) WHERE recheck_at IS NOT NULL;
CREATE INDEX organization_domains_by_loss ON organization_domains (environment_id, record_lost_at)
    WHERE record_lost_at IS NOT NULL;
