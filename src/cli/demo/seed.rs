//! Seeds the demo's data. Existing records are reused; those whose URLs belong to another public URL are replaced.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context as _;
use base::{
    id::OauthClientId,
    secret::{ApiKeySecret, OauthClientSecret, ScimBearerToken},
};
use model::{
    environment::Environment, oauth_client::OauthClient, organization::Organization,
    saml_connection::SamlConnection, scim_directory::ScimDirectory,
};
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        Error, State,
        authorization_server::clients::{self, OauthClientChange},
        connections::saml::{self, SamlConnectionChange, sp_keys},
        directories::{self, ScimDirectoryChange},
        environments::{
            self, EnvironmentChange,
            api_keys::{self, ApiKeyChange},
        },
        mail::{
            MailTransport,
            mailbox::{Mailbox, MailboxLetter},
        },
        organizations::{self, OrganizationChange},
        pagination::PageQuery,
        principal::Principal,
        resource,
    },
    demo_app::{DemoLetter, DemoOrganization, DemoSettings, ReadLetters},
    links::Links,
    store::{sealed_columns::DEMO_SECRETS, settings},
    test_idp::scim_client::ScimTarget,
};

/// The environment's slug.
const SLUG: &str = "demo-app";
/// The key in `settings` under which the secrets are stored.
const SECRETS_KEY: &str = "demo";

/// The demo's customers: name, domain, external id.
const CUSTOMERS: [(&str, &str, &str); 2] =
    [("Acme", "acme.example", "customer-1"), ("Globex", "globex.example", "customer-2")];

/// The demo's data.
pub(super) struct DemoData {
    pub(super) environment: Environment,
    pub(super) customers: Vec<DemoCustomer>,
    pub(super) api_key: ApiKeySecret,
    pub(super) oauth_client_id: OauthClientId,
    pub(super) oauth_client_secret: OauthClientSecret,
}

/// One customer: its organization, SAML connection and SCIM directory.
pub(super) struct DemoCustomer {
    pub(super) organization: Organization,
    pub(super) domain: &'static str,
    pub(super) connection: SamlConnection,
    pub(super) directory: ScimDirectory,
    /// The directory's bearer token.
    pub(super) scim_token: ScimBearerToken,
}

impl DemoData {
    /// The customers' directories, to which the test identity provider can push people.
    pub(super) fn scim_targets(&self, server_side: &Links) -> Vec<ScimTarget> {
        let targets = self.customers.iter().filter_map(|customer| {
            Some(ScimTarget {
                name: customer.organization.display_name.clone(),
                base_url: customer.directory.scim_base_url.clone(),
                internal_base_url: server_side.scim_base(customer.directory.id),
                token: customer.scim_token.reveal().parse().ok()?,
                domains: vec![customer.domain.to_owned()],
            })
        });
        targets.collect()
    }

    /// The sample app's settings.
    pub(super) fn into_settings(self, state: &State, server_side: Links) -> DemoSettings {
        let organizations = self.customers.iter().map(|customer| DemoOrganization {
            name: customer.organization.display_name.clone(),
            domain: customer.domain.to_owned(),
            external_id: customer.organization.external_id.clone().unwrap_or_default(),
        });
        DemoSettings {
            links: state.links.clone(),
            server_side,
            organizations: organizations.collect(),
            api_key: self.api_key,
            oauth_client_id: self.oauth_client_id,
            oauth_client_secret: self.oauth_client_secret,
            letters: letters_of(state),
            clock: Arc::clone(&state.clock),
            random: Arc::clone(&state.random),
        }
    }
}

/// Reads the letters of the demo. Those of a demo with a mail server are not here.
fn letters_of(state: &State) -> ReadLetters {
    let mailbox = match state.settings.mail.as_ref().map(|mail| &mail.transport) {
        Some(MailTransport::Mailbox(mailbox)) => mailbox.clone(),
        Some(MailTransport::Smtp(_)) | None => Mailbox::default(),
    };
    let shown = |letter: MailboxLetter| DemoLetter {
        id: letter.id.to_string(),
        recipient: letter.recipient,
        subject: letter.subject,
        text: letter.text,
        html: letter.html,
        at: letter.at,
    };
    Arc::new(move || mailbox.letters().into_iter().map(shown).collect())
}

/// Creates what does not exist yet and returns everything.
pub(super) async fn seed_demo(state: &State) -> anyhow::Result<DemoData> {
    let environment = environment(state).await?;
    let principal = Principal::operator(environment.id);
    let whole = PageQuery { token: None, size: Some("100".to_owned()) };
    let known = organizations::list(state, &principal, &whole).await?;
    let mut stored = StoredSecrets::read(state).await?;
    let mut customers = Vec::new();
    for (name, domain, external_id) in CUSTOMERS {
        let found = known.items.iter().find(|known| known.external_id.as_deref() == Some(external_id));
        let organization = match found {
            Some(found) => found.clone(),
            None => {
                let change = OrganizationChange {
                    display_name: Some(name.to_owned()),
                    external_id: Some(external_id.to_owned()),
                    domains: Some(vec![domain.to_owned()]),
                    ..OrganizationChange::default()
                };
                organizations::create(state, &principal, &change).await?
            }
        };
        let connection = connection(state, &principal, &organization).await?;
        let (directory, scim_token) = directory(state, &principal, &organization, &mut stored).await?;
        customers.push(DemoCustomer { organization, domain, connection, directory, scim_token });
    }
    let Secrets { api_key, oauth_client_id, oauth_client_secret } =
        secrets(state, &environment, &mut stored).await?;
    stored.write(state).await?;
    Ok(DemoData { environment, customers, api_key, oauth_client_id, oauth_client_secret })
}

async fn environment(state: &State) -> anyhow::Result<Environment> {
    let links = &state.links;
    let change = EnvironmentChange {
        slug: Some(SLUG.to_owned()),
        display_name: Some("Demo".to_owned()),
        redirect_url: Some(links.demo_callback().into()),
        oauth_redirect_uris: Some(vec![links.demo_oauth_callback().into()]),
        ..EnvironmentChange::default()
    };
    match environments::find(state, SLUG).await {
        Ok(found) => {
            let principal = Principal::operator(found.id);
            Ok(resource::update(state, &principal, found.id, None, &change).await?)
        }
        Err(Error::NotFound { .. }) => Ok(environments::create(state, &Principal::OPERATOR, &change).await?),
        Err(error) => Err(error.into()),
    }
}

/// The organization's connection to the test identity provider. Its URLs never change, so a connection
/// made for another public URL is replaced.
async fn connection(
    state: &State,
    principal: &Principal,
    organization: &Organization,
) -> anyhow::Result<SamlConnection> {
    let page = saml::list(state, principal, organization.id, &PageQuery::default()).await?;
    for known in page.items.into_iter().map(|known| known.connection).filter(|known| known.test) {
        let here = String::from(state.links.saml_acs(known.id));
        if known.sp_acs_urls.contains(&here) {
            return Ok(known);
        }
        saml::remove(state, principal, known.id, None).await?;
    }
    let certificate = sp_keys::test_idp_key_pair(state).await?.certificate_pem()?;
    let change = SamlConnectionChange {
        primary: Some(true),
        idp_entity_id: Some(state.links.test_idp_metadata().into()),
        idp_redirect_url: Some(state.links.test_idp_sso().into()),
        idp_certificate: Some(certificate),
        assertion_encryption: Some(true),
        ..SamlConnectionChange::default()
    };
    Ok(saml::create(state, principal, organization.id, &change).await?.connection)
}

/// The organization's directory for the test identity provider, with a valid token. Its base URL never changes, so a
/// directory made for another public URL is replaced.
async fn directory(
    state: &State,
    principal: &Principal,
    organization: &Organization,
    stored: &mut StoredSecrets,
) -> anyhow::Result<(ScimDirectory, ScimBearerToken)> {
    let page = directories::list(state, principal, organization.id, &PageQuery::default()).await?;
    for known in page.items.into_iter().map(|known| known.directory) {
        let Some(token) = stored.scim_tokens.get(&known.id.to_string()).and_then(|text| text.parse().ok())
        else {
            continue; // not one of the demo's own
        };
        if known.scim_base_url == state.links.scim_base(known.id)
            && is_valid_token(state, &known, &token).await?
        {
            return Ok((known, token));
        }
        stored.scim_tokens.remove(&known.id.to_string());
        resource::remove::<ScimDirectory>(state, principal, known.id, None).await?;
    }
    let change = ScimDirectoryChange { primary: Some(true), ..ScimDirectoryChange::default() };
    let id = directories::create(state, principal, organization.id, &change).await?.directory.id;
    let token = directories::rotate(state, principal, id, None, Duration::ZERO).await?;
    stored.scim_tokens.insert(id.to_string(), token.reveal());
    Ok((resource::find(state, principal, id).await?, token))
}

async fn is_valid_token(
    state: &State,
    directory: &ScimDirectory,
    token: &ScimBearerToken,
) -> anyhow::Result<bool> {
    match directories::authenticate(state, directory.id, &token.reveal()).await {
        Ok(_) => Ok(true),
        Err(Error::Unauthenticated(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

struct Secrets {
    api_key: ApiKeySecret,
    oauth_client_id: OauthClientId,
    oauth_client_secret: OauthClientSecret,
}

/// The secrets as they are stored, sealed, in `settings`: the rest of the database holds digests only.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct StoredSecrets {
    api_key: String,
    oauth_client_id: String,
    oauth_client_secret: String,
    /// By directory id.
    scim_tokens: BTreeMap<String, String>,
}

impl StoredSecrets {
    async fn read(state: &State) -> anyhow::Result<Self> {
        let Some(sealed) = settings::find(&mut state.db.read().await?, SECRETS_KEY).await? else {
            return Ok(Self::default());
        };
        let plain = state.open(&DEMO_SECRETS, &[&SECRETS_KEY], &sealed).context("the demo's secrets")?;
        Ok(serde_json::from_slice(&plain).unwrap_or_default())
    }

    async fn write(&self, state: &State) -> anyhow::Result<()> {
        let sealed = state.seal(&DEMO_SECRETS, &[&SECRETS_KEY], &serde_json::to_vec(self)?);
        let mut transaction = state.db.write().await?;
        settings::upsert(&mut transaction, SECRETS_KEY, &sealed).await?;
        Ok(transaction.commit().await?)
    }

    fn secrets(&self) -> Option<Secrets> {
        Some(Secrets {
            api_key: self.api_key.parse().ok()?,
            oauth_client_id: self.oauth_client_id.parse().ok()?,
            oauth_client_secret: self.oauth_client_secret.parse().ok()?,
        })
    }
}

async fn secrets(
    state: &State,
    environment: &Environment,
    stored: &mut StoredSecrets,
) -> anyhow::Result<Secrets> {
    if let Some(known) = stored.secrets()
        && are_valid(state, environment, &known).await?
    {
        return Ok(known);
    }
    let principal = Principal::operator(environment.id);
    let named = |name: &str| Some(name.to_owned());
    let change = ApiKeyChange {
        display_name: named("Sample app"),
        has_management_api_access: Some(true),
        ..ApiKeyChange::default()
    };
    let (_, api_key) = api_keys::create(state, &principal, &change).await?;
    let change = OauthClientChange { display_name: named("Sample app"), ..OauthClientChange::default() };
    let client = clients::create(state, &principal, &change).await?;
    stored.api_key = api_key.reveal();
    stored.oauth_client_id = client.client.id.to_string();
    stored.oauth_client_secret = client.secret.reveal();
    Ok(Secrets { api_key, oauth_client_id: client.client.id, oauth_client_secret: client.secret })
}

async fn are_valid(state: &State, environment: &Environment, known: &Secrets) -> anyhow::Result<bool> {
    let is_key_valid = match api_keys::authenticate(state, &known.api_key.reveal()).await {
        Ok(principal) => principal.require_environment(environment.id).is_ok(),
        Err(Error::Unauthenticated(_)) => false,
        Err(error) => return Err(error.into()),
    };
    let principal = Principal::operator(environment.id);
    let client_is_there = match resource::find::<OauthClient>(state, &principal, known.oauth_client_id).await
    {
        Ok(_) => true,
        Err(Error::NotFound { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    Ok(is_key_valid && client_is_there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, server};
    use base::{random::SystemRandom, time::SystemClock};

    async fn state(directory: &tempfile::TempDir, port: u16) -> State {
        let config = Config {
            database_url: format!("sqlite://{}", directory.path().join("x.db").display()).parse().unwrap(),
            ..Config::default()
        };
        let bound = ([127, 0, 0, 1], port).into();
        server::open(&config, bound, Arc::new(SystemClock), Arc::new(SystemRandom)).await.unwrap()
    }

    #[tokio::test]
    async fn a_second_start_finds_what_the_first_one_made() {
        let directory = tempfile::tempdir().unwrap();
        let first = seed_demo(&state(&directory, 8080).await).await.unwrap();
        let second = seed_demo(&state(&directory, 8080).await).await.unwrap();
        assert_eq!(first.environment.id, second.environment.id);
        assert_eq!(first.api_key.reveal(), second.api_key.reveal());
        assert_eq!(first.oauth_client_id, second.oauth_client_id);
        for (first, second) in first.customers.iter().zip(&second.customers) {
            assert_eq!(first.organization, second.organization);
            assert_eq!(first.connection, second.connection);
            assert_eq!(first.directory, second.directory);
            assert_eq!(first.scim_token.reveal(), second.scim_token.reveal());
            assert!(first.connection.test && first.connection.missing_settings().is_empty());
        }
        assert_eq!(second.customers.len(), 2);
    }

    #[tokio::test]
    async fn another_public_url_replaces_connections_and_directories() {
        let directory = tempfile::tempdir().unwrap();
        let before = seed_demo(&state(&directory, 8080).await).await.unwrap();
        let moved = state(&directory, 9090).await;
        let after = seed_demo(&moved).await.unwrap();
        assert_eq!(after.environment.redirect_url.unwrap().as_str(), "http://localhost:9090/demo/callback");
        assert_ne!(before.customers[0].connection.id, after.customers[0].connection.id);
        let connection = &after.customers[0].connection;
        assert_eq!(connection.sp_acs_urls, [String::from(moved.links.saml_acs(connection.id))]);
        let principal = Principal::operator(after.environment.id);
        let left = saml::list(&moved, &principal, after.customers[0].organization.id, &PageQuery::default())
            .await
            .unwrap();
        assert_eq!(left.items.len(), 1);
        let directory = &after.customers[0].directory;
        assert_eq!(directory.scim_base_url, moved.links.scim_base(directory.id));
        assert!(directory.primary && directory.id != before.customers[0].directory.id);
        let organization = after.customers[0].organization.id;
        let left = directories::list(&moved, &principal, organization, &PageQuery::default()).await.unwrap();
        assert_eq!(left.items.len(), 1);
    }
}
