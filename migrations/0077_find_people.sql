-- People are found by an address across the organizations of an environment, and logins by the account. The expressions keep
-- PostgreSQL from finding by these what is found by a pool's own index.
CREATE INDEX user_identifiers_by_key ON user_identifiers ((identifier_key || ''), user_id);
CREATE INDEX user_addresses_by_key ON user_addresses ((address_key || ''), user_id);
CREATE INDEX login_flows_by_user ON login_flows (user_id, id) WHERE user_id IS NOT NULL;
