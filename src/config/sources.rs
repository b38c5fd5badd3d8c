//! The sources of settings: defaults, then the TOML file, the environment, the command line; later ones
//! override earlier ones. Every invalid setting is reported by name and source.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use super::{
    error::{ConfigError, SettingError},
    fields::Config,
    settings::{SETTINGS, Setting},
    values::{CrossCheck, DatabaseUrl, LogFormat, Migrate, SqliteSynchronous},
    variables,
};

/// The sources of a process's configuration.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The TOML file, if one is given.
    pub file: Option<PathBuf>,
    /// Environment variables.
    pub environment: Vec<(String, String)>,
    /// Settings from the command line: the flag as it was written, the key, the value.
    pub flags: Vec<(String, &'static str, String)>,
}

/// A value and the source that sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingValue {
    /// `--listen`, `OSTIARY_LISTEN`, `` `listen` in ostiary.toml``.
    pub name: String,
    /// As it was written.
    pub value: String,
}

impl Sources {
    /// The effective value of every setting that is set, and errors for unknown settings.
    pub fn values(&self) -> (BTreeMap<&'static str, SettingValue>, Vec<SettingError>) {
        let mut given = BTreeMap::new();
        let mut problems = Vec::new();
        if let Some(file) = &self.file {
            read_file(file, &mut given, &mut problems);
        }
        for (name, value) in &self.environment {
            match SETTINGS.iter().find(|setting| setting.variable() == *name) {
                // An empty variable counts as not set.
                Some(_) if value.is_empty() => {}
                Some(setting) => {
                    given.insert(setting.key, SettingValue { name: name.clone(), value: value.clone() });
                }
                None if variables::secret_in_file(name).is_some() => {}
                None => problems.extend(variables::misspelt(name)),
            }
        }
        for (name, file) in self.environment.iter().filter(|(_, file)| !file.is_empty()) {
            let Some(setting) = variables::secret_in_file(name) else { continue };
            if given.get(setting.key).is_some_and(|known| known.name == setting.variable()) {
                let reason = format!("is set, and so is {}: keep one of them", setting.variable());
                problems.push(SettingError::new(name, reason));
                continue;
            }
            match variables::read_secret(name, file) {
                Ok(value) => drop(given.insert(setting.key, SettingValue { name: name.clone(), value })),
                Err(problem) => problems.push(problem),
            }
        }
        for (flag, key, value) in &self.flags {
            given.insert(*key, SettingValue { name: flag.clone(), value: value.clone() });
        }
        (given, problems)
    }

    /// Environment variables that look like settings and are none.
    fn ignored_variables(&self) -> Vec<String> {
        let names = self.environment.iter().map(|(name, _)| name);
        names.filter(|name| variables::is_ignored(name)).cloned().collect()
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
            database_sqlite_synchronous: SqliteSynchronous::Full,
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
            retention_personal_data: Duration::ZERO,
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
            default_environment: None,
            domains_lost_record_grace: Duration::ZERO,
            mail_smtp_url: None,
            mail_from: None,
            mail_smtp_password_file: None,
            mail_to_mailbox: false,
            test_idp: false,
            workers: 0,
            shutdown_grace: Duration::ZERO,
            shutdown_timeout: Duration::ZERO,
            ignored_variables: Vec::new(),
        };
        for setting in SETTINGS.iter().filter(|setting| !setting.default.is_empty()) {
            (setting.apply)(&mut config, setting.default).expect("defaults pass their own checks (tested)");
        }
        config
    }
}

impl Config {
    /// Merges the sources and validates everything.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let (mut given, mut problems) = sources.values();
        let mut config = Self { ignored_variables: sources.ignored_variables(), ..Self::default() };
        for setting in SETTINGS {
            let Some(SettingValue { name, value }) = given.remove(setting.key) else { continue };
            if let Err(reason) = (setting.apply)(&mut config, &value) {
                let shown = if setting.secret { String::new() } else { format!("{value:?} ") };
                problems.push(SettingError::new(name, format!("{shown}{reason}")));
            }
        }
        if problems.is_empty() {
            problems = config.contradictions();
        }
        if problems.is_empty() { Ok(config) } else { Err(ConfigError { problems }) }
    }
}

fn read_file(
    file: &std::path::Path,
    given: &mut BTreeMap<&'static str, SettingValue>,
    problems: &mut Vec<SettingError>,
) {
    let shown = file.display().to_string();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            return problems
                .push(SettingError::new(shown, format!("the configuration file cannot be read: {error}")));
        }
    };
    let table = match text.parse::<toml::Table>() {
        Ok(table) => table,
        Err(error) => {
            return problems
                .push(SettingError::new(shown, format!("the configuration file is not TOML: {error}")));
        }
    };
    let mut flat = Vec::new();
    flatten("", table, &mut flat);
    for (key, value) in flat {
        let name = format!("`{key}` in {shown}");
        match (Setting::find(&key), as_text(&value)) {
            (Some(setting), Some(value)) => {
                given.insert(setting.key, SettingValue { name, value });
            }
            (Some(setting), None) => {
                problems.push(SettingError::new(name, format!("must be {}", setting.syntax)));
            }
            (None, _) => {
                let nearest = SETTINGS
                    .iter()
                    .min_by_key(|setting| variables::distance(setting.key, &key))
                    .map_or("", |setting| setting.key);
                problems.push(SettingError::new(
                    name,
                    format!("there is no such setting; did you mean `{nearest}`? `ostiary config` lists all"),
                ));
            }
        }
    }
}

fn flatten(prefix: &str, table: toml::Table, into: &mut Vec<(String, toml::Value)>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            toml::Value::Table(inner) if Setting::find(&key).is_none() => flatten(&key, inner, into),
            value => into.push((key, value)),
        }
    }
}

/// A TOML value in the form of an environment variable.
fn as_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(on) => Some(on.to_string()),
        toml::Value::Array(items) => {
            items.iter().map(as_text).collect::<Option<Vec<_>>>().map(|items| items.join(","))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn every_default_passes_its_own_check() {
        let config = Config::default();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.login_lifetime, Duration::from_secs(600));
        assert_eq!(config.retention_assertions, Duration::from_secs(30 * 86_400));
        assert!(config.warnings().is_empty(), "{:?}", config.warnings());
    }

    #[test]
    fn the_later_source_wins() {
        let file = file(
            "listen = \"127.0.0.1:1\"\nworkers = 3\nrate_limits = false\n\
             trusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n[saml]\nclock_skew = \"30s\"\ncross_check = \"off\"\n",
        );
        let mut sources = Sources { file: Some(file.path().to_owned()), ..Sources::default() };
        let config = Config::load(&sources).unwrap();
        assert_eq!((config.listen.port(), config.workers, config.trusted_proxies.len()), (1, 3, 2));
        assert!(!config.rate_limits);
        assert_eq!(config.saml_clock_skew.as_secs(), 30);

        sources.environment = variables(&[("OSTIARY_LISTEN", "127.0.0.1:2"), ("OSTIARY_WORKERS", "")]);
        let config = Config::load(&sources).unwrap();
        assert_eq!(config.listen.port(), 2);

        sources.flags = vec![("--listen".to_owned(), "listen", "127.0.0.1:3".to_owned())];
        assert_eq!(Config::load(&sources).unwrap().listen.port(), 3);
    }

    #[test]
    fn every_wrong_setting_is_named() {
        let file = file("lisen = 1\nworkers = { a = 1 }\n[saml]\nclock_skew = \"1h\"\n");
        let error = Config::load(&Sources {
            file: Some(file.path().to_owned()),
            environment: variables(&[
                ("OSTIARY_PUBLIC_URL", "sso.example.com"),
                ("OSTIARY_MASTER_KEY", "hunter2"),
                ("OSTIARY_TRUSTED_PROXYS", "10.0.0.0/8"),
                ("OSTIARY_BIN", "somebody's script"),
                ("OSTIARY_SERVICE_HOST", "10.0.0.1"),
            ]),
            flags: vec![("--listen".to_owned(), "listen", "8080".to_owned())],
        })
        .unwrap_err()
        .to_string();
        for part in [
            "`lisen` in",
            "did you mean `listen`",
            "`saml.clock_skew` in",
            "\"1h\" must be from 0s to 180s",
            "OSTIARY_PUBLIC_URL: \"sso.example.com\" is not a URL",
            "OSTIARY_MASTER_KEY: must be 32 bytes",
            "OSTIARY_TRUSTED_PROXYS: there is no such setting; did you mean OSTIARY_TRUSTED_PROXIES?",
            "--listen: \"8080\" must be an address and a port",
        ] {
            assert!(error.contains(part), "{part:?} is not in\n{error}");
        }
        assert!(!error.contains("hunter2") && !error.contains("OSTIARY_BIN"), "{error}");
    }

    #[test]
    fn contradictions_are_named() {
        let error = Config::load(&Sources {
            environment: variables(&[
                ("OSTIARY_MASTER_KEY", &"ab".repeat(32)),
                ("OSTIARY_MASTER_KEY_FILE", "x"),
                ("OSTIARY_METRICS_LISTEN", "127.0.0.1:8080"),
            ]),
            ..Sources::default()
        })
        .unwrap_err();
        let names: Vec<_> = error.problems.iter().map(|problem| problem.name.as_str()).collect();
        assert_eq!(names, ["master_key", "metrics.listen"]);
    }

    #[test]
    fn a_secret_may_stand_in_a_file_and_what_has_no_effect_is_named() {
        let secret = file("postgres://somebody:hunter2@db/ostiary\n");
        let name = secret.path().to_str().unwrap();
        let mut sources = Sources {
            environment: variables(&[
                ("OSTIARY_DATABASE_URL_FILE", name),
                ("OSTIARY_DB_URL", "x"),
                ("OSTIARY_SERVE_PORT", "9"),
                ("OSTIARY_SERVICE_HOST", "10.0.0.1"),
            ]),
            ..Sources::default()
        };
        let config = Config::load(&sources).unwrap();
        assert_eq!(config.database_url.as_driver_url(), "postgres://somebody:hunter2@db/ostiary");
        let warnings = config.warnings();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].starts_with("OSTIARY_DB_URL ") && warnings[1].starts_with("OSTIARY_SERVE_PORT "));

        sources.environment = variables(&[
            ("OSTIARY_DATABASE_URL_FILE", name),
            ("OSTIARY_DATABASE_URL", "sqlite://x.db"),
            ("OSTIARY_METRICS_TOKEN_FILE", "/nowhere/token"),
        ]);
        let error = Config::load(&sources).unwrap_err().to_string();
        for part in [
            "OSTIARY_DATABASE_URL_FILE: is set, and so is OSTIARY_DATABASE_URL",
            "OSTIARY_METRICS_TOKEN_FILE: the file /nowhere/token cannot be read",
        ] {
            assert!(error.contains(part), "{part:?} is not in\n{error}");
        }
        assert!(!error.contains("hunter2"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error =
            Config::load(&Sources { file: Some("/nowhere/ostiary.toml".into()), ..Sources::default() })
                .unwrap_err()
                .to_string();
        assert!(error.contains("/nowhere/ostiary.toml") && error.contains("cannot be read"), "{error}");
    }
}
