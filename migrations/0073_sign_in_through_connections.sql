-- Signing in with an account through the organization's identity provider.
ALTER TABLE authorization_requests ADD COLUMN authenticated_since BIGINT; -- the person must not have authenticated before that
ALTER TABLE authorization_requests ADD COLUMN flow_id TEXT; -- the login at the identity provider that was begun last
-- Whom its answer proved, how (JSON array, RFC 8176) and when. Good for nothing but the end of that login.
ALTER TABLE authorization_requests ADD COLUMN asserted_user_id TEXT;
ALTER TABLE authorization_requests ADD COLUMN asserted_amr TEXT;
ALTER TABLE authorization_requests ADD COLUMN asserted_at BIGINT;
CREATE INDEX authorization_requests_by_flow ON authorization_requests (flow_id) WHERE flow_id IS NOT NULL;
