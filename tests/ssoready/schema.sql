-- What an import reads of an SSOReady database: names and types as they are there, the rest left out.
CREATE TABLE schema_migrations (version bigint NOT NULL, dirty boolean NOT NULL);
INSERT INTO schema_migrations VALUES (53, false);

CREATE TABLE environments (
    id uuid PRIMARY KEY,
    display_name varchar,
    redirect_url varchar,
    oauth_redirect_uri varchar,
    auth_url varchar,
    custom_auth_domain varchar
);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    environment_id uuid NOT NULL REFERENCES environments,
    secret_value_sha256 bytea UNIQUE,
    has_management_api_access boolean
);

CREATE TABLE saml_oauth_clients (
    id uuid PRIMARY KEY,
    environment_id uuid NOT NULL REFERENCES environments,
    client_secret_sha256 bytea NOT NULL UNIQUE
);

CREATE TABLE organizations (
    id uuid PRIMARY KEY,
    environment_id uuid NOT NULL REFERENCES environments,
    external_id varchar,
    display_name varchar,
    UNIQUE (environment_id, external_id)
);

CREATE TABLE organization_domains (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    domain varchar NOT NULL
);

CREATE TABLE saml_connections (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    is_primary boolean NOT NULL DEFAULT false,
    idp_entity_id varchar,
    idp_redirect_url varchar,
    idp_x509_certificate bytea,
    sp_entity_id varchar NOT NULL,
    sp_acs_url varchar NOT NULL
);

CREATE TABLE scim_directories (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    is_primary boolean NOT NULL,
    scim_base_url varchar NOT NULL,
    bearer_token_sha256 bytea
);

CREATE TABLE scim_users (
    id uuid PRIMARY KEY,
    scim_directory_id uuid NOT NULL REFERENCES scim_directories,
    email varchar NOT NULL,
    deleted boolean NOT NULL,
    attributes jsonb,
    UNIQUE (scim_directory_id, email)
);

CREATE TABLE scim_groups (
    id uuid PRIMARY KEY,
    scim_directory_id uuid NOT NULL REFERENCES scim_directories,
    display_name varchar NOT NULL,
    deleted boolean NOT NULL,
    attributes jsonb
);

CREATE TABLE scim_user_group_memberships (
    id uuid PRIMARY KEY,
    scim_directory_id uuid NOT NULL REFERENCES scim_directories,
    scim_user_id uuid NOT NULL REFERENCES scim_users,
    scim_group_id uuid NOT NULL REFERENCES scim_groups,
    UNIQUE (scim_user_id, scim_group_id)
);
