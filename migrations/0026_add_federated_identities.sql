-- Who signed in through a connection, as the identity provider names them: what a later assertion is compared with. Names that
-- are good for one session (the transient format) are not here.
CREATE TABLE federated_identities (
    connection_id TEXT NOT NULL,
    subject_sha256 TEXT NOT NULL, -- of subject, format, name_qualifier and sp_name_qualifier
    environment_id TEXT NOT NULL,
    organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    subject TEXT NOT NULL, -- the NameID
    format TEXT, -- its attributes, as sent (SAML 2.0 Core §2.2.2)
    name_qualifier TEXT,
    sp_name_qualifier TEXT,
    sp_provided_id TEXT,
    email TEXT NOT NULL, -- of the latest login
    email_key TEXT NOT NULL,
    session_index TEXT, -- the session at the identity provider, of the latest login
    created_at BIGINT NOT NULL,
    last_login_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, subject_sha256)
);
CREATE INDEX federated_identities_by_person ON federated_identities (organization_id, email_key);
CREATE INDEX federated_identities_by_age ON federated_identities (last_login_at);
