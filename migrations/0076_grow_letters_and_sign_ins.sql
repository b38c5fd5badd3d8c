-- Who asked for a letter: what strangers ask for and what the person or an administrator asks for have limits of their own.
ALTER TABLE letters ADD COLUMN asked_by TEXT; -- stranger, holder, administrator; NULL of notices and invitations

-- Whom the application expects (id_token_hint, OpenID Connect Core §3.1.2.1).
ALTER TABLE authorization_requests ADD COLUMN hinted_user_id TEXT;
-- How many second factors of this sign-in were wrong: a few end it.
ALTER TABLE authorization_requests ADD COLUMN second_factor_failures BIGINT NOT NULL DEFAULT 0;
