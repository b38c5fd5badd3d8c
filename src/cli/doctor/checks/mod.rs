//! The doctor's checks, one file per subject.

mod addresses;
mod administrators;
mod backups;
mod clock;
mod connections;
mod database;
mod default_environment;
mod directories;
mod domains;
mod identity_pools;
mod jobs;
mod keys;
mod mail;
mod network;
mod paging;
mod settings;
mod slugs;
mod sqlite_space;
mod webhooks;

use super::findings::Findings;
use crate::config::Config;

/// Runs every check, in the order of their dependencies.
pub(super) async fn run_checks(config: &Config, offline: bool, findings: &mut Findings) {
    findings.ok("version", env!("CARGO_PKG_VERSION"));
    settings::settings(config, findings);
    settings::check_open_files(config, findings);
    sqlite_space::check_file_system(config, findings);
    if let Some(db) = database::database(config, findings).await {
        sqlite_space::check_files(config, &db, findings).await;
        let key = keys::check_master_key(config, &db, findings).await;
        if let Some(key) = key {
            keys::other_master_keys(&db, &key, findings).await;
            keys::signing_keys(&db, &key, findings).await;
        }
        clock::clock(&db, findings).await;
        connections::connections(config, &db, offline, findings).await;
        directories::directories(config, &db, findings).await;
        jobs::jobs(&db, findings).await;
        if config.console_require_passkey
            && let Err(error) = administrators::administrators(&db, findings).await
        {
            findings.bad("administrators", error.to_string(), "see what the database's own log says");
        }
        if let Err(error) = addresses::addresses(&db, findings).await {
            findings.bad("addresses", error.to_string(), "see what the database's own log says");
        }
        if let Err(error) = default_environment::default_environment(config, &db, findings).await {
            findings.bad("default environment", error.to_string(), "see what the database's own log says");
        }
        if let Err(error) = slugs::slugs(&db, findings).await {
            findings.bad("slugs", error.to_string(), "see what the database's own log says");
        }
        if let Err(error) = identity_pools::identity_pools(&db, findings).await {
            findings.bad("identity pools", error.to_string(), "see what the database's own log says");
        }
        if let Err(error) = webhooks::webhooks(&db, findings).await {
            findings.bad("webhooks", error.to_string(), "see what the database's own log says");
        }
        if let Err(error) = backups::backups(&db, findings).await {
            findings.bad("backup", error.to_string(), "see what the database's own log says");
        }
        if let Err(error) = domains::domains(config, &db, findings).await {
            findings.bad("domains", error.to_string(), "see what the database's own log says");
        }
        if let Err(error) = mail::letters(&db, findings).await {
            findings.bad("letters", error.to_string(), "see what the database's own log says");
        }
        clock::report_uncompared(findings);
        db.close().await;
    }
    mail::mail(config, offline, findings).await;
    if !offline {
        network::public_url(config, findings).await;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use clap::Parser as _;

    use super::*;
    use crate::{
        cli::doctor::findings::Level,
        server::{self, master_key},
        store,
    };
    use base::{
        id::Id,
        random::SystemRandom,
        time::{Clock as _, SystemClock},
    };
    use model::{
        administrator::{Administrator, Role, RoleGrant},
        email::Email,
        environment::{Environment, IdpInitiated, OauthSubject, Slug},
        http_url::HttpUrl,
        identity_pool::{AuthenticationMechanism, IdentityPool, Mechanisms},
        organization::root_id,
    };

    /// Every `ostiary …` command quoted in backticks in a text, with `x` for each `{placeholder}`.
    fn commands(text: &str) -> Vec<String> {
        let quoted = text.split('`').filter(|quoted| quoted.starts_with("ostiary "));
        quoted
            .map(|command| {
                let mut parts = command.split(['{', '}']).enumerate();
                // Every second part was in braces.
                parts.by_ref().map(|(index, part)| if index % 2 == 0 { part } else { "x" }).collect()
            })
            .collect()
    }

    #[test]
    fn commands_in_texts_exist() {
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/doctor/checks");
        let mut own = String::new();
        for file in std::fs::read_dir(directory).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let text = text.split("mod tests").next().unwrap();
            // A backslash continues a literal on the next line.
            let mut lines = text.split("\\\n");
            own += lines.next().unwrap_or_default();
            own = lines.fold(own, |text, line| text + line.trim_start());
        }
        let settings = crate::config::SETTINGS.iter().flat_map(|setting| commands(setting.description));
        let mut all: Vec<String> = commands(&own).into_iter().chain(settings).collect();
        all.sort();
        all.dedup();
        assert!(all.len() > 8, "{all:?}");
        for command in all {
            let parsed = crate::cli::Cli::try_parse_from(command.split_whitespace());
            // A placeholder is not a valid id.
            let error = parsed.err().filter(|error| error.kind() != clap::error::ErrorKind::ValueValidation);
            assert!(error.is_none(), "{command}: {error:?}");
        }
    }

    #[tokio::test]
    async fn plain_http_urls_and_missing_passkeys_are_reported() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("x.db").display());
        let config =
            Config { database_url: url.parse().unwrap(), console_require_passkey: true, ..Config::default() };
        let db = server::open_database(&config).await.unwrap();
        db.migrate().await.unwrap();
        let now = SystemClock.now();
        let url = HttpUrl::parse;
        let environment = Environment {
            id: Id::new(now, &SystemRandom),
            version: 1,
            slug: Slug::parse("prod").unwrap(),
            display_name: String::new(),
            redirect_url: url("http://app.example/callback"),
            oauth_redirect_uris: ["http://localhost:3000/cb", "http://app.example/oauth"]
                .map(|text| url(text).unwrap())
                .to_vec(),
            auth_url: url("https://login.example"),
            idp_initiated: IdpInitiated::default(),
            oauth_subject: OauthSubject::default(),
            shared_domain_subjects: false,
            password_sessions: true,
            user_organizations: true,
            default_template_id: None,
            default_parent_id: None,
            created_at: now,
            updated_at: now,
        };
        let administrator = Administrator {
            id: Id::new(now, &SystemRandom),
            version: 1,
            email: Email::parse("dana@vendor.example").unwrap(),
            display_name: String::new(),
            created_at: now,
            updated_at: now,
            disabled_at: None,
        };
        let local = Administrator {
            id: Id::new(now, &SystemRandom),
            email: Email::parse("eve@vendor.example").unwrap(),
            ..administrator.clone()
        };
        let mut findings = Findings::default();
        administrators::administrators(&db, &mut findings).await.unwrap();
        assert!(findings.0[0].seen.contains("none yet; `ostiary admin invite`"), "{findings:?}");
        let mut tx = db.write().await.unwrap();
        store::table::insert(&mut tx, &environment).await.unwrap();
        for (administrator, environment_id) in [(&administrator, None), (&local, Some(environment.id))] {
            store::table::insert(&mut tx, administrator).await.unwrap();
            let grant = RoleGrant { environment_id, role: Role::Owner };
            store::administrators::upsert_grant(&mut tx, administrator.id, grant).await.unwrap();
        }
        tx.commit().await.unwrap();
        let mut findings = Findings::default();
        addresses::addresses(&db, &mut findings).await.unwrap();
        administrators::administrators(&db, &mut findings).await.unwrap();
        let said: Vec<_> = findings.0.iter().filter(|finding| finding.level == Level::Attention).collect();
        assert_eq!(said.len(), 4, "{said:?}");
        for text in [
            "http://app.example/callback",
            "http://app.example/oauth",
            "dana@vendor.example has no passkey",
            "eve@vendor.example has no passkey",
        ] {
            assert!(said.iter().any(|finding| finding.seen.contains(text)), "{text}: {said:?}");
        }
    }

    /// An environment with this slug, as it is stored.
    fn environment(slug: &str) -> Environment {
        let now = SystemClock.now();
        Environment {
            id: Id::new(now, &SystemRandom),
            version: 1,
            slug: Slug::parse_stored(slug).unwrap(),
            display_name: String::new(),
            redirect_url: None,
            oauth_redirect_uris: Vec::new(),
            auth_url: None,
            idp_initiated: IdpInitiated::default(),
            oauth_subject: OauthSubject::default(),
            shared_domain_subjects: false,
            password_sessions: true,
            user_organizations: true,
            default_template_id: None,
            default_parent_id: None,
            created_at: now,
            updated_at: now,
        }
    }

    #[tokio::test]
    async fn slugs_that_became_reserved_and_pools_that_offer_nothing_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("x.db").display());
        let config = Config { database_url: url.parse().unwrap(), ..Config::default() };
        let db = server::open_database(&config).await.unwrap();
        db.migrate().await.unwrap();
        let (fine, reserved) = (environment("prod"), environment("scim2"));
        let pool = |environment: &Environment, allowed: &[AuthenticationMechanism]| {
            let id = Id::new(environment.created_at, &SystemRandom);
            let mut pool =
                IdentityPool::new(id, environment.id, root_id(environment.id), environment.created_at);
            pool.first_factors = Mechanisms { allowed: allowed.to_vec(), preferred: None };
            pool
        };
        let good = [
            pool(&fine, &[]),
            pool(&fine, &[AuthenticationMechanism::EmailOtp, AuthenticationMechanism::Password]),
        ];
        let bad = pool(&fine, &[AuthenticationMechanism::EmailOtp, AuthenticationMechanism::SmsOtp]);
        let mut tx = db.write().await.unwrap();
        for environment in [&fine, &reserved] {
            store::table::insert(&mut tx, environment).await.unwrap();
        }
        for pool in good.iter().chain([&bad]) {
            store::table::insert(&mut tx, pool).await.unwrap();
        }
        tx.commit().await.unwrap();
        let mut findings = Findings::default();
        slugs::slugs(&db, &mut findings).await.unwrap();
        identity_pools::identity_pools(&db, &mut findings).await.unwrap();
        let said: Vec<_> = findings.0.iter().map(|finding| (finding.level, &finding.seen)).collect();
        let [(Level::Attention, slug), (Level::Attention, nothing)] = &said[..] else { panic!("{said:?}") };
        assert!(slug.contains(&reserved.id.to_string()) && slug.contains("/scim2"), "{slug}");
        assert!(nothing.contains(&bad.id.to_string()), "{nothing}");
    }

    #[tokio::test]
    async fn what_was_not_compared_is_not_ok_and_what_others_can_read_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("x.db").display());
        let config = Config { database_url: url.parse().unwrap(), ..Config::default() };
        let db = server::open_database(&config).await.unwrap();
        db.migrate().await.unwrap();
        master_key::open(&config, &db, Some(&SystemRandom)).await.unwrap();
        let said = async |config: &Config| {
            let mut findings = Findings::default();
            run_checks(config, true, &mut findings).await;
            let said = findings.0.into_iter().filter(|finding| finding.level != Level::Ok);
            said.map(|finding| format!("{}: {}", finding.subject, finding.seen))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let before = said(&config).await;
        assert!(before.contains("clock: shows ") && before.contains("compared with no other"), "{before}");
        assert!(!before.contains("x.db.key"), "{before}");
        let (key, readable) = (directory.path().join("x.db.key"), std::fs::Permissions::from_mode(0o644));
        std::fs::set_permissions(&key, readable).unwrap();
        assert!(said(&config).await.contains("can read"), "the key file");
        let missing = format!("sqlite://{}", directory.path().join("none/x.db").display());
        let config = Config { database_url: missing.parse().unwrap(), ..Config::default() };
        assert!(said(&config).await.contains("the folder "), "{}", said(&config).await);
    }

    #[tokio::test]
    async fn the_doctor_creates_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.db");
        let config = Config {
            database_url: format!("sqlite://{}", file.display()).parse().unwrap(),
            ..Config::default()
        };
        let mut findings = Findings::default();
        run_checks(&config, true, &mut findings).await;
        assert!(!file.exists() && !directory.path().join("x.db.key").exists());
        assert_eq!(findings.worst(), Level::Attention);
    }

    #[tokio::test]
    async fn a_missing_key_and_a_wrong_one_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("x.db").display());
        let config = Config { database_url: url.parse().unwrap(), ..Config::default() };
        let bad_findings = async |config: &Config| {
            let mut findings = Findings::default();
            run_checks(config, true, &mut findings).await;
            let bad: Vec<_> = findings.0.into_iter().filter(|finding| finding.level == Level::Bad).collect();
            bad.into_iter().map(|finding| finding.seen).collect::<Vec<_>>().join("\n")
        };
        let db = server::open_database(&config).await.unwrap();
        assert!(bad_findings(&config).await.contains("0001_create_foundation"));
        db.migrate().await.unwrap();
        assert!(bad_findings(&config).await.contains("x.db.key: is not there"));
        master_key::open(&config, &db, Some(&SystemRandom)).await.unwrap();
        assert_eq!(bad_findings(&config).await, "");
        std::fs::write(directory.path().join("x.db.key"), "00".repeat(32)).unwrap();
        assert!(bad_findings(&config).await.contains("is not the one this database was sealed with"));
    }
}
