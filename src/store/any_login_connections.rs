//! Connections of whatever protocol, with the organization and environment that a login needs. SAML connections are looked for
//! first; an organization has one primary connection at most.

use base::{
    connection_id::ConnectionId,
    id::{EnvironmentId, OrganizationId},
};
use model::{connection::Connection, domain::Domain, environment::Environment, organization::Organization};

use super::{
    Conn, Result,
    login_connections::{self, LoginConnection},
    oidc_login_connections::{self, OidcLoginConnection},
};

/// A connection with its organization and environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnyLoginConnection {
    /// By SAML 2.0.
    Saml(Box<LoginConnection>),
    /// By OpenID Connect.
    Oidc(Box<OidcLoginConnection>),
}

impl AnyLoginConnection {
    /// Its organization.
    pub fn organization(&self) -> &Organization {
        match self {
            Self::Saml(target) => &target.organization,
            Self::Oidc(target) => &target.organization,
        }
    }

    /// Its environment.
    pub fn environment(&self) -> &Environment {
        match self {
            Self::Saml(target) => &target.environment,
            Self::Oidc(target) => &target.environment,
        }
    }

    /// The connection's id.
    pub fn id(&self) -> ConnectionId {
        match self {
            Self::Saml(target) => target.connection.id.into(),
            Self::Oidc(target) => target.connection.id.into(),
        }
    }

    /// Whether the connection is switched off.
    pub fn is_disabled(&self) -> bool {
        match self {
            Self::Saml(target) => target.connection.disabled,
            Self::Oidc(target) => target.connection.disabled,
        }
    }

    /// The settings without which nobody can sign in.
    pub fn missing_settings(&self) -> Vec<&'static str> {
        match self {
            Self::Saml(target) => Connection::missing_settings(&target.connection),
            Self::Oidc(target) => Connection::missing_settings(&target.connection),
        }
    }
}

impl From<LoginConnection> for AnyLoginConnection {
    fn from(target: LoginConnection) -> Self {
        Self::Saml(Box::new(target))
    }
}

impl From<OidcLoginConnection> for AnyLoginConnection {
    fn from(target: OidcLoginConnection) -> Self {
        Self::Oidc(Box::new(target))
    }
}

/// The connection with this id in the environment.
pub async fn find_in_environment(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: ConnectionId,
) -> Result<Option<AnyLoginConnection>> {
    Ok(match id {
        ConnectionId::Saml(id) => {
            login_connections::find_in_environment(conn, environment_id, id).await?.map(Into::into)
        }
        ConnectionId::Oidc(id) => {
            oidc_login_connections::find_in_environment(conn, environment_id, id).await?.map(Into::into)
        }
    })
}

/// The primary connection of an organization.
pub async fn find_primary(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<Option<AnyLoginConnection>> {
    if let Some(saml) = login_connections::find_primary(conn, environment_id, organization_id).await? {
        return Ok(Some(saml.into()));
    }
    let found = oidc_login_connections::find_primary(conn, environment_id, organization_id).await?;
    Ok(found.map(Into::into))
}

/// The primary connection of the organization with this external id.
pub async fn find_primary_by_external_id(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    external_id: &str,
) -> Result<Option<AnyLoginConnection>> {
    let saml = login_connections::find_primary_by_external_id(conn, environment_id, external_id).await?;
    if let Some(saml) = saml {
        return Ok(Some(saml.into()));
    }
    let found =
        oidc_login_connections::find_primary_by_external_id(conn, environment_id, external_id).await?;
    Ok(found.map(Into::into))
}

/// The primary connections of up to `limit` organizations for which the domain counts, in the organizations' creation order.
pub async fn list_primary_by_domain(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    domain: &Domain,
    limit: i64,
) -> Result<Vec<AnyLoginConnection>> {
    let saml = login_connections::list_primary_by_domain(conn, environment_id, domain, limit).await?;
    let oidc = oidc_login_connections::list_primary_by_domain(conn, environment_id, domain, limit).await?;
    let mut found: Vec<AnyLoginConnection> =
        saml.into_iter().map(Into::into).chain(oidc.into_iter().map(Into::into)).collect();
    found.sort_by_key(|target| target.organization().id);
    found.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(found)
}
