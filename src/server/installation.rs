//! The installation: the database with its migrations, the master key and the settings. Commands open it without a
//! server.

use std::{net::SocketAddr, sync::Arc};

use base::{random::Random, time::Clock};
use model::email::Email;
use url::Url;

use super::{error::StartError, master_key};
use crate::{
    app::{
        ConsoleSettings, OidcProvider, Settings, State, audit,
        directories::{
            limits::DirectoryRates,
            quota::{Quota, Quotas},
        },
        mail::{MailSettings, MailTransport, Sender, SmtpSecurity, SmtpServer, mailbox::Mailbox},
    },
    config::{self, Config},
    links::Links,
    store::{self, Db, SchemaFault, Synchronous},
};

/// The name in `settings` of the public URL of the server that ran last.
const PUBLIC_URL: &str = "public_url";

/// Opens the database that the configuration names, without touching its schema.
pub async fn open_database(config: &Config) -> Result<Db, StartError> {
    let synchronous = match config.database_sqlite_synchronous {
        config::SqliteSynchronous::Full => Synchronous::Full,
        config::SqliteSynchronous::Normal => Synchronous::Normal,
    };
    Db::connect_with(&config.database_url.as_driver_url(), config.database_pool_size, synchronous)
        .await
        .map_err(|source| StartError::Database { url: config.database_url.to_string(), source })
}

/// The public URL of the server that ran last on this database, for commands without `--public-url`: the links
/// that they create must lead to that server.
pub async fn last_public_url(config: &Config) -> Result<Option<Url>, StartError> {
    if config.database_url.sqlite_file().is_some_and(|file| !file.exists()) {
        return Ok(None);
    }
    let db = open_database(config).await?;
    let mut known = None;
    if db.schema_fault().await?.is_none() {
        known = store::settings::find(&mut db.read().await?, PUBLIC_URL).await?;
    }
    db.close().await;
    Ok(known.and_then(|text| Url::parse(&text).ok()))
}

/// Stores the public URL for [`last_public_url`].
pub(super) async fn save_public_url(state: &State) -> Result<(), StartError> {
    let origin = state.links.origin();
    let known = store::settings::find(&mut state.db.read().await?, PUBLIC_URL).await?;
    if known.as_deref() != Some(origin.as_str()) {
        let mut transaction = state.db.write().await?;
        store::settings::upsert(&mut transaction, PUBLIC_URL, &origin).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Opens the installation: the database with all its migrations, the master key, and the settings. `bound` is
/// the address at which the gateway listens, for its default public URL.
pub async fn open(
    config: &Config,
    bound: SocketAddr,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<State, StartError> {
    let db = open_database(config).await?;
    let refused = |fault| StartError::Schema { url: config.database_url.to_string(), fault };
    if config.migrates_on_start() {
        let before = db.schema_fault().await?;
        match db.migrate().await {
            Err(store::Error::Schema(fault)) => return Err(refused(fault)),
            outcome => outcome?,
        }
        if let Some(SchemaFault::Missing(applied)) = before {
            audit::record_migrations(&db, clock.now(), random.as_ref(), &applied).await?;
        }
    }
    if let Some(fault) = db.schema_fault().await? {
        return Err(refused(fault));
    }
    if let Some(newer) = db.newer_schema().await? {
        tracing::warn!("the database {newer}; start the program that migrated it when you can");
    }
    if store::settings::find(&mut db.read().await?, store::settings::COPY_UNDER_WAY).await?.is_some() {
        return Err(StartError::UnfinishedCopy { url: config.database_url.to_string() });
    }
    let master_key = master_key::open(config, &db, Some(random.as_ref())).await?;
    let sealing = master_key.names().into_iter().next();
    tracing::info!(key = sealing, "this master key seals");
    let links = Links::new(&config.public_url_at(bound)).map_err(StartError::PublicUrl)?;
    Ok(State::new(db, clock, random, master_key, links, settings(config)))
}

/// How letters are sent.
fn mail(config: &Config) -> Option<MailSettings> {
    let Some((server, from)) = config.mail_smtp_url.as_ref().zip(config.mail_from.as_ref()) else {
        let address = Email::parse("no-reply@demo.example").filter(|_| config.mail_to_mailbox)?;
        let sender = Sender { name: None, address };
        return Some(MailSettings { sender, transport: MailTransport::Mailbox(Mailbox::default()) });
    };
    let transport = MailTransport::Smtp(SmtpServer {
        host: server.host.clone(),
        port: server.port,
        security: match server.security {
            config::SmtpSecurity::Tls => SmtpSecurity::Tls,
            config::SmtpSecurity::StartTls => SmtpSecurity::StartTls,
            config::SmtpSecurity::Plain => SmtpSecurity::Plain,
        },
        login: server.user.clone().zip(config.mail_smtp_password_file.clone()),
    });
    let sender = Sender { name: from.name.clone(), address: from.address.clone() };
    Some(MailSettings { sender, transport })
}

const MEBIBYTE: i64 = 1024 * 1024;

/// The part of the configuration that use cases need.
pub fn settings(config: &Config) -> Settings {
    Settings {
        login_lifetime: config.login_lifetime,
        access_code_lifetime: config.login_access_code_lifetime,
        document_retention: config.retention_assertions,
        clock_skew: config.saml_clock_skew,
        cross_check: match config.saml_cross_check {
            config::CrossCheck::Enforce => saml::CrossCheck::Enforce,
            config::CrossCheck::Observe => saml::CrossCheck::Observe,
            config::CrossCheck::Off => saml::CrossCheck::Off,
        },
        allow_private_targets: config.outgoing_allow_private_targets,
        allow_private_metadata: config.outgoing_allow_private_targets,
        dns_servers: config.dns_servers.clone(),
        default_environment: config.default_environment.clone(),
        lost_record_grace: config.domains_lost_record_grace,
        test_idp: config.test_idp,
        scim_rates: DirectoryRates {
            requests_per_second: config.rate_limits.then_some(config.scim_requests_per_second),
            bytes_per_second: config
                .rate_limits
                .then(|| config.scim_kilobytes_per_second.saturating_mul(1024)),
            log_bytes_per_hour: u64::from(config.scim_log_megabytes_per_hour) * MEBIBYTE.unsigned_abs(),
        },
        scim_quotas: Quotas {
            directory: Quota {
                users: config.scim_directory_users.into(),
                groups: config.scim_directory_groups.into(),
                stored_bytes: i64::from(config.scim_directory_megabytes) * MEBIBYTE,
                day_bytes: i64::from(config.scim_directory_megabytes_per_day) * MEBIBYTE,
            },
            environment: Quota {
                users: config.scim_environment_users.into(),
                groups: config.scim_environment_groups.into(),
                stored_bytes: i64::from(config.scim_environment_megabytes) * MEBIBYTE,
                day_bytes: i64::from(config.scim_environment_megabytes_per_day) * MEBIBYTE,
            },
        },
        mail: mail(config),
        rate_limits: config.rate_limits,
        console: ConsoleSettings {
            session_idle: config.console_session_idle,
            session_lifetime: config.console_session_lifetime,
            require_sso: config.console_require_sso,
            require_passkey: config.console_require_passkey,
            saml_connection: config.console_saml_connection.as_deref().and_then(|id| id.parse().ok()),
            oidc: config.console_oidc_issuer.as_ref().zip(config.console_oidc_client_id.as_ref()).map(
                |(issuer, client_id)| OidcProvider {
                    issuer: issuer.clone(),
                    client_id: client_id.clone(),
                    client_secret: config
                        .console_oidc_client_secret
                        .as_ref()
                        .map(|secret| secret.0.clone())
                        .unwrap_or_default(),
                },
            ),
            rate_limits: config.rate_limits,
        },
    }
}
