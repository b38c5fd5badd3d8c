//! The bundled test identity provider of this server: its key, its service providers (the connections that are
//! marked as tests), and its users.

use std::sync::Arc;

use model::organization::Organization;
use openssl::x509::X509;

use crate::{
    app::{Error, State, connections::saml::sp_keys},
    store::{self, table},
    test_idp::{ServiceProvider, ServiceProviders, TestIdp, TestUser, provider::ServiceProvidersFuture},
};

/// The maximum number of test connections that it lists.
const MAX_CONNECTIONS: i64 = 1000;

/// Creates the identity provider of this installation.
pub(super) async fn build(state: &State) -> Result<TestIdp, Error> {
    Ok(TestIdp {
        keys: (*sp_keys::test_idp_key_pair(state).await?).clone(),
        links: state.links.clone(),
        users: users(),
        service_providers: Arc::new(TestConnections(state.clone())),
        clock: Arc::clone(&state.clock),
        random: Arc::clone(&state.random),
    })
}

/// Two users of each of the demo's organizations, and one who belongs to neither.
fn users() -> Vec<TestUser> {
    let user = |email: &str, first: &str, last: &str, groups: &[&str]| TestUser {
        email: email.to_owned(),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
    };
    vec![
        user("ada@acme.example", "Ada", "Lovelace", &["Engineering", "Admins"]),
        user("grace@acme.example", "Grace", "Hopper", &["Engineering"]),
        user("alan@globex.example", "Alan", "Turing", &["Research"]),
        user("mary@globex.example", "Mary", "Jackson", &["Research", "Admins"]),
        user("mallory@elsewhere.example", "Mallory", "Doe", &[]),
    ]
}

/// Lists the connections that are marked as tests.
struct TestConnections(State);

impl TestConnections {
    async fn service_providers(&self) -> Result<Vec<ServiceProvider>, Error> {
        let Self(state) = self;
        let mut conn = state.db.read().await?;
        let connections = store::saml_connections::list_tests(&mut conn, MAX_CONNECTIONS).await?;
        let mut known = Vec::new();
        for connection in connections {
            let (environment, organization) = (connection.environment_id, connection.organization_id);
            let Some(organization) =
                table::find::<Organization>(&mut conn, environment, organization).await?
            else {
                continue;
            };
            let encryption_certificate = match connection.assertion_encryption {
                true => {
                    let pem = sp_keys::encryption_certificate(state, environment).await?;
                    Some(X509::from_pem(pem.as_bytes()).map_err(Error::internal)?)
                }
                false => None,
            };
            known.push(ServiceProvider {
                name: organization.display_name.clone(),
                acs_url: connection.sp_acs_urls.first().cloned().unwrap_or_default(),
                sp_entity_id: connection.sp_entity_id,
                encryption_certificate,
                domains: organization.accepted_domains().map(ToString::to_string).collect(),
            });
        }
        Ok(known)
    }
}

impl ServiceProviders for TestConnections {
    fn list(&self) -> ServiceProvidersFuture<'_> {
        Box::pin(async {
            self.service_providers().await.unwrap_or_else(|error| {
                tracing::error!(%error, "the test connections cannot be read");
                Vec::new()
            })
        })
    }
}
