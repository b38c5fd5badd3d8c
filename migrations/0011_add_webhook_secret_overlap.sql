-- After a rotation the secret before it signs too, for as long as the vendor needs to move over.
ALTER TABLE webhooks ADD COLUMN previous_secret TEXT; -- sealed
ALTER TABLE webhooks ADD COLUMN previous_secret_until BIGINT;
