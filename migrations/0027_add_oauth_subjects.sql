-- What `sub` is for OAuth clients. Environments that exist keep what their apps have stored: the address as it was sent.
-- Values: EMAIL (its normal form), EMAIL_AS_SENT.
ALTER TABLE environments ADD COLUMN oauth_subject TEXT NOT NULL DEFAULT 'EMAIL_AS_SENT';
-- With EMAIL: whether people of several organizations with one address have one subject.
ALTER TABLE environments ADD COLUMN shared_domain_subjects BOOLEAN NOT NULL DEFAULT FALSE;

-- With EMAIL: whose subject is what. The first organization that signs an address in has the address itself, others have one
-- of their own for it. Rows outlive their organization: nobody gets the subject of somebody else later.
CREATE TABLE oauth_subjects (
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    email_key TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, email_key, organization_id),
    UNIQUE (environment_id, subject)
);
