//! Reads the database of an SSOReady installation: in pages by key, in one read-only snapshot.
//!
//! Columns of other types are cast to TEXT, BIGINT or BOOLEAN, the types that the store supports.

use base::{
    id::{
        ApiKeyId, EnvironmentId, Id, IdKind, OauthClientId, OrganizationId, SamlConnectionId,
        ScimDirectoryId, ScimGroupId, ScimUserId,
    },
    secret::Digest,
};
use uuid::Uuid;

use super::{Conn, Db, Dialect, Error, Result, Sql, Transaction};

/// The number of rows in a page.
pub const PAGE_SIZE: i64 = 500;

/// The oldest version of SSOReady's schema that has every column that is read here.
const MIN_SCHEMA_VERSION: i64 = 52;

/// Why an SSOReady database cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is not PostgreSQL.
    #[error("it must be a postgres:// address: SSOReady supports no other database")]
    NotPostgres,
    /// It has no `schema_migrations` table.
    #[error("this database is not SSOReady's: it has no table schema_migrations")]
    NotSsoready,
    /// Its schema is too old.
    #[error(
        "this database is at SSOReady's migration {0}; upgrade it to {MIN_SCHEMA_VERSION} or later with SSOReady's own migrate"
    )]
    TooOld(i64),
    /// A query failed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// An SSOReady database, read in one snapshot: concurrent changes are not seen.
#[derive(Debug)]
pub struct Source {
    db: Db,
    tx: Transaction,
}

/// An SSOReady environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceEnvironment {
    /// Its id.
    pub id: EnvironmentId,
    /// Its display name.
    pub display_name: Option<String>,
    /// The redirect URL of logins started through the API.
    pub redirect_url: Option<String>,
    /// The redirect URI of OAuth logins.
    pub oauth_redirect_uri: Option<String>,
    /// The base URL that identity providers know.
    pub auth_url: Option<String>,
    /// A custom domain of the vendor for it.
    pub custom_auth_domain: Option<String>,
}

/// An SSOReady API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The digest of its secret.
    pub secret: Option<Digest>,
    /// Whether it has access to the management API.
    pub management: bool,
}

/// An SSOReady OAuth client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceOauthClient {
    /// Its id.
    pub id: OauthClientId,
    /// The digest of its secret.
    pub secret: Option<Digest>,
}

/// An SSOReady organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Its display name.
    pub display_name: Option<String>,
    /// The vendor's own id for it.
    pub external_id: Option<String>,
    /// Its domains, sorted, each once.
    pub domains: Vec<String>,
}

/// An SSOReady SAML connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceConnection {
    /// Its id.
    pub id: SamlConnectionId,
    /// Its organization.
    pub organization_id: OrganizationId,
    /// Whether it is the organization's primary one. SSOReady permits several; the first one is taken.
    pub primary: bool,
    /// The identity provider's entity id.
    pub idp_entity_id: Option<String>,
    /// The identity provider's single sign-on URL.
    pub idp_redirect_url: Option<String>,
    /// The identity provider's certificate: DER in base64.
    pub idp_certificate: Option<String>,
    /// SSOReady's own entity id.
    pub sp_entity_id: String,
    /// SSOReady's own assertion consumer service URL.
    pub sp_acs_url: String,
}

/// An SSOReady SCIM directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceDirectory {
    /// Its id.
    pub id: ScimDirectoryId,
    /// Its organization.
    pub organization_id: OrganizationId,
    /// Whether it is the organization's primary one. SSOReady permits several; the first one is taken.
    pub primary: bool,
    /// The SCIM base URL.
    pub scim_base_url: String,
    /// The digest of its bearer token.
    pub bearer_token: Option<Digest>,
}

/// An SSOReady SCIM group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceGroup {
    /// Its id.
    pub id: ScimGroupId,
    /// Its directory.
    pub directory_id: ScimDirectoryId,
    /// Its name.
    pub display_name: String,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Its attributes, as JSON.
    pub attributes: Option<String>,
}

/// An SSOReady SCIM user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceUser {
    /// Its id.
    pub id: ScimUserId,
    /// Its directory.
    pub directory_id: ScimDirectoryId,
    /// Its `userName`.
    pub email: String,
    /// Whether it was deleted or deactivated.
    pub deleted: bool,
    /// Its attributes, as JSON.
    pub attributes: Option<String>,
}

/// The start of a page as a UUID: the id `after`, or the nil UUID.
fn page_start<K: IdKind>(after: Option<Id<K>>) -> String {
    Uuid::from_u128(after.map_or(0, Id::bits)).to_string()
}

fn uuid<K: IdKind>(id: Id<K>) -> String {
    Uuid::from_u128(id.bits()).to_string()
}

fn id<K: IdKind>(text: &str) -> Result<Id<K>> {
    let id: Uuid = text.parse().map_err(|_| Error::inconsistent("SSOReady's", "id", text))?;
    Ok(Id::from_bits(id.as_u128()))
}

fn digest(hex: Option<String>) -> Option<Digest> {
    Digest::from_hex(&hex?)
}

type EnvironmentRow =
    (String, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);
type ConnectionRow = (String, String, bool, Option<String>, Option<String>, Option<String>, String, String);

impl Source {
    /// Opens an SSOReady database, in a read-only transaction.
    pub async fn open(url: &str) -> Result<Self, SourceError> {
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(SourceError::NotPostgres);
        }
        let db = Db::connect(url, 2).await?;
        if db.dialect() != Dialect::Postgres {
            return Err(SourceError::NotPostgres);
        }
        let mut tx = db.write().await?;
        tx.sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute().await?;
        let version: Result<Option<(i64,)>> =
            tx.sql("SELECT version FROM schema_migrations LIMIT 1").optional().await;
        match version {
            Ok(Some((version,))) if version >= MIN_SCHEMA_VERSION => Ok(Self { db, tx }),
            Ok(version) => Err(SourceError::TooOld(version.map_or(0, |(version,)| version))),
            Err(error) if error.is_missing_table() => Err(SourceError::NotSsoready),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the transaction and closes the connection.
    pub async fn close(self) {
        drop(self.tx);
        self.db.close().await;
    }

    fn conn(&mut self) -> &mut Conn {
        &mut self.tx
    }

    /// Environments after the id `after`.
    pub async fn list_environments(
        &mut self,
        after: Option<EnvironmentId>,
    ) -> Result<Vec<SourceEnvironment>> {
        let rows: Vec<EnvironmentRow> = self
            .conn()
            .sql(
                "SELECT id::text, display_name::text, redirect_url::text, oauth_redirect_uri::text, \
                 auth_url::text, custom_auth_domain::text FROM environments \
                 WHERE id > $1::text::uuid ORDER BY id LIMIT $2",
            )
            .bind(page_start(after))
            .bind(PAGE_SIZE)
            .all()
            .await?;
        rows.into_iter()
            .map(|(key, display_name, redirect_url, oauth_redirect_uri, auth_url, custom_auth_domain)| {
                Ok(SourceEnvironment {
                    id: id(&key)?,
                    display_name,
                    redirect_url,
                    oauth_redirect_uri,
                    auth_url,
                    custom_auth_domain,
                })
            })
            .collect()
    }

    /// API keys of an environment after the id `after`.
    pub async fn list_api_keys(
        &mut self,
        environment: EnvironmentId,
        after: Option<ApiKeyId>,
    ) -> Result<Vec<SourceApiKey>> {
        let rows: Vec<(String, Option<String>, bool)> = self
            .conn()
            .sql(
                "SELECT id::text, encode(secret_value_sha256, 'hex'), \
                 coalesce(has_management_api_access, false) FROM api_keys \
                 WHERE environment_id = $1::text::uuid AND id > $2::text::uuid ORDER BY id LIMIT $3",
            )
            .bind(uuid(environment))
            .bind(page_start(after))
            .bind(PAGE_SIZE)
            .all()
            .await?;
        rows.into_iter()
            .map(|(key, secret, management)| {
                Ok(SourceApiKey { id: id(&key)?, secret: digest(secret), management })
            })
            .collect()
    }

    /// OAuth clients of an environment after the id `after`.
    pub async fn list_oauth_clients(
        &mut self,
        environment: EnvironmentId,
        after: Option<OauthClientId>,
    ) -> Result<Vec<SourceOauthClient>> {
        let rows: Vec<(String, Option<String>)> = self
            .conn()
            .sql(
                "SELECT id::text, encode(client_secret_sha256, 'hex') FROM saml_oauth_clients \
                 WHERE environment_id = $1::text::uuid AND id > $2::text::uuid ORDER BY id LIMIT $3",
            )
            .bind(uuid(environment))
            .bind(page_start(after))
            .bind(PAGE_SIZE)
            .all()
            .await?;
        rows.into_iter()
            .map(|(key, secret)| Ok(SourceOauthClient { id: id(&key)?, secret: digest(secret) }))
            .collect()
    }

    /// Organizations of an environment after the id `after`, with their domains.
    pub async fn list_organizations(
        &mut self,
        environment: EnvironmentId,
        after: Option<OrganizationId>,
    ) -> Result<Vec<SourceOrganization>> {
        let rows: Vec<(String, Option<String>, Option<String>)> = self
            .conn()
            .sql(
                "SELECT id::text, display_name::text, external_id::text FROM organizations \
                 WHERE environment_id = $1::text::uuid AND id > $2::text::uuid ORDER BY id LIMIT $3",
            )
            .bind(uuid(environment))
            .bind(page_start(after))
            .bind(PAGE_SIZE)
            .all()
            .await?;
        let Some((last, ..)) = rows.last() else { return Ok(Vec::new()) };
        // SSOReady has no index of domains by organization: one query a page instead of one per organization.
        let listed: Vec<(String, String)> = self
            .tx
            .sql(
                "SELECT DISTINCT organization_id::text, domain::text FROM organization_domains \
                 WHERE organization_id > $1::text::uuid AND organization_id <= $2::text::uuid ORDER BY 1, 2",
            )
            .bind(page_start(after))
            .bind(last.as_str())
            .all()
            .await?;
        let mut domains = std::collections::HashMap::<String, Vec<String>>::new();
        for (organization, domain) in listed {
            domains.entry(organization).or_default().push(domain);
        }
        rows.into_iter()
            .map(|(key, display_name, external_id)| {
                Ok(SourceOrganization {
                    id: id(&key)?,
                    display_name,
                    external_id,
                    domains: domains.remove(&key).unwrap_or_default(),
                })
            })
            .collect()
    }

    /// SAML connections of an environment after the id `after`.
    pub async fn list_connections(
        &mut self,
        environment: EnvironmentId,
        after: Option<SamlConnectionId>,
    ) -> Result<Vec<SourceConnection>> {
        let rows: Vec<ConnectionRow> = self
            .conn()
            .sql(
                "SELECT c.id::text, c.organization_id::text, coalesce(c.id = p.id, false), c.idp_entity_id::text, \
                 c.idp_redirect_url::text, encode(c.idp_x509_certificate, 'base64'), c.sp_entity_id::text, \
                 c.sp_acs_url::text FROM saml_connections c JOIN organizations o ON o.id = c.organization_id \
                 LEFT JOIN (SELECT organization_id, min(id::text)::uuid AS id FROM saml_connections \
                 WHERE is_primary GROUP BY organization_id) p ON p.organization_id = c.organization_id \
                 WHERE o.environment_id = $1::text::uuid AND c.id > $2::text::uuid ORDER BY c.id LIMIT $3",
            )
            .bind(uuid(environment))
            .bind(page_start(after))
            .bind(PAGE_SIZE)
            .all()
            .await?;
        rows.into_iter()
            .map(|(key, organization, primary, entity_id, redirect_url, certificate, sp, acs)| {
                Ok(SourceConnection {
                    id: id(&key)?,
                    organization_id: id(&organization)?,
                    primary,
                    idp_entity_id: entity_id,
                    idp_redirect_url: redirect_url,
                    idp_certificate: certificate,
                    sp_entity_id: sp,
                    sp_acs_url: acs,
                })
            })
            .collect()
    }

    /// SCIM directories of an environment after the id `after`.
    pub async fn list_directories(
        &mut self,
        environment: EnvironmentId,
        after: Option<ScimDirectoryId>,
    ) -> Result<Vec<SourceDirectory>> {
        let rows: Vec<(String, String, bool, String, Option<String>)> = self
            .conn()
            .sql(
                "SELECT d.id::text, d.organization_id::text, coalesce(d.id = p.id, false), d.scim_base_url::text, \
                 encode(d.bearer_token_sha256, 'hex') \
                 FROM scim_directories d JOIN organizations o ON o.id = d.organization_id \
                 LEFT JOIN (SELECT organization_id, min(id::text)::uuid AS id FROM scim_directories \
                 WHERE is_primary GROUP BY organization_id) p ON p.organization_id = d.organization_id \
                 WHERE o.environment_id = $1::text::uuid AND d.id > $2::text::uuid ORDER BY d.id LIMIT $3",
            )
            .bind(uuid(environment))
            .bind(page_start(after))
            .bind(PAGE_SIZE)
            .all()
            .await?;
        rows.into_iter()
            .map(|(key, organization, primary, scim_base_url, token)| {
                Ok(SourceDirectory {
                    id: id(&key)?,
                    organization_id: id(&organization)?,
                    primary,
                    scim_base_url,
                    bearer_token: digest(token),
                })
            })
            .collect()
    }

    /// SCIM groups of an environment after the id `after`.
    pub async fn list_groups(
        &mut self,
        environment: EnvironmentId,
        after: Option<ScimGroupId>,
    ) -> Result<Vec<SourceGroup>> {
        let rows: Vec<(String, String, String, bool, Option<String>)> = self
            .conn()
            .sql(
                "SELECT g.id::text, g.scim_directory_id::text, g.display_name::text, g.deleted, \
                 g.attributes::text FROM scim_groups g JOIN scim_directories d ON d.id = g.scim_directory_id \
                 JOIN organizations o ON o.id = d.organization_id \
                 WHERE o.environment_id = $1::text::uuid AND g.id > $2::text::uuid ORDER BY g.id LIMIT $3",
            )
            .bind(uuid(environment))
            .bind(page_start(after))
            .bind(PAGE_SIZE)
            .all()
            .await?;
        rows.into_iter()
            .map(|(key, directory, display_name, deleted, attributes)| {
                Ok(SourceGroup {
                    id: id(&key)?,
                    directory_id: id(&directory)?,
                    display_name,
                    deleted,
                    attributes,
                })
            })
            .collect()
    }

    /// SCIM users of an environment after `after`, ordered by directory and e-mail address: SSOReady has an
    /// index in this order, and a page then covers few directories.
    pub async fn list_users(
        &mut self,
        environment: EnvironmentId,
        after: Option<(ScimDirectoryId, &str)>,
    ) -> Result<Vec<SourceUser>> {
        let rows: Vec<(String, String, String, bool, Option<String>)> = self
            .conn()
            .sql(
                "SELECT u.id::text, u.scim_directory_id::text, u.email::text, u.deleted, u.attributes::text \
                 FROM scim_users u JOIN scim_directories d ON d.id = u.scim_directory_id \
                 JOIN organizations o ON o.id = d.organization_id WHERE o.environment_id = $1::text::uuid \
                 AND (u.scim_directory_id, u.email) > ($2::text::uuid, $3) \
                 ORDER BY u.scim_directory_id, u.email LIMIT $4",
            )
            .bind(uuid(environment))
            .bind(page_start(after.map(|(directory, _)| directory)))
            .bind(after.map_or("", |(_, email)| email))
            .bind(PAGE_SIZE)
            .all()
            .await?;
        rows.into_iter()
            .map(|(key, directory, email, deleted, attributes)| {
                Ok(SourceUser { id: id(&key)?, directory_id: id(&directory)?, email, deleted, attributes })
            })
            .collect()
    }

    /// The groups that these users are in: user and group.
    pub async fn list_memberships(&mut self, users: &[ScimUserId]) -> Result<Vec<(ScimUserId, ScimGroupId)>> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Sql::from(
            "SELECT scim_user_id::text, scim_group_id::text FROM scim_user_group_memberships \
             WHERE scim_user_id IN (",
        );
        for (at, user) in users.iter().enumerate() {
            sql = sql.push(if at == 0 { "CAST(" } else { ", CAST(" }).value(uuid(*user)).push(" AS uuid)");
        }
        let rows: Vec<(String, String)> = self.conn().dynamic(sql.push(") ORDER BY 1, 2")).all().await?;
        rows.into_iter().map(|(user, group)| Ok((id(&user)?, id(&group)?))).collect()
    }
}
