//! Every setting: name, default, description and validation.
//!
//! [`SETTINGS`] is the single list. The TOML file, the environment, `ostiary config`, `--help` and
//! `docs/configuration.md` are derived from it. A leaf: `cli` and `server` read it.

mod sources;
mod values;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use url::Url;

pub use sources::{ConfigError, SettingError, SettingValue, Sources};
pub use values::{CrossCheck, DatabaseUrl, LogFormat, Migrate, Redacted, key as parse_key};

/// One setting.
pub struct Setting {
    /// Its name in the TOML file (`saml.cross_check`). The environment variable is derived from it.
    pub key: &'static str,
    /// Its default, as it would be written. Empty: not set.
    pub default: &'static str,
    /// The accepted values, in one line.
    pub syntax: &'static str,
    /// What it does, in a sentence or two.
    pub description: &'static str,
    /// Whether its value is secret and must not be shown.
    pub secret: bool,
    apply: fn(&mut Config, &str) -> Result<(), String>,
}

impl Setting {
    /// Its environment variable: `OSTIARY_SAML_CROSS_CHECK`.
    pub fn variable(&self) -> String {
        format!("OSTIARY_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }

    /// The setting called `key`.
    pub fn find(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }
}

/// The validated settings of a process.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the gateway listens. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The origin under which browsers and identity providers reach the gateway, if set.
    /// [`Config::public_url_at`] returns the effective one.
    pub public_url: Option<Url>,
    /// The database.
    pub database_url: DatabaseUrl,
    /// How many connections the PostgreSQL pool, or SQLite's reader pool, may hold.
    pub database_pool_size: u32,
    /// Whether a start applies missing migrations.
    pub database_migrate: Migrate,
    /// The key that seals secrets at rest, given as a value.
    pub master_key: Option<Redacted<[u8; 32]>>,
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
    /// Whether the bundled test identity provider is served.
    pub test_idp: bool,
    /// The number of worker threads. 0: one per core.
    pub workers: usize,
    /// How long a shutdown waits for requests in flight.
    pub shutdown_timeout: Duration,
}

/// All settings, in the order in which they are documented.
pub static SETTINGS: &[Setting] = &[
    Setting {
        key: "listen",
        default: "127.0.0.1:8080",
        syntax: "ADDRESS:PORT",
        description: "Where the gateway listens. Port 0 takes a free one. The container image sets 0.0.0.0:8080.",
        secret: false,
        apply: |config, text| values::socket_address(text).map(|value| config.listen = value),
    },
    Setting {
        key: "public_url",
        default: "",
        syntax: "http(s)://HOST[:PORT]",
        description: "The origin under which browsers and identity providers reach the gateway; every link and \
                  every new connection's ACS URL is built from it. Default: http://localhost and the port \
                  of `listen`. Use https for anything but local trials.",
        secret: false,
        apply: |config, text| values::origin(text).map(|value| config.public_url = Some(value)),
    },
    Setting {
        key: "database.url",
        default: "sqlite://ostiary.db",
        syntax: "sqlite://FILE | postgres://USER:PASSWORD@HOST/DATABASE",
        description: "The database: an embedded SQLite file, or PostgreSQL 15 or later.",
        secret: true,
        apply: |config, text| text.parse().map(|value| config.database_url = value),
    },
    Setting {
        key: "database.pool_size",
        default: "8",
        syntax: "1 to 1000",
        description: "How many connections a process may hold to PostgreSQL, or how many readers to SQLite.",
        secret: false,
        apply: |config, text| values::whole(text, 1, 1000).map(|value| config.database_pool_size = value),
    },
    Setting {
        key: "database.migrate",
        default: "auto",
        syntax: "auto | always | never",
        description: "Whether a start applies missing migrations. `auto` does so for SQLite and leaves \
                  PostgreSQL to `ostiary migrate`. The gateway does not start while migrations are missing.",
        secret: false,
        apply: |config, text| text.parse().map(|value| config.database_migrate = value),
    },
    Setting {
        key: "master_key",
        default: "",
        syntax: "32 bytes in base64 or hexadecimal",
        description: "The key that seals signing keys and stored assertions. Make one with `openssl rand -base64 \
                  32`. If it is lost, the sealed data is lost.",
        secret: true,
        apply: |config, text| values::key(text).map(|value| config.master_key = Some(Redacted(value))),
    },
    Setting {
        key: "master_key_file",
        default: "",
        syntax: "FILE",
        description: "A file with the master key, instead of `master_key`. For SQLite the default is the \
                  database's name with `.key` appended, created with mode 0600 at the first start; for \
                  PostgreSQL there is no default and no file is created.",
        secret: false,
        apply: |config, text| values::path(text).map(|value| config.master_key_file = Some(value)),
    },
    Setting {
        key: "trusted_proxies",
        default: "",
        syntax: "ADDRESS or NETWORK, separated by commas",
        description: "The proxies in front of the gateway. X-Forwarded-For (the client address) and X-Request-Id \
                  are trusted only from them.",
        secret: false,
        apply: |config, text| values::networks(text).map(|value| config.trusted_proxies = value),
    },
    Setting {
        key: "rate_limits",
        default: "on",
        syntax: "on | off",
        description: "Whether failed credentials and failed logins, connections and memory are limited per client \
                  address. Each replica counts for itself. Off is for load tests.",
        secret: false,
        apply: |config, text| values::switch(text).map(|value| config.rate_limits = value),
    },
    Setting {
        key: "connections_per_client",
        default: "1024",
        syntax: "16 to 100000",
        description: "How many connections one client address may have open at once (IPv6: one /64). Further \
                  ones are closed on arrival. A trusted proxy may have any number. Where the limit of open \
                  files is low, one client may have at most a quarter of it; `ostiary doctor` says so.",
        secret: false,
        apply: |config, text| {
            values::whole(text, 16, 100_000).map(|value| config.connections_per_client = value)
        },
    },
    Setting {
        key: "request_memory_mib",
        default: "64",
        syntax: "16 to 65536",
        description: "How many MiB of requests may be in memory at once: bodies that are being received and \
                  incomplete headers. One client address may hold a quarter of it (behind a trusted proxy, \
                  the forwarded address), and unauthenticated clients half of what they may otherwise. \
                  Requests beyond it are answered with 429 or 503 and Retry-After.",
        secret: false,
        apply: |config, text| {
            values::whole(text, 16, 65_536).map(|value| config.request_memory_mib = value as usize)
        },
    },
    Setting {
        key: "metrics.listen",
        default: "",
        syntax: "ADDRESS:PORT",
        description: "Serves Prometheus metrics at /metrics on a separate address, which should not be reachable \
                  from the internet.",
        secret: false,
        apply: |config, text| values::socket_address(text).map(|value| config.metrics_listen = Some(value)),
    },
    Setting {
        key: "metrics.token",
        default: "",
        syntax: "16 characters or more",
        description: "Serves /metrics on the gateway's own address to callers that send this bearer token.",
        secret: true,
        apply: |config, text| values::token(text).map(|value| config.metrics_token = Some(Redacted(value))),
    },
    Setting {
        key: "log.format",
        default: "pretty",
        syntax: "pretty | json",
        description: "The format of log lines: human-readable, or one JSON object per line. They go to standard \
                  error.",
        secret: false,
        apply: |config, text| text.parse().map(|value| config.log_format = value),
    },
    Setting {
        key: "log.level",
        default: "info",
        syntax: "error | warn | info | debug | trace, or per module: info,ostiary::app=debug",
        description: "Which log lines are written.",
        secret: false,
        apply: |config, text| values::log_filter(text).map(|value| config.log_level = value),
    },
    Setting {
        key: "saml.cross_check",
        default: "enforce",
        syntax: "enforce | observe | off",
        description: "Every signature is verified a second time, by xmlsec. `enforce` refuses a login on which \
                  the two disagree, `observe` only logs it, `off` skips the second verification.",
        secret: false,
        apply: |config, text| text.parse().map(|value| config.saml_cross_check = value),
    },
    Setting {
        key: "saml.clock_skew",
        default: "60s",
        syntax: "a duration up to 180s",
        description: "How far an identity provider's clock may be off.",
        secret: false,
        apply: |config, text| {
            values::duration(text, "0s", "180s").map(|value| config.saml_clock_skew = value)
        },
    },
    Setting {
        key: "login.lifetime",
        default: "10m",
        syntax: "a duration from 1m to 24h",
        description: "How long a login may take from its start to the identity provider's answer.",
        secret: false,
        apply: |config, text| values::duration(text, "1m", "24h").map(|value| config.login_lifetime = value),
    },
    Setting {
        key: "login.access_code_lifetime",
        default: "5m",
        syntax: "a duration from 10s to 1h",
        description: "How long an app has to redeem an access code. (OAuth codes always live 60 seconds.)",
        secret: false,
        apply: |config, text| {
            values::duration(text, "10s", "1h").map(|value| config.login_access_code_lifetime = value)
        },
    },
    Setting {
        key: "retention.assertions",
        default: "30d",
        syntax: "a duration from 0s to 3650d",
        description: "How long the documents that identity providers sent are kept (sealed) for support.",
        secret: false,
        apply: |config, text| {
            values::duration(text, "0s", "3650d").map(|value| config.retention_assertions = value)
        },
    },
    Setting {
        key: "retention.logins",
        default: "365d",
        syntax: "a duration from 1d to 3650d",
        description: "How long logins and their timelines are kept.",
        secret: false,
        apply: |config, text| {
            values::duration(text, "1d", "3650d").map(|value| config.retention_logins = value)
        },
    },
    Setting {
        key: "retention.unfinished_logins",
        default: "24h",
        syntax: "a duration from 2h to 3650d",
        description: "How long unfinished logins are kept: those that were never answered, or answered only by \
                  responses without a valid signature, after the first hundred refusals of a connection in \
                  an hour.",
        secret: false,
        apply: |config, text| {
            values::duration(text, "2h", "3650d").map(|value| config.retention_unfinished_logins = value)
        },
    },
    Setting {
        key: "retention.events",
        default: "90d",
        syntax: "a duration from 1d to 3650d",
        description: "How long events can be read at /v1/events and replayed to webhooks.",
        secret: false,
        apply: |config, text| {
            values::duration(text, "1d", "3650d").map(|value| config.retention_events = value)
        },
    },
    Setting {
        key: "retention.webhook_deliveries",
        default: "30d",
        syntax: "a duration from 3d to 3650d",
        description: "How long the log of webhook deliveries is kept. A delivery is retried for two and a half \
                  days.",
        secret: false,
        apply: |config, text| {
            values::duration(text, "3d", "3650d").map(|value| config.retention_webhook_deliveries = value)
        },
    },
    Setting {
        key: "retention.scim_requests",
        default: "30d",
        syntax: "a duration from 1h to 3650d",
        description: "How long the log of SCIM requests is kept. Bodies in it are sealed, without passwords.",
        secret: false,
        apply: |config, text| {
            values::duration(text, "1h", "3650d").map(|value| config.retention_scim_requests = value)
        },
    },
    Setting {
        key: "scim.requests_per_second",
        default: "50",
        syntax: "1 to 10000",
        description: "How many requests a second one directory may make, counting the operations of a Bulk \
                  request one by one; bursts of forty times as many are allowed. Further ones are answered \
                  429. Each replica counts for itself; `rate_limits` off removes the limit.",
        secret: false,
        apply: |config, text| {
            values::whole(text, 1, 10_000).map(|value| config.scim_requests_per_second = value)
        },
    },
    Setting {
        key: "scim.kilobytes_per_second",
        default: "256",
        syntax: "1 to 1048576",
        description: "How many KiB of request bodies a second one directory may send; bursts of 128 times as \
                  many are allowed. Further requests are answered 429, as above.",
        secret: false,
        apply: |config, text| {
            values::whole(text, 1, 1_048_576).map(|value| config.scim_kilobytes_per_second = value)
        },
    },
    Setting {
        key: "scim.log_megabytes_per_hour",
        default: "64",
        syntax: "1 to 65536",
        description: "How many MiB an hour the log of SCIM requests stores for one directory. Near that limit, \
                  requests are logged without their bodies; beyond it, they are only counted \
                  (`scim_requests_unlogged_total`).",
        secret: false,
        apply: |config, text| {
            values::whole(text, 1, 65_536).map(|value| config.scim_log_megabytes_per_hour = value)
        },
    },
    Setting {
        key: "scim.directory_users",
        default: "300000",
        syntax: "1 to 100000000",
        description: "How many users one directory may hold, not counting deleted ones. When a quota is used up, \
                  requests that would add to it are answered 403; deactivating and deleting always work.",
        secret: false,
        apply: |config, text| {
            values::whole(text, 1, 100_000_000).map(|value| config.scim_directory_users = value)
        },
    },
    Setting {
        key: "scim.directory_groups",
        default: "30000",
        syntax: "1 to 100000000",
        description: "How many groups one directory may hold, not counting deleted ones.",
        secret: false,
        apply: |config, text| {
            values::whole(text, 1, 100_000_000).map(|value| config.scim_directory_groups = value)
        },
    },
    Setting {
        key: "scim.directory_megabytes",
        default: "4096",
        syntax: "1 to 100000000",
        description: "How many MiB of users, groups (deleted ones too) and memberships one directory may hold.",
        secret: false,
        apply: |config, text| {
            values::whole(text, 1, 100_000_000).map(|value| config.scim_directory_megabytes = value)
        },
    },
    Setting {
        key: "scim.directory_megabytes_per_day",
        default: "4096",
        syntax: "1 to 100000000",
        description: "How many MiB the changes of one directory may write per day (UTC), including their events.",
        secret: false,
        apply: |config, text| {
            values::whole(text, 1, 100_000_000).map(|value| config.scim_directory_megabytes_per_day = value)
        },
    },
    Setting {
        key: "scim.environment_users",
        default: "10000000",
        syntax: "1 to 1000000000",
        description: "How many users the directories of one environment may hold together, not counting deleted \
                  ones.",
        secret: false,
        apply: |config, text| {
            values::whole(text, 1, 1_000_000_000).map(|value| config.scim_environment_users = value)
        },
    },
    Setting {
        key: "scim.environment_groups",
        default: "1000000",
        syntax: "1 to 1000000000",
        description: "How many groups the directories of one environment may hold together, not counting deleted \
                  ones.",
        secret: false,
        apply: |config, text| {
            values::whole(text, 1, 1_000_000_000).map(|value| config.scim_environment_groups = value)
        },
    },
    Setting {
        key: "scim.environment_megabytes",
        default: "65536",
        syntax: "1 to 100000000",
        description: "How many MiB the directories of one environment may hold together.",
        secret: false,
        apply: |config, text| {
            values::whole(text, 1, 100_000_000).map(|value| config.scim_environment_megabytes = value)
        },
    },
    Setting {
        key: "scim.environment_megabytes_per_day",
        default: "32768",
        syntax: "1 to 100000000",
        description: "How many MiB the changes of one environment's directories may write together per day \
                  (UTC).",
        secret: false,
        apply: |config, text| {
            values::whole(text, 1, 100_000_000).map(|value| config.scim_environment_megabytes_per_day = value)
        },
    },
    Setting {
        key: "console.session_idle",
        default: "1h",
        syntax: "a duration from 5m to 30d",
        description: "How long a console session may be idle before the administrator must sign in again. \
                  Default: as NIST SP 800-63B-4 recommends at AAL2.",
        secret: false,
        apply: |config, text| {
            values::duration(text, "5m", "30d").map(|value| config.console_session_idle = value)
        },
    },
    Setting {
        key: "console.session_lifetime",
        default: "24h",
        syntax: "a duration from 5m to 90d",
        description: "How long a console session lasts at the most, even while it is in use. Default: as NIST SP \
                  800-63B-4 recommends at AAL2.",
        secret: false,
        apply: |config, text| {
            values::duration(text, "5m", "90d").map(|value| config.console_session_lifetime = value)
        },
    },
    Setting {
        key: "console.saml_connection",
        default: "",
        syntax: "saml_conn_…",
        description: "Administrators may sign in to the console through this SAML connection of the gateway's \
                  own. They must have been invited with the e-mail address that the connection asserts. \
                  Anyone who may change this connection or its organization can sign in as any administrator \
                  of its domains: keep it in an environment of its own.",
        secret: false,
        apply: |config, text| {
            values::connection(text).map(|value| config.console_saml_connection = Some(value))
        },
    },
    Setting {
        key: "console.oidc_issuer",
        default: "",
        syntax: "https://HOST/PATH",
        description: "Administrators may sign in to the console through this OpenID provider, which must return \
                  their e-mail addresses. An address with `email_verified`: false is refused; without that \
                  claim the address is trusted, so name only a provider whose users cannot choose their \
                  address. The redirect URI to register there is /console/sign-in/oidc/callback below the \
                  public URL. If the provider does not return `auth_time`, administrators re-authenticate by \
                  passkey or password.",
        secret: false,
        apply: |config, text| values::issuer(text).map(|value| config.console_oidc_issuer = Some(value)),
    },
    Setting {
        key: "console.oidc_client_id",
        default: "",
        syntax: "any text",
        description: "The console's client id at the OpenID provider.",
        secret: false,
        apply: |config, text| values::word(text).map(|value| config.console_oidc_client_id = Some(value)),
    },
    Setting {
        key: "console.oidc_client_secret",
        default: "",
        syntax: "any text",
        description: "The console's client secret at the OpenID provider.",
        secret: true,
        apply: |config, text| {
            values::word(text).map(|value| config.console_oidc_client_secret = Some(Redacted(value)))
        },
    },
    Setting {
        key: "console.require_sso",
        default: "off",
        syntax: "on | off",
        description: "Whether the console accepts only single sign-on: no passwords and no passkeys. If single \
                  sign-on fails, start the gateway with this off; `ostiary admin reset --email ADDRESS` then \
                  makes a link that lets an administrator in.",
        secret: false,
        apply: |config, text| values::switch(text).map(|value| config.console_require_sso = value),
    },
    Setting {
        key: "console.require_passkey",
        default: "off",
        syntax: "on | off",
        description: "Whether the console accepts only passkeys: no passwords and no single sign-on. New \
                  administrators create a passkey when they join; `ostiary admin reset --email ADDRESS` \
                  makes a link for those who have none. Passkeys need https and a host name in the public \
                  URL, or localhost.",
        secret: false,
        apply: |config, text| values::switch(text).map(|value| config.console_require_passkey = value),
    },
    Setting {
        key: "outgoing.allow_private_targets",
        default: "off",
        syntax: "on | off",
        description: "Whether the gateway's outgoing requests (metadata, webhooks) may go to private and \
                  loopback addresses. Turn it on only if everyone who sets up connections may reach your \
                  network.",
        secret: false,
        apply: |config, text| values::switch(text).map(|value| config.outgoing_allow_private_targets = value),
    },
    Setting {
        key: "dns.servers",
        default: "",
        syntax: "ADDRESS[:PORT], separated by commas",
        description: "The name servers for the TXT lookups of domain verification. Default: those of the system \
                  (/etc/resolv.conf).",
        secret: false,
        apply: |config, text| values::name_servers(text).map(|value| config.dns_servers = value),
    },
    Setting {
        key: "test_idp",
        default: "off",
        syntax: "on | off",
        description: "Whether the bundled test identity provider is served. It signs in anybody as anybody: never \
                  where real people sign in.",
        secret: false,
        apply: |config, text| values::switch(text).map(|value| config.test_idp = value),
    },
    Setting {
        key: "workers",
        default: "0",
        syntax: "0 to 256",
        description: "How many threads answer requests. 0: as many as there are cores.",
        secret: false,
        apply: |config, text| {
            values::whole(text, 0, 256).map(|value| config.workers = usize::try_from(value).unwrap_or(0))
        },
    },
    Setting {
        key: "shutdown_timeout",
        default: "10s",
        syntax: "a duration from 0s to 5m",
        description: "How long a stop waits for the requests in flight.",
        secret: false,
        apply: |config, text| values::duration(text, "0s", "5m").map(|value| config.shutdown_timeout = value),
    },
];

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

    /// Whether a start applies missing migrations to this database.
    pub fn migrates_on_start(&self) -> bool {
        match self.database_migrate {
            Migrate::Always => true,
            Migrate::Never => false,
            Migrate::Auto => matches!(self.database_url, DatabaseUrl::Sqlite(_)),
        }
    }

    /// Warnings about valid but risky settings, for the start.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(url) = &self.public_url
            && url.scheme() == "http"
            && !values::is_local(url)
        {
            warnings.push(format!(
                "public_url is {url}: over plain http anyone on the network path can read and change a login; use https"
            ));
        }
        if self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
            && self.trusted_proxies.is_empty()
            && self.rate_limits
        {
            warnings.push(
                "trusted_proxies is empty, but TLS must end at a proxy in front: everybody who comes through it \
                 counts as one client, so one network's failures slow down all; name the proxy's addresses \
                 (OSTIARY_TRUSTED_PROXIES)"
                    .to_owned(),
            );
        }
        if self.console_oidc_issuer.as_deref().is_some_and(values::is_insecure) {
            warnings.push(
                "console.oidc_issuer is plain http: anyone on the network path can sign in to the console; use https"
                    .to_owned(),
            );
        }
        if self.test_idp {
            warnings
                .push("test_idp is on: the bundled identity provider signs in anybody as anybody".to_owned());
        }
        if !self.rate_limits {
            warnings.push("rate_limits is off: guessing credentials is not slowed down".to_owned());
        }
        if self.saml_cross_check != CrossCheck::Enforce {
            warnings.push(format!(
                "saml.cross_check is {}: a disagreement of the two signature checks does not refuse a login",
                self.saml_cross_check
            ));
        }
        warnings
    }

    /// Settings that are valid by themselves but not together.
    fn contradictions(&self) -> Vec<SettingError> {
        let mut problems = Vec::new();
        if self.master_key.is_some() && self.master_key_file.is_some() {
            problems.push(SettingError::new(
                "master_key",
                "is set, and so is `master_key_file`: keep one of them",
            ));
        }
        if self.metrics_listen.is_some_and(|metrics| metrics == self.listen && metrics.port() != 0) {
            problems.push(SettingError::new(
                "metrics.listen",
                "is the address of `listen`: give it a port of its own, or set `metrics.token` instead",
            ));
        }
        let oidc = [
            self.console_oidc_issuer.is_some(),
            self.console_oidc_client_id.is_some(),
            self.console_oidc_client_secret.is_some(),
        ];
        if oidc.contains(&true) && oidc.contains(&false) {
            problems.push(SettingError::new(
                "console.oidc_issuer",
                "goes with `console.oidc_client_id` and `console.oidc_client_secret`: set all three or none",
            ));
        }
        if self.console_require_sso && !oidc[0] && self.console_saml_connection.is_none() {
            problems.push(SettingError::new(
                "console.require_sso",
                "would lock everybody out: set `console.saml_connection` or `console.oidc_issuer` too",
            ));
        }
        if self.console_require_passkey {
            problems.extend(self.passkey_contradictions());
        }
        problems
    }

    /// Settings that conflict with `console.require_passkey`.
    fn passkey_contradictions(&self) -> Vec<SettingError> {
        const KEY: &str = "console.require_passkey";
        let mut problems = Vec::new();
        if self.console_require_sso {
            problems.push(SettingError::new(KEY, "contradicts `console.require_sso`: keep one of them"));
        }
        if self.console_saml_connection.is_some() || self.console_oidc_issuer.is_some() {
            problems.push(SettingError::new(
                KEY,
                "leaves no single sign-on: take `console.saml_connection` and `console.oidc_issuer` away, or set this off",
            ));
        }
        if self.public_url.as_ref().is_some_and(|url| !values::may_have_passkeys(url)) {
            problems.push(SettingError::new(
                KEY,
                "would lock everybody out: passkeys need https and a host name in `public_url`, or localhost",
            ));
        }
        problems
    }
}

impl Default for Config {
    /// The configuration without any setting.
    fn default() -> Self {
        let mut config = Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: None,
            database_url: DatabaseUrl::Sqlite(PathBuf::new()),
            database_pool_size: 1,
            database_migrate: Migrate::Auto,
            master_key: None,
            master_key_file: None,
            trusted_proxies: Vec::new(),
            connections_per_client: 0,
            request_memory_mib: 0,
            rate_limits: true,
            metrics_listen: None,
            metrics_token: None,
            log_format: LogFormat::Pretty,
            log_level: String::new(),
            saml_cross_check: CrossCheck::Enforce,
            saml_clock_skew: Duration::ZERO,
            login_lifetime: Duration::ZERO,
            login_access_code_lifetime: Duration::ZERO,
            retention_assertions: Duration::ZERO,
            retention_logins: Duration::ZERO,
            retention_unfinished_logins: Duration::ZERO,
            retention_events: Duration::ZERO,
            retention_webhook_deliveries: Duration::ZERO,
            retention_scim_requests: Duration::ZERO,
            scim_requests_per_second: 1,
            scim_kilobytes_per_second: 1,
            scim_log_megabytes_per_hour: 1,
            scim_directory_users: 1,
            scim_directory_groups: 1,
            scim_directory_megabytes: 1,
            scim_directory_megabytes_per_day: 1,
            scim_environment_users: 1,
            scim_environment_groups: 1,
            scim_environment_megabytes: 1,
            scim_environment_megabytes_per_day: 1,
            console_session_idle: Duration::ZERO,
            console_session_lifetime: Duration::ZERO,
            console_saml_connection: None,
            console_oidc_issuer: None,
            console_oidc_client_id: None,
            console_oidc_client_secret: None,
            console_require_sso: false,
            console_require_passkey: false,
            outgoing_allow_private_targets: false,
            dns_servers: Vec::new(),
            test_idp: false,
            workers: 0,
            shutdown_timeout: Duration::ZERO,
        };
        for setting in SETTINGS.iter().filter(|setting| !setting.default.is_empty()) {
            (setting.apply)(&mut config, setting.default).expect("defaults pass their own checks (tested)");
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_passes_its_own_check() {
        let config = Config::default();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.login_lifetime, Duration::from_secs(600));
        assert_eq!(config.retention_assertions, Duration::from_secs(30 * 86_400));
        assert!(config.warnings().is_empty(), "{:?}", config.warnings());
    }

    #[test]
    fn every_setting_is_documented_and_named_once() {
        for (at, setting) in SETTINGS.iter().enumerate() {
            assert!(setting.description.ends_with(['.', ')']), "{}: {}", setting.key, setting.description);
            assert!(!setting.syntax.is_empty(), "{}", setting.key);
            assert!(SETTINGS[..at].iter().all(|other| other.variable() != setting.variable()));
        }
        assert_eq!(Setting::find("saml.cross_check").unwrap().variable(), "OSTIARY_SAML_CROSS_CHECK");
    }

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

    #[test]
    fn passkeys_only_goes_with_nothing_else_and_where_there_are_passkeys() {
        let at = |url: &str| Config {
            public_url: Some(Url::parse(url).unwrap()),
            console_require_passkey: true,
            ..Config::default()
        };
        let refused = |config: &Config| config.contradictions().len();
        for (url, count) in [
            ("https://sso.example.com", 0),
            ("http://localhost:8080", 0),
            ("http://127.0.0.1:8080", 1),
            ("https://192.0.2.1", 1),
            ("http://sso.example.com", 1),
        ] {
            assert_eq!(refused(&at(url)), count, "{url}");
        }
        assert_eq!(refused(&Config { public_url: None, ..at("https://sso.example.com") }), 0);
        let good = at("https://sso.example.com");
        assert_eq!(refused(&Config { console_saml_connection: Some("x".into()), ..good.clone() }), 1);
        let both = Config { console_require_sso: true, console_saml_connection: Some("x".into()), ..good };
        assert_eq!(refused(&both), 2);
    }

    #[test]
    fn a_proxy_in_front_must_be_named() {
        let https =
            Config { public_url: Some(Url::parse("https://sso.example.com").unwrap()), ..Config::default() };
        let warnings = https.warnings();
        assert!(warnings.len() == 1 && warnings[0].contains("OSTIARY_TRUSTED_PROXIES"), "{warnings:?}");
        let named = Config { trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()], ..https };
        assert!(named.warnings().is_empty());
    }

    #[test]
    fn plain_http_in_public_gets_a_warning() {
        for (url, warned) in [
            ("http://sso.example.com", true),
            ("https://sso.example.com", false),
            ("http://localhost:9000", false),
            ("http://127.0.0.1:9000", false),
            ("http://[::1]:9000", false),
        ] {
            let config = Config { public_url: Some(Url::parse(url).unwrap()), ..Config::default() };
            let is_warned = config.warnings().iter().any(|warning| warning.contains("over plain http"));
            assert_eq!(is_warned, warned, "{url}");
        }
    }
}
