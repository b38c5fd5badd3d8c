-- Metadata that is fetched again and again, and certificates that end.
ALTER TABLE saml_connections ADD COLUMN idp_metadata_url TEXT;
ALTER TABLE saml_connections ADD COLUMN metadata_fetched_at BIGINT; -- when it was last found good, changed or not
ALTER TABLE saml_connections ADD COLUMN metadata_etag TEXT;
ALTER TABLE saml_connections ADD COLUMN metadata_last_modified TEXT;
ALTER TABLE saml_connections ADD COLUMN metadata_certificates TEXT; -- JSON array: SHA-256 of each that it listed last
ALTER TABLE saml_connections ADD COLUMN metadata_next_refresh_at BIGINT; -- nobody fetches it before: it rests, or a replica is at it
ALTER TABLE saml_connections ADD COLUMN metadata_hurried_at BIGINT; -- when a refused login last brought that forward
ALTER TABLE saml_connections ADD COLUMN metadata_error TEXT; -- why the last attempt failed, a sentence
ALTER TABLE saml_connections ADD COLUMN metadata_failures BIGINT NOT NULL DEFAULT 0; -- in a row
-- Of the certificate that lasts longest; written with the certificates. NULL in rows from before this migration
-- until a job has read them.
ALTER TABLE saml_connections ADD COLUMN idp_certificate_expires_at BIGINT;
ALTER TABLE saml_connections ADD COLUMN certificate_next_warning_at BIGINT;

CREATE INDEX saml_connections_metadata_due ON saml_connections (metadata_next_refresh_at)
    WHERE metadata_next_refresh_at IS NOT NULL;
CREATE INDEX saml_connections_by_certificate_expiry
    ON saml_connections (environment_id, idp_certificate_expires_at, id)
    WHERE idp_certificate_expires_at IS NOT NULL;
CREATE INDEX saml_connections_certificate_ends ON saml_connections (idp_certificate_expires_at)
    WHERE idp_certificate_expires_at IS NOT NULL;
CREATE INDEX saml_connections_warning_due ON saml_connections (certificate_next_warning_at)
    WHERE certificate_next_warning_at IS NOT NULL;
CREATE INDEX saml_connections_expiry_unread ON saml_connections (id)
    WHERE idp_certificate_expires_at IS NULL AND idp_certificates <> '';
