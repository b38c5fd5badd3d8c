//! The list of settings: name, default, description and validation of each.

use super::{
    fields::Config,
    values::{self, Redacted},
};

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
    pub(super) apply: fn(&mut Config, &str) -> Result<(), String>,
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
        key: "default_environment",
        default: "",
        syntax: "SLUG or ID",
        description: "The environment for which addresses speak that name none (`/oauth2/token`). It is looked up with each \
                  request: until there is one with that name, they answer 404. Default: the environment, if there is \
                  only one.",
        secret: false,
        apply: |config, text| {
            values::environment_reference(text).map(|value| config.default_environment = Some(value))
        },
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
        key: "database.sqlite_synchronous",
        default: "full",
        syntax: "full | normal",
        description: "When a commit on SQLite returns: with `full` when the disk has it, so that a power failure takes \
                  back nothing that was answered. With `normal` writes are faster, and a power failure may take \
                  back the latest ones, so that a code may be used twice; the file stays whole. PostgreSQL has \
                  `synchronous_commit` for this.",
        secret: false,
        apply: |config, text| text.parse().map(|value| config.database_sqlite_synchronous = value),
    },
    Setting {
        key: "master_key",
        default: "",
        syntax: "32 bytes in base64 or hexadecimal, or several such keys separated by commas",
        description: "The key that seals signing keys and stored assertions. Make one with `openssl rand -base64 \
                  32`. If it is lost, the sealed data is lost. Of several keys the first one seals, and every one \
                  opens: docs/master-key.md tells how a key is replaced.",
        secret: true,
        apply: |config, text| values::keys(text).map(|value| config.master_key = Some(Redacted(value))),
    },
    Setting {
        key: "master_key_file",
        default: "",
        syntax: "FILE",
        description: "A file with the master key, instead of `master_key`; of several keys, one a line. For SQLite the default is the \
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
        description: "How long logins and their timelines are kept, and the NameIDs of people who have not signed in since.",
        secret: false,
        apply: |config, text| {
            values::duration(text, "1d", "3650d").map(|value| config.retention_logins = value)
        },
    },
    Setting {
        key: "retention.personal_data",
        default: "90d",
        syntax: "a duration from 1d to 3650d",
        description: "How long a login tells whom it was of: address, attributes (sealed), documents and checks. \
                  What stays is when it was, through which connection, and how it ended. Letters are listed as long.",
        secret: false,
        apply: |config, text| {
            values::duration(text, "1d", "3650d").map(|value| config.retention_personal_data = value)
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
                  Whoever changes this connection, or its organization's domains and directories, can sign in as any administrator \
                  of them: while it is named here, only the operator and owners of every environment can, and no \
                  setup link of the organization gives access to them. A connection to the test identity provider \
                  is refused.",
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
        key: "domains.lost_record_grace",
        default: "14d",
        syntax: "a duration from 1d to 3650d",
        description: "How long a domain counts as proved by DNS after its TXT record is lost: when three looks in a row, \
                  a day apart, have not found it. No answer, or a failure of the name servers, is no look.",
        secret: false,
        apply: |config, text| {
            values::duration(text, "1d", "3650d").map(|value| config.domains_lost_record_grace = value)
        },
    },
    Setting {
        key: "mail.smtp_url",
        default: "",
        syntax: "smtps://[USER@]HOST[:PORT] | smtp://[USER@]HOST[:PORT] | smtp+plain://HOST[:PORT]",
        description: "The mail server that takes the gateway's letters: codes to activate an account, to set a new password, to \
                  confirm an address. `smtps` speaks TLS from the beginning (port 465), `smtp` by STARTTLS, which \
                  the server must offer (port 587), `smtp+plain` not at all (port 25): only for a relay on this \
                  machine or in its own network. Without it nobody gets mail, and every call works as it does with \
                  it. docs/mail.md tells more.",
        secret: false,
        apply: |config, text| text.parse().map(|value| config.mail_smtp_url = Some(value)),
    },
    Setting {
        key: "mail.from",
        default: "",
        syntax: "ADDRESS, or a name and then the address in angle brackets",
        description: "From whom letters are. Without a name, the name of the application stands there, as the branding of \
                  each environment has it.",
        secret: false,
        apply: |config, text| text.parse().map(|value| config.mail_from = Some(value)),
    },
    Setting {
        key: "mail.smtp_password_file",
        default: "",
        syntax: "FILE",
        description: "A file with the password for the user in `mail.smtp_url`. It is read at each connection, so it can be \
                  replaced while the gateway runs.",
        secret: false,
        apply: |config, text| values::path(text).map(|value| config.mail_smtp_password_file = Some(value)),
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
        key: "shutdown_grace",
        default: "5s",
        syntax: "a duration from 0s to 5m",
        description: "How long SIGTERM lets the gateway serve new requests while `/readyz` says 503 already, so that \
                  load balancers send them elsewhere before it stops: longer than their checks take to notice. \
                  SIGINT stops without it, and a second signal at once.",
        secret: false,
        apply: |config, text| values::duration(text, "0s", "5m").map(|value| config.shutdown_grace = value),
    },
    Setting {
        key: "shutdown_timeout",
        default: "10s",
        syntax: "a duration from 0s to 5m",
        description: "How long a stop waits for the requests in flight, after `shutdown_grace`.",
        secret: false,
        apply: |config, text| values::duration(text, "0s", "5m").map(|value| config.shutdown_timeout = value),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_documented_and_named_once() {
        for (at, setting) in SETTINGS.iter().enumerate() {
            assert!(setting.description.ends_with(['.', ')']), "{}: {}", setting.key, setting.description);
            assert!(!setting.syntax.is_empty(), "{}", setting.key);
            assert!(SETTINGS[..at].iter().all(|other| other.variable() != setting.variable()));
        }
        assert_eq!(Setting::find("saml.cross_check").unwrap().variable(), "OSTIARY_SAML_CROSS_CHECK");
    }
}
