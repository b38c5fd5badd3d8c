-- To whom a letter goes and for which organization: how many there were within the hour is asked before one more is written.
ALTER TABLE letters ADD COLUMN recipient_sha256 TEXT; -- of the environment's id and the normal form of the address; NULL of older ones
CREATE INDEX letters_by_recipient ON letters (recipient_sha256, created_at) WHERE recipient_sha256 IS NOT NULL;
CREATE INDEX letters_by_organization ON letters (organization_id, created_at);

-- The scopes of an application that a role has permitted since it was made, now or before: users get them by roles only. A role that goes
-- opens none of them to everybody.
ALTER TABLE oauth_clients ADD COLUMN role_scopes TEXT NOT NULL DEFAULT '[]'; -- JSON array
