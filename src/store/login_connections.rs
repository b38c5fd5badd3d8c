//! SAML connections with the organization and environment that a login needs, read by one query.

use base::id::{EnvironmentId, LoginFlowId, OauthClientId, OrganizationId, SamlConnectionId};
use model::{
    domain::Domain, environment::Environment, login_flow::LoginFlow, organization::Organization,
    saml_connection::SamlConnection,
};

use super::{
    Conn, Result,
    connection::{Row, Statement},
    login_flows,
    oauth_clients::{self, REGISTRATION_COLUMNS, Registration},
    table::{self, Table, select_joined},
};

/// A connection with its organization and environment: what a login needs, read by one query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginConnection<C = SamlConnection> {
    /// The connection.
    pub connection: C,
    /// Its organization.
    pub organization: Organization,
    /// Its environment.
    pub environment: Environment,
}

impl<C: Table> LoginConnection<C> {
    pub(super) fn read(row: Row) -> Result<Self> {
        Ok(Self::read_part(row)?.0)
    }

    /// Reads it from a row that has more, and gives the row back.
    pub(super) fn read_part(row: Row) -> Result<(Self, Row)> {
        let connection = table::read(&row)?;
        let row = row.part("o_");
        let organization = table::read(&row)?;
        let row = row.part("e_");
        let environment = table::read(&row)?;
        Ok((Self { connection, organization, environment }, row))
    }
}

pub(super) fn joined_columns() -> String {
    [table::columns_as::<Organization>("o_"), table::columns_as::<Environment>("e_")].join(", ")
}

macro_rules! select_for_login {
    ($conn:expr, $rest:literal) => {
        select_for_login!($conn, joined_columns; $rest)
    };
    ($conn:expr, $columns:expr; $($rest:literal),+) => {
        select_joined::<SamlConnection>(
            $conn,
            $columns,
            concat!(
                "JOIN organizations ON organizations.id = saml_connections.organization_id \
                 AND organizations.deleted_at IS NULL \
                 JOIN environments ON environments.id = saml_connections.environment_id ",
                $($rest),+
            ),
        )
    };
}

async fn optional(statement: Statement<'_>) -> Result<Option<LoginConnection>> {
    statement.first_row().await?.map(LoginConnection::read).transpose()
}

/// The connection named in a URL path by a browser or an identity provider. Not scoped: the id is the scope.
pub async fn find_for_login(conn: &mut Conn, id: SamlConnectionId) -> Result<Option<LoginConnection>> {
    optional(select_for_login!(conn, "WHERE saml_connections.id = $1").bind(id)).await
}

/// [`find_for_login`], with the connection's flow of this id. One statement, because every login runs it.
pub async fn find_with_flow(
    conn: &mut Conn,
    id: SamlConnectionId,
    flow: Option<LoginFlowId>,
) -> Result<Option<(LoginConnection, Option<LoginFlow>)>> {
    let Some(row) = with_flow(conn, id, flow).first_row().await? else { return Ok(None) };
    let (target, row) = LoginConnection::read_part(row)?;
    let row = row.part("f_");
    let found: Option<LoginFlowId> = row.get("id")?;
    Ok(Some((target, found.map(|_| login_flows::read(&row)).transpose()?)))
}

fn with_flow(conn: &mut Conn, id: SamlConnectionId, flow: Option<LoginFlowId>) -> Statement<'_> {
    let columns = || [joined_columns(), login_flows::columns_as("f_")].join(", ");
    select_for_login!(
        conn,
        columns;
        "LEFT JOIN login_flows ON login_flows.id = $2 AND login_flows.connection_id = saml_connections.id \
         WHERE saml_connections.id = $1"
    )
    .bind(id)
    .bind(flow)
}

/// What an OAuth client names the connection of a login by.
#[derive(Debug, Clone, Copy)]
pub enum Named<'a> {
    /// Its id.
    Connection(SamlConnectionId),
    /// The organization whose primary connection it is.
    Organization(OrganizationId),
    /// The organization's external id.
    OrganizationExternalId(&'a str),
}

/// The connection that an OAuth client names, in the client's environment, and the client's registration. One statement,
/// because every login runs it.
pub async fn find_for_client(
    conn: &mut Conn,
    client: OauthClientId,
    named: Named<'_>,
) -> Result<Option<(LoginConnection, Registration)>> {
    let Some(row) = for_client(conn, client, named).first_row().await? else { return Ok(None) };
    let (target, row) = LoginConnection::read_part(row)?;
    let client = oauth_clients::read_registration(&row.part("k_"), &target.environment)?;
    Ok(Some((target, client)))
}

fn for_client<'c>(conn: &'c mut Conn, client: OauthClientId, named: Named<'_>) -> Statement<'c> {
    let columns = || [&joined_columns(), REGISTRATION_COLUMNS].join(", ");
    macro_rules! select {
        ($condition:literal) => {
            select_for_login!(
                conn,
                columns;
                "JOIN oauth_clients k ON k.environment_id = saml_connections.environment_id WHERE k.id = $1 AND ",
                $condition
            )
            .bind(client)
        };
    }
    match named {
        Named::Connection(id) => select!("saml_connections.id = $2").bind(id),
        Named::Organization(id) => {
            select!("saml_connections.organization_id = $2 AND saml_connections.is_primary").bind(id)
        }
        Named::OrganizationExternalId(id) => select!(
            "organizations.environment_id = k.environment_id AND organizations.external_id = $2 \
                 AND saml_connections.is_primary"
        )
        .bind(id),
    }
}

/// The connection with this id in the environment, with what a login needs.
pub async fn find_in_environment(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: SamlConnectionId,
) -> Result<Option<LoginConnection>> {
    optional(
        select_for_login!(conn, "WHERE saml_connections.environment_id = $1 AND saml_connections.id = $2")
            .bind(environment_id)
            .bind(id),
    )
    .await
}

/// The primary connection of an organization.
pub async fn find_primary(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<Option<LoginConnection>> {
    optional(
        select_for_login!(
            conn,
            "WHERE saml_connections.environment_id = $1 AND saml_connections.organization_id = $2 \
             AND saml_connections.is_primary"
        )
        .bind(environment_id)
        .bind(organization_id),
    )
    .await
}

/// The primary connection of the organization with this external id.
pub async fn find_primary_by_external_id(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    external_id: &str,
) -> Result<Option<LoginConnection>> {
    optional(
        select_for_login!(
            conn,
            "WHERE organizations.environment_id = $1 AND organizations.external_id = $2 AND saml_connections.is_primary"
        )
        .bind(environment_id)
        .bind(external_id),
    )
    .await
}

/// The primary connections of up to `limit` organizations for which the domain counts (`whitelisted`
/// and `verified`), in the organizations' creation order.
pub async fn list_primary_by_domain(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    domain: &Domain,
    limit: i64,
) -> Result<Vec<LoginConnection>> {
    let statement = select_for_login!(
        conn,
        "JOIN organization_domains r ON r.organization_id = organizations.id WHERE r.environment_id = $1 \
         AND r.domain = $2 AND r.state IN ('whitelisted', 'verified') AND saml_connections.is_primary \
         AND NOT organizations.is_template \
         ORDER BY organizations.id LIMIT $3"
    );
    let rows = statement.bind(environment_id).bind(domain.as_str()).bind(limit).rows().await?;
    rows.into_iter().map(LoginConnection::read).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use model::api_key::ApiKey;

    use crate::store::{Db, organization_domains, organizations, saml_connections};
    use base::{
        id::{Id, IdKind},
        random::SystemRandom,
        time::Timestamp,
    };
    use model::{
        domain::DomainState,
        environment::{IdpInitiated, OauthSubject, Slug},
        http_url::HttpUrl,
        idp_kind::IdpKind,
        saml_connection::{IdpBinding, MetadataRefresh},
    };

    fn id<K: IdKind>(bits: u128) -> Id<K> {
        Id::from_bits(bits)
    }

    fn login_connection() -> LoginConnection {
        let at = Timestamp::from_millis(1000);
        let url = |text: &str| HttpUrl::parse(text).unwrap();
        let domain = |text: &str, state| (Domain::parse(text).unwrap(), state);
        LoginConnection {
            environment: Environment {
                id: id(1),
                version: 1,
                slug: Slug::parse("prod").unwrap(),
                display_name: "Production".into(),
                redirect_url: Some(url("https://app.example/cb")),
                oauth_redirect_uris: vec![url("https://app.example/oauth")],
                auth_url: None,
                idp_initiated: IdpInitiated::Restart,
                oauth_subject: OauthSubject::EmailAsSent,
                shared_domain_subjects: true,
                default_template_id: None,
                default_parent_id: None,
                created_at: at,
                updated_at: at,
            },
            organization: Organization {
                display_name: "Acme".into(),
                external_id: Some("acme".into()),
                domains: BTreeMap::from([
                    domain("acme.example", DomainState::Whitelisted),
                    domain("beta.example", DomainState::Pending),
                ]),
                ..Organization::new(id(2), id(1), at)
            },
            connection: SamlConnection {
                id: id(3),
                environment_id: id(1),
                organization_id: id(2),
                version: 1,
                primary: true,
                idp_entity_id: Some("https://idp.example".into()),
                idp_redirect_url: Some(url("https://idp.example/sso")),
                idp_certificates: Vec::new(),
                idp_certificate_expires_at: None,
                idp_metadata_url: Some(url("https://idp.example/metadata")),
                metadata: MetadataRefresh {
                    fetched_at: Some(at),
                    etag: Some("\"v1\"".into()),
                    last_modified: Some("Sun, 06 Nov 1994 08:49:37 GMT".into()),
                    certificates: vec!["ab".into()],
                    next_at: Some(at),
                    refresh_requested_at: Some(at),
                    error: Some("the server answered 500".into()),
                    left_out: vec!["certificate 2".into()],
                    failures: 2,
                },
                idp_binding: IdpBinding::Redirect,
                sp_entity_id: "https://sp.example".into(),
                sp_acs_urls: vec!["https://sp.example/acs".into()],
                idp_initiated: Some(IdpInitiated::Allow),
                email_attribute: Some("mail".into()),
                allow_sha1: true,
                assertion_encryption: false,
                allow_cbc_encryption: true,
                sign_authn_requests: false,
                force_authn: true,
                disabled: false,
                idp_kind: Some(IdpKind::Okta),
                test: false,
                created_at: at,
                updated_at: at,
            },
        }
    }

    #[tokio::test]
    async fn what_a_login_needs_is_found_by_every_way_to_name_it() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::connect(&format!("sqlite://{}/test.db", directory.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        let mut all = login_connection();
        let mut tx = db.write().await.unwrap();
        table::insert(&mut tx, &all.environment).await.unwrap();
        table::insert(&mut tx, &all.organization).await.unwrap();
        organization_domains::set(&mut tx, &all.organization, &SystemRandom).await.unwrap();
        saml_connections::insert(&mut tx, &all.connection).await.unwrap();
        let mut same = all.connection.clone();
        assert!(
            saml_connections::update(&mut tx, &all.connection, &mut same, all.connection.updated_at)
                .await
                .unwrap()
        );
        assert!(table::lock::<Organization>(&mut tx, id(1), id(2)).await.unwrap());
        let at = Timestamp::from_millis(2000);
        assert!(table::update(&mut tx, &mut all.environment, at).await.unwrap());
        tx.commit().await.unwrap();

        let mut conn = db.read().await.unwrap();
        assert_eq!(find_for_login(&mut conn, id(3)).await.unwrap().as_ref(), Some(&all));
        assert_eq!(find_in_environment(&mut conn, id(1), id(3)).await.unwrap().as_ref(), Some(&all));
        assert_eq!(find_in_environment(&mut conn, id(9), id(3)).await.unwrap(), None);
        assert_eq!(find_primary(&mut conn, id(1), id(2)).await.unwrap().as_ref(), Some(&all));
        assert_eq!(find_primary(&mut conn, id(9), id(2)).await.unwrap(), None);
        let by_name = find_primary_by_external_id(&mut conn, id(1), "acme").await.unwrap();
        assert_eq!(by_name.as_ref(), Some(&all));
        assert_eq!(
            table::find::<SamlConnection>(&mut conn, id(1), id(3)).await.unwrap().as_ref(),
            Some(&all.connection)
        );
        assert_eq!(
            saml_connections::list(&mut conn, id(1), id(2), None, 9).await.unwrap(),
            std::slice::from_ref(&all.connection)
        );
        assert_eq!(saml_connections::list(&mut conn, id(1), id(2), Some(id(4)), 9).await.unwrap(), []);
        let whitelisted = Domain::parse("acme.example").unwrap();
        let pending = Domain::parse("beta.example").unwrap();
        assert_eq!(
            list_primary_by_domain(&mut conn, id(1), &whitelisted, 9).await.unwrap(),
            std::slice::from_ref(&all)
        );
        assert_eq!(list_primary_by_domain(&mut conn, id(1), &pending, 9).await.unwrap(), []);
        assert_eq!(
            organizations::list_by_domain(&mut conn, id(1), &whitelisted, 9).await.unwrap(),
            std::slice::from_ref(&all.organization)
        );
        assert_eq!(table::find(&mut conn, id(1), id(1)).await.unwrap().as_ref(), Some(&all.environment));
        assert_eq!(table::list::<ApiKey>(&mut conn, id(1), None, 9).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_login_walks_through_no_table() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::connect(&format!("sqlite://{}/test.db", directory.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        let mut conn = db.read().await.unwrap();
        let mut plans = vec![with_flow(&mut conn, id(3), Some(id(4))).steps().await];
        for named in
            [Named::Connection(id(3)), Named::Organization(id(2)), Named::OrganizationExternalId("acme")]
        {
            plans.push(for_client(&mut conn, id(5), named).steps().await);
        }
        for steps in plans {
            assert!(!steps.iter().any(|step| step.starts_with("SCAN")), "{steps:#?}");
        }
    }
}
