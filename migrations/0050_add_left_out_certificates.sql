-- Certificates of identity providers that cannot be used are left out, and the connection says so.
-- JSON array of sentences: why certificates were left out of those given last. NULL for none.
ALTER TABLE saml_connections ADD COLUMN metadata_left_out TEXT;
