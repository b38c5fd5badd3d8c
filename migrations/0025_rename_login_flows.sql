-- One login, whatever the protocol (was saml_flows, with the request and the code of SAML and OAuth in it). No foreign key:
-- history outlives what it speaks of. The table is made anew because SQLite drops no column with a UNIQUE constraint.
CREATE TABLE login_flows (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    protocol TEXT NOT NULL, -- saml
    connection_id TEXT, -- NULL for a login that needs none
    origin TEXT NOT NULL, -- api, oauth, restart (an unsolicited response thrown away), idp, detached (a refused stray post), …
    status TEXT NOT NULL, -- in_progress, failed, succeeded
    refusal TEXT, -- the code of the last refusal
    state TEXT, -- the app's own, echoed
    email TEXT, -- of the person who signed in
    claimed_email TEXT, -- whom a signed response named that was refused; nobody signed in
    email_key TEXT, -- the normal form of email, else of claimed_email
    attributes TEXT, -- JSON object: name to array of values
    authenticated_at BIGINT, -- when the identity provider asked for credentials, by its word
    force_authn BOOLEAN NOT NULL,
    -- the browser that may bring the answer, until when, and when it was accepted
    browser_sha256 TEXT,
    request_expires_at BIGINT,
    answered_at BIGINT,
    redeemed_at BIGINT, -- when the app redeemed the login's code
    -- what the OAuth client asked for
    oauth_client_id TEXT,
    oauth_redirect_uri TEXT,
    oauth_redirect_uri_sent BOOLEAN,
    oauth_nonce TEXT,
    oauth_code_challenge TEXT,
    oauth_scope TEXT,
    unfinished BOOLEAN NOT NULL, -- nobody answered it: it is kept for a short time only
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
INSERT INTO login_flows (id, environment_id, organization_id, protocol, connection_id, origin, status, refusal, state, email,
    claimed_email, email_key, attributes, authenticated_at, force_authn, browser_sha256, request_expires_at, answered_at,
    redeemed_at, oauth_client_id, oauth_redirect_uri, oauth_redirect_uri_sent, oauth_nonce, oauth_code_challenge, oauth_scope,
    unfinished, created_at, updated_at)
    SELECT id, environment_id, organization_id, 'saml', saml_connection_id, origin, status, refusal, state, email,
    claimed_email, email_key, attributes, authenticated_at, force_authn, browser_sha256, request_expires_at,
    COALESCE(request_consumed_at, CASE WHEN email IS NOT NULL THEN created_at END), code_consumed_at,
    oauth_client_id, oauth_redirect_uri, oauth_redirect_uri_sent, oauth_nonce, oauth_code_challenge, oauth_scope,
    unfinished, created_at, updated_at FROM saml_flows;

-- SAML's part of a login: the AuthnRequest that was sent last.
CREATE TABLE saml_authn_requests (
    request_id TEXT PRIMARY KEY, -- its ID, which is random
    flow_id TEXT NOT NULL UNIQUE REFERENCES login_flows (id) ON DELETE CASCADE
);
INSERT INTO saml_authn_requests (request_id, flow_id) SELECT request_id, id FROM saml_flows WHERE request_id IS NOT NULL;

-- The timeline of a login.
CREATE TABLE login_flow_steps (
    flow_id TEXT NOT NULL REFERENCES login_flows (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL, -- from 1
    at BIGINT NOT NULL,
    kind TEXT NOT NULL, -- requested, refused, accepted
    checks TEXT NOT NULL, -- JSON array
    document TEXT, -- sealed with the master key
    document_expires_at BIGINT,
    PRIMARY KEY (flow_id, sequence)
);
INSERT INTO login_flow_steps (flow_id, sequence, at, kind, checks, document, document_expires_at)
    SELECT flow_id, sequence, at, kind, checks, document, document_expires_at FROM saml_flow_steps;
DROP TABLE saml_flow_steps;
DROP TABLE saml_flows;

-- Lists and searches: ids sort by the time of birth.
CREATE INDEX login_flows_by_environment ON login_flows (environment_id, id);
CREATE INDEX login_flows_by_organization ON login_flows (organization_id, id);
CREATE INDEX login_flows_by_email ON login_flows (email_key, id) WHERE email_key IS NOT NULL;
CREATE INDEX login_flows_failed ON login_flows (environment_id, id) WHERE status = 'failed';
CREATE INDEX login_flows_failed_in_organization ON login_flows (organization_id, id) WHERE status = 'failed';
CREATE INDEX login_flows_by_refusal ON login_flows (environment_id, refusal, id) WHERE refusal IS NOT NULL;
-- Limits, and what a browser waits for.
CREATE INDEX login_flows_detached ON login_flows (connection_id, created_at) WHERE origin = 'detached';
CREATE INDEX login_flows_tests ON login_flows (connection_id, created_at) WHERE origin IN ('setup', 'console');
CREATE INDEX login_flows_refused ON login_flows (connection_id, created_at) WHERE status = 'failed' AND NOT unfinished;
CREATE INDEX login_flows_restarted ON login_flows (browser_sha256, connection_id) WHERE origin = 'restart';
CREATE INDEX login_flows_awaited ON login_flows (browser_sha256, connection_id)
    WHERE answered_at IS NULL AND browser_sha256 IS NOT NULL;
CREATE INDEX login_flows_unfinished ON login_flows (id, environment_id) WHERE unfinished;
CREATE INDEX login_flow_steps_by_expiry ON login_flow_steps (document_expires_at) WHERE document_expires_at IS NOT NULL;

-- Counts are of connections of any protocol.
ALTER TABLE login_counts RENAME COLUMN saml_connection_id TO connection_id;
ALTER TABLE connection_logins RENAME COLUMN saml_connection_id TO connection_id;
