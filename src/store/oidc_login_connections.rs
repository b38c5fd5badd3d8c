//! OIDC connections with the organization and environment that a login needs, read by one query.

use base::id::{EnvironmentId, OidcConnectionId, OrganizationId};
use model::{domain::Domain, oidc_connection::OidcConnection};

use super::{
    Conn, Result,
    connection::Statement,
    login_connections::{LoginConnection, joined_columns},
    table::select_joined,
};

/// An OIDC connection with its organization and environment.
pub type OidcLoginConnection = LoginConnection<OidcConnection>;

macro_rules! select_for_login {
    ($conn:expr, $rest:literal) => {
        select_joined::<OidcConnection>(
            $conn,
            joined_columns,
            concat!(
                "JOIN organizations ON organizations.id = oidc_connections.organization_id \
                 AND organizations.deleted_at IS NULL \
                 JOIN environments ON environments.id = oidc_connections.environment_id ",
                $rest
            ),
        )
    };
}

async fn optional(statement: Statement<'_>) -> Result<Option<OidcLoginConnection>> {
    statement.first_row().await?.map(LoginConnection::read).transpose()
}

/// The connection named in a URL path by a browser. Not scoped: the id is the scope.
pub async fn find_for_login(conn: &mut Conn, id: OidcConnectionId) -> Result<Option<OidcLoginConnection>> {
    optional(select_for_login!(conn, "WHERE oidc_connections.id = $1").bind(id)).await
}

/// The connection with this id in the environment, with what a login needs.
pub async fn find_in_environment(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: OidcConnectionId,
) -> Result<Option<OidcLoginConnection>> {
    optional(
        select_for_login!(conn, "WHERE oidc_connections.environment_id = $1 AND oidc_connections.id = $2")
            .bind(environment_id)
            .bind(id),
    )
    .await
}

/// The primary connection of an organization, if that is an OIDC connection.
pub async fn find_primary(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<Option<OidcLoginConnection>> {
    optional(
        select_for_login!(
            conn,
            "WHERE oidc_connections.environment_id = $1 AND oidc_connections.organization_id = $2 \
             AND oidc_connections.is_primary"
        )
        .bind(environment_id)
        .bind(organization_id),
    )
    .await
}

/// The primary connection of the organization with this external id, if that is an OIDC connection.
pub async fn find_primary_by_external_id(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    external_id: &str,
) -> Result<Option<OidcLoginConnection>> {
    optional(
        select_for_login!(
            conn,
            "WHERE organizations.environment_id = $1 AND organizations.external_id = $2 AND oidc_connections.is_primary"
        )
        .bind(environment_id)
        .bind(external_id),
    )
    .await
}

/// The primary OIDC connections of up to `limit` organizations for which the domain counts (`whitelisted` and `verified`), in the
/// organizations' creation order.
pub async fn list_primary_by_domain(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    domain: &Domain,
    limit: i64,
) -> Result<Vec<OidcLoginConnection>> {
    let statement = select_for_login!(
        conn,
        "JOIN organization_domains r ON r.organization_id = organizations.id WHERE r.environment_id = $1 \
         AND r.domain = $2 AND r.state IN ('whitelisted', 'verified') AND oidc_connections.is_primary \
         AND NOT organizations.is_template \
         ORDER BY organizations.id LIMIT $3"
    );
    let rows = statement.bind(environment_id).bind(domain.as_str()).bind(limit).rows().await?;
    rows.into_iter().map(LoginConnection::read).collect()
}
