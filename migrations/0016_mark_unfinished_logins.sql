-- Logins that nobody finished are kept for a day only: nobody answered them, and of what came nothing was
-- proved. They and those that a browser waits for are found without looking at the others.
ALTER TABLE saml_flows ADD COLUMN unfinished BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE saml_flows SET unfinished = TRUE WHERE status = 'in_progress' AND request_consumed_at IS NULL AND email IS NULL;
CREATE INDEX saml_flows_unfinished ON saml_flows (id, environment_id) WHERE unfinished;
CREATE INDEX saml_flows_awaited ON saml_flows (browser_sha256, saml_connection_id) WHERE request_consumed_at IS NULL AND browser_sha256 IS NOT NULL;
-- How many refusals of a connection are history: there is a limit for an hour.
CREATE INDEX saml_flows_refused ON saml_flows (saml_connection_id, created_at) WHERE status = 'failed' AND NOT unfinished;
