-- Addresses that a person of a directory had and no longer has: whoever is inactive or deleted is known by
-- every one of them.
CREATE TABLE scim_former_addresses (
    directory_id TEXT NOT NULL,
    address_key TEXT NOT NULL, -- lower case
    user_id TEXT NOT NULL REFERENCES scim_users (id) ON DELETE CASCADE,
    replaced_at BIGINT NOT NULL,
    PRIMARY KEY (directory_id, address_key, user_id)
);
CREATE INDEX scim_former_addresses_by_user ON scim_former_addresses (user_id, replaced_at);

-- Microsoft Entra ID renames whom it soft-deletes to 32 hexadecimal digits and the former address. The address
-- that is reported to apps is the former one.
UPDATE scim_users SET email = substr(email, 33), email_key = substr(email_key, 33)
WHERE (active = FALSE OR deleted_at IS NOT NULL) AND email_key IS NOT NULL AND length(email_key) > 33
    AND ltrim(substr(email_key, 1, 32), '0123456789abcdef') = '' AND substr(email_key, 33, 1) <> '@';
