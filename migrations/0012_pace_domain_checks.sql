-- DNS is asked about an organization's domains one at a time, however they come and go.
ALTER TABLE organizations ADD COLUMN domains_checked_at BIGINT;
