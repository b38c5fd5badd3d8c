//! The validated settings of a process.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use url::Url;

use super::mail::{MailSender, SmtpUrl};
use super::values::{CrossCheck, DatabaseUrl, LogFormat, Migrate, Redacted, SqliteSynchronous};

/// The validated settings of a process.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the gateway listens. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The origin under which browsers and identity providers reach the gateway, if set.
    /// [`Config::public_url_at`] returns the effective one.
    pub public_url: Option<Url>,
    /// The environment, by slug or id, for which paths speak that name none.
    pub default_environment: Option<String>,
    /// The database.
    pub database_url: DatabaseUrl,
    /// How many connections the PostgreSQL pool, or SQLite's reader pool, may hold.
    pub database_pool_size: u32,
    /// Whether a start applies missing migrations.
    pub database_migrate: Migrate,
    /// When a commit on SQLite returns.
    pub database_sqlite_synchronous: SqliteSynchronous,
    /// The keys that seal secrets at rest, given as a value: the one that seals first.
    pub master_key: Option<Redacted<Vec<[u8; 32]>>>,
    /// The file with that key. [`Config::master_key_path`] returns the effective one.
    pub master_key_file: Option<PathBuf>,
    /// Networks whose `X-Forwarded-For` and `X-Request-Id` headers are trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether failures are limited per client.
    pub rate_limits: bool,
    /// How many connections one client address may have open.
    pub connections_per_client: u32,
    /// How many MiB of requests may be in memory at once.
    pub request_memory_mib: usize,
    /// The separate address of `/metrics`.
    pub metrics_listen: Option<SocketAddr>,
    /// The bearer token for `/metrics` on the gateway's own address.
    pub metrics_token: Option<Redacted<String>>,
    /// The format of log lines.
    pub log_format: LogFormat,
    /// Which log lines are written.
    pub log_level: String,
    /// What a disagreement of the second signature implementation causes.
    pub saml_cross_check: CrossCheck,
    /// How far an identity provider's clock may be off.
    pub saml_clock_skew: Duration,
    /// How long a login may take from its start to the identity provider's answer.
    pub login_lifetime: Duration,
    /// How long an access code can be redeemed.
    pub login_access_code_lifetime: Duration,
    /// How long stored assertions are kept.
    pub retention_assertions: Duration,
    /// How long finished logins are kept.
    pub retention_logins: Duration,
    /// How long logins name the person.
    pub retention_personal_data: Duration,
    /// How long unfinished logins are kept.
    pub retention_unfinished_logins: Duration,
    /// How long events can be read and replayed.
    pub retention_events: Duration,
    /// How long the log of webhook deliveries is kept.
    pub retention_webhook_deliveries: Duration,
    /// How long the log of SCIM requests is kept.
    pub retention_scim_requests: Duration,
    /// How many requests a second a directory may make.
    pub scim_requests_per_second: u32,
    /// How many KiB of bodies a second a directory may send.
    pub scim_kilobytes_per_second: u32,
    /// How many MiB an hour the SCIM request log stores per directory.
    pub scim_log_megabytes_per_hour: u32,
    /// How many users a directory may hold, not counting deleted ones.
    pub scim_directory_users: u32,
    /// How many groups a directory may hold, not counting deleted ones.
    pub scim_directory_groups: u32,
    /// How many MiB a directory may hold.
    pub scim_directory_megabytes: u32,
    /// How many MiB the changes of a directory may write a day.
    pub scim_directory_megabytes_per_day: u32,
    /// How many users an environment may hold, not counting deleted ones.
    pub scim_environment_users: u32,
    /// How many groups an environment may hold, not counting deleted ones.
    pub scim_environment_groups: u32,
    /// How many MiB an environment may hold.
    pub scim_environment_megabytes: u32,
    /// How many MiB the changes of an environment may write a day.
    pub scim_environment_megabytes_per_day: u32,
    /// The idle timeout of a console session.
    pub console_session_idle: Duration,
    /// The absolute lifetime of a console session.
    pub console_session_lifetime: Duration,
    /// The SAML connection through which administrators sign in.
    pub console_saml_connection: Option<String>,
    /// The OpenID provider through which administrators sign in.
    pub console_oidc_issuer: Option<String>,
    /// The console's client id there.
    pub console_oidc_client_id: Option<String>,
    /// The console's client secret there.
    pub console_oidc_client_secret: Option<Redacted<String>>,
    /// Whether the console accepts only single sign-on.
    pub console_require_sso: bool,
    /// Whether the console accepts only passkeys.
    pub console_require_passkey: bool,
    /// Whether outgoing requests may go to private and loopback addresses.
    pub outgoing_allow_private_targets: bool,
    /// The name servers for TXT lookups; empty: the system's.
    pub dns_servers: Vec<SocketAddr>,
    /// How long a domain counts as proved after its DNS record is gone.
    pub domains_lost_record_grace: Duration,
    /// The mail server.
    pub mail_smtp_url: Option<SmtpUrl>,
    /// From whom letters are.
    pub mail_from: Option<MailSender>,
    /// The file with the password for the mail server.
    pub mail_smtp_password_file: Option<PathBuf>,
    /// Whether letters are shown on a page instead of being sent: only in the demo, which sets it. It is no setting.
    pub mail_to_mailbox: bool,
    /// Whether the bundled test identity provider is served.
    pub test_idp: bool,
    /// The number of worker threads. 0: one per core.
    pub workers: usize,
    /// How long new requests are served after SIGTERM.
    pub shutdown_grace: Duration,
    /// How long a shutdown waits for requests in flight.
    pub shutdown_timeout: Duration,
    /// Environment variables that look like settings and are none.
    pub ignored_variables: Vec<String>,
}

impl Config {
    /// The effective public URL, without a path, if the gateway listens at `bound`.
    pub fn public_url_at(&self, bound: SocketAddr) -> Url {
        self.public_url.clone().unwrap_or_else(|| {
            let text = match bound.port() {
                80 => "http://localhost".to_owned(),
                port => format!("http://localhost:{port}"),
            };
            Url::parse(&text).expect("localhost and a port make a URL")
        })
    }

    /// The file from which the master key is read, if it is not given as a value.
    pub fn master_key_path(&self) -> Option<PathBuf> {
        match (&self.master_key, &self.master_key_file, &self.database_url) {
            (Some(_), _, _) => None,
            (None, Some(path), _) => Some(path.clone()),
            (None, None, DatabaseUrl::Sqlite(file)) => {
                let mut name = file.clone().into_os_string();
                name.push(".key");
                Some(name.into())
            }
            (None, None, DatabaseUrl::Postgres(_)) => None,
        }
    }

    /// Whether log lines are JSON.
    pub fn logs_are_json(&self) -> bool {
        self.log_format == LogFormat::Json
    }

    /// Whether a start applies missing migrations to this database.
    pub fn migrates_on_start(&self) -> bool {
        match self.database_migrate {
            Migrate::Always => true,
            Migrate::Never => false,
            Migrate::Auto => matches!(self.database_url, DatabaseUrl::Sqlite(_)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_url_follows_the_port() {
        let config = Config::default();
        let at = |port| config.public_url_at(SocketAddr::from(([0, 0, 0, 0], port))).to_string();
        assert_eq!(at(8080), "http://localhost:8080/");
        assert_eq!(at(80), "http://localhost/");
    }

    #[test]
    fn sqlite_has_a_default_key_file_and_postgresql_none() {
        let mut config = Config { database_url: "sqlite://data/x.db".parse().unwrap(), ..Config::default() };
        assert_eq!(config.master_key_path(), Some("data/x.db.key".into()));
        config.database_url = "postgres://localhost/x".parse().unwrap();
        assert_eq!(config.master_key_path(), None);
        assert!(!config.migrates_on_start());
        config.database_migrate = Migrate::Always;
        assert!(config.migrates_on_start());
    }
}
