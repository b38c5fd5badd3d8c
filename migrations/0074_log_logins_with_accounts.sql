-- Logins with an account (password, passkey) stand beside those by SAML: protocol 'account', without a connection.
ALTER TABLE login_flows ADD COLUMN user_id TEXT; -- the account, once it is known whose login it is
ALTER TABLE login_flows ADD COLUMN application_id TEXT; -- for which somebody signs in at an organization's issuer
ALTER TABLE login_flows ADD COLUMN amr TEXT; -- JSON array: what proved the person (RFC 8176)
ALTER TABLE authorization_requests ADD COLUMN account_flow_id TEXT; -- its login with an account, once somebody proved or failed something

-- When a user was asked whether they want a passkey: once.
ALTER TABLE users ADD COLUMN passkey_offered_at BIGINT;
