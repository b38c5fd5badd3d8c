-- A sign-in under way may be for no application: somebody who signs in for themselves goes to their account page.
ALTER TABLE authorization_requests RENAME COLUMN client_id TO former_client_id;
ALTER TABLE authorization_requests ADD COLUMN client_id TEXT; -- NULL: for no application
UPDATE authorization_requests SET client_id = former_client_id;
ALTER TABLE authorization_requests DROP COLUMN former_client_id;
