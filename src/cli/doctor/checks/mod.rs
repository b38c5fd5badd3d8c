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

use std::{cell::OnceCell, pin::Pin};

use model::master_key::MasterKey;

use super::findings::Findings;
use crate::{
    config::Config,
    store::{self, Db},
};

/// What the checks look at. Those that open something leave it here for the ones after them.
struct Examined<'a> {
    config: &'a Config,
    offline: bool,
    db: OnceCell<Db>,
    key: OnceCell<MasterKey>,
}

impl Examined<'_> {
    /// The database, once it was opened.
    fn db(&self) -> store::Result<&Db> {
        self.db.get().ok_or(store::Error::Busy)
    }
}

/// What must have been opened before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Database,
    MasterKey,
}

type Running<'a> = Pin<Box<dyn Future<Output = store::Result<()>> + 'a>>;

/// A check.
struct Check {
    /// What it looks at, where it fails itself.
    subject: &'static str,
    needs: Needs,
    run: for<'a> fn(&'a Examined<'a>, &'a mut Findings) -> Running<'a>,
}

/// A row of [`CHECKS`].
macro_rules! check {
    ($subject:literal, $needs:ident, |$on:ident, $findings:ident| $body:expr) => {
        Check {
            subject: $subject,
            needs: Needs::$needs,
            run: |$on, $findings| Box::pin(async move { $body }),
        }
    };
}

/// Every check, in the order of their dependencies. `every_check_has_a_test` has a case for each.
const CHECKS: &[Check] = &[
    check!("version", Nothing, |_on, findings| {
        findings.ok("version", env!("CARGO_PKG_VERSION"));
        Ok(())
    }),
    check!("settings", Nothing, |on, findings| {
        settings::settings(on.config, findings);
        Ok(())
    }),
    check!("open files", Nothing, |on, findings| {
        settings::check_open_files(on.config, findings);
        Ok(())
    }),
    check!("file system", Nothing, |on, findings| {
        sqlite_space::check_file_system(on.config, findings);
        Ok(())
    }),
    check!("database", Nothing, |on, findings| {
        if let Some(db) = database::database(on.config, findings).await {
            on.db.get_or_init(|| db);
        }
        Ok(())
    }),
    check!("database files", Database, |on, findings| {
        sqlite_space::check_files(on.config, on.db()?, findings).await;
        Ok(())
    }),
    check!("master key", Database, |on, findings| {
        if let Some(key) = keys::check_master_key(on.config, on.db()?, findings).await {
            on.key.get_or_init(|| key);
        }
        Ok(())
    }),
    check!("other master keys", MasterKey, |on, findings| {
        if let Some(key) = on.key.get() {
            keys::other_master_keys(on.db()?, key, findings).await;
        }
        Ok(())
    }),
    check!("signing keys", MasterKey, |on, findings| {
        if let Some(key) = on.key.get() {
            keys::signing_keys(on.db()?, key, findings).await;
        }
        Ok(())
    }),
    check!("clock", Database, |on, findings| {
        clock::clock(on.db()?, findings).await;
        Ok(())
    }),
    check!("connections", Database, |on, findings| {
        connections::connections(on.config, on.db()?, on.offline, findings).await;
        Ok(())
    }),
    check!("directories", Database, |on, findings| {
        directories::directories(on.config, on.db()?, findings).await;
        Ok(())
    }),
    check!("background jobs", Database, |on, findings| {
        jobs::jobs(on.db()?, findings).await;
        Ok(())
    }),
    check!("administrators", Database, |on, findings| {
        match on.config.console_require_passkey {
            true => administrators::administrators(on.db()?, findings).await,
            false => Ok(()),
        }
    }),
    check!("addresses", Database, |on, findings| addresses::addresses(on.db()?, findings).await),
    check!("default environment", Database, |on, findings| {
        default_environment::default_environment(on.config, on.db()?, findings).await
    }),
    check!("slugs", Database, |on, findings| slugs::slugs(on.db()?, findings).await),
    check!("identity pools", Database, |on, findings| identity_pools::identity_pools(on.db()?, findings)
        .await),
    check!("webhooks", Database, |on, findings| webhooks::webhooks(on.db()?, findings).await),
    check!("backup", Database, |on, findings| backups::backups(on.db()?, findings).await),
    check!("domains", Database, |on, findings| domains::domains(on.config, on.db()?, findings).await),
    check!("letters", Database, |on, findings| mail::letters(on.db()?, findings).await),
    // The answers of identity providers tell the time too.
    check!("other clocks", Database, |_on, findings| {
        clock::report_uncompared(findings);
        Ok(())
    }),
    check!("mail", Nothing, |on, findings| {
        mail::mail(on.config, on.offline, findings).await;
        Ok(())
    }),
    check!("public URL", Nothing, |on, findings| {
        if !on.offline {
            network::public_url(on.config, findings).await;
        }
        Ok(())
    }),
];

/// Runs every check whose needs are met.
pub(super) async fn run_checks(config: &Config, offline: bool, findings: &mut Findings) {
    let examined = Examined { config, offline, db: OnceCell::new(), key: OnceCell::new() };
    for check in CHECKS {
        let met = match check.needs {
            Needs::Nothing => true,
            Needs::Database => examined.db.get().is_some(),
            Needs::MasterKey => examined.key.get().is_some(),
        };
        if !met {
            continue;
        }
        let outcome = (check.run)(&examined, findings).await;
        if let Err(error) = outcome {
            findings.bad(check.subject, error.to_string(), "see what the database's own log says");
        }
    }
    if let Some(db) = examined.db.get() {
        db.close().await;
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

    /// What each check says of an installation in which much is wrong: the level, and words of it.
    const CASES: &[(&str, Level, &str)] = &[
        ("version", Level::Ok, env!("CARGO_PKG_VERSION")),
        ("settings", Level::Attention, "trusted_proxies is empty"),
        ("open files", Level::Ok, "the limit here is"),
        ("file system", Level::Ok, "MB are free in"),
        ("database", Level::Attention, "other users of this machine can read"),
        ("database files", Level::Ok, "its write-ahead log"),
        ("master key", Level::Attention, "can read"),
        (
            "other master keys",
            Level::Bad,
            "1 values are sealed under the key 00000000, which is not configured",
        ),
        ("signing keys", Level::Bad, "key_1 cannot be decrypted"),
        ("clock", Level::Ok, ""),
        ("connections", Level::Bad, "there is no connection saml_conn_x"),
        ("directories", Level::Attention, "has nearly or wholly used up its"),
        ("background jobs", Level::Attention, "webhooks: failed 7 times in a row"),
        ("administrators", Level::Ok, "none yet"),
        ("addresses", Level::Attention, "http://app.example/callback is plain http"),
        ("default environment", Level::Attention, "there is no such environment"),
        ("slugs", Level::Attention, "begins with /scim2"),
        ("identity pools", Level::Attention, "nobody signs in with it"),
        ("webhooks", Level::Attention, "failed 9 times in a row"),
        ("backup", Level::Attention, "none is known of"),
        ("domains", Level::Attention, "the DNS record that proved acme.example"),
        ("letters", Level::Attention, "1 of 1 letters of the last day were not sent: 1 tls"),
        ("other clocks", Level::Attention, "compared with no other clock"),
        ("mail", Level::Attention, ""),
        ("public URL", Level::Attention, "cannot be reached from here"),
    ];

    /// Statements with which much becomes wrong; `NOW` is the present time.
    const WRONG: &[&str] = &[
        "UPDATE environments SET redirect_url = 'http://app.example/callback'",
        "INSERT INTO settings (name, value) VALUES ('demo', '00000000.AAAA')",
        "INSERT INTO signing_keys (id, purpose, algorithm, generation, private_key, created_at, active_from) \
         VALUES ('key_1', 'id_token', 'RS256', 1, 'x', 0, 0)",
        "INSERT INTO background_jobs (name, period_ms, last_started_at, last_failed_at, failures, last_error) \
         VALUES ('webhooks', 500, NOW, NOW, 7, 'broken')",
        "INSERT INTO organizations (id, environment_id, display_name, created_at, updated_at, handle, name_key, public_id) \
         SELECT 'org_0000000000000000000000001', id, 'Acme', 0, 0, 'acme', 'acme', 'acme' FROM environments",
        "INSERT INTO organization_domains (organization_id, environment_id, domain, state, created_at, record_lost_at) \
         SELECT id, environment_id, 'acme.example', 'verified', 0, NOW FROM organizations WHERE handle = 'acme'",
        "INSERT INTO scim_directories (id, environment_id, organization_id, is_primary, scim_base_url, \
         allow_foreign_secondary_emails, refuse_inactive_logins, require_provisioned_logins, created_at, updated_at) \
         SELECT 'scim_directory_0000000000000000000000001', environment_id, id, TRUE, 'https://x.example', FALSE, TRUE, FALSE, 0, 0 \
         FROM organizations WHERE handle = 'acme'",
        "INSERT INTO scim_usage (directory_id, environment_id, stored_bytes, day, day_bytes) \
         SELECT id, environment_id, 9000000000000, 0, 0 FROM scim_directories",
        "INSERT INTO webhooks (id, environment_id, url, secret, event_types, resting_until, failures, next_sequence, created_at, \
         updated_at) SELECT 'webhook_0000000000000000000000001', id, 'https://hooks.example', 'x', '[]', 0, 9, 1, 0, 0 \
         FROM environments",
        "INSERT INTO letters (id, environment_id, organization_id, kind, state, attempts, expires_at, last_error, created_at, \
         updated_at) SELECT 'letter_0000000000000000000000001', environment_id, id, 'already_registered', 'failed', 1, NOW, 'tls', \
         NOW, NOW FROM organizations WHERE handle = 'acme'",
    ];

    #[tokio::test]
    async fn every_check_has_a_test() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.db");
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = Config {
            database_url: format!("sqlite://{}", file.display()).parse().unwrap(),
            public_url: Some(format!("https://{free}").parse().unwrap()),
            console_require_passkey: true,
            console_saml_connection: Some("saml_conn_x".to_owned()),
            default_environment: Some("nowhere".to_owned()),
            ..Config::default()
        };
        let db = server::open_database(&config).await.unwrap();
        db.migrate().await.unwrap();
        master_key::open(&config, &db, Some(&SystemRandom)).await.unwrap();
        for open in [file.clone(), directory.path().join("x.db.key")] {
            std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        let reserved = environment("scim2");
        let mut pool = IdentityPool::new(
            Id::new(reserved.created_at, &SystemRandom),
            reserved.id,
            root_id(reserved.id),
            reserved.created_at,
        );
        pool.first_factors = Mechanisms { allowed: vec![AuthenticationMechanism::EmailOtp], preferred: None };
        let mut tx = db.write().await.unwrap();
        store::table::insert(&mut tx, &reserved).await.unwrap();
        store::table::insert(&mut tx, &pool).await.unwrap();
        for statement in WRONG {
            let statement = statement.replace("NOW", &SystemClock.now().millis().to_string()).leak();
            tx.sql(statement).execute().await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        tx.commit().await.unwrap();
        let examined =
            Examined { config: &config, offline: false, db: OnceCell::new(), key: OnceCell::new() };
        assert_eq!(
            CHECKS.iter().map(|check| check.subject).collect::<Vec<_>>(),
            CASES.iter().map(|case| case.0).collect::<Vec<_>>()
        );
        for (check, (subject, level, words)) in CHECKS.iter().zip(CASES) {
            let mut findings = Findings::default();
            (check.run)(&examined, &mut findings).await.unwrap();
            let said: Vec<String> =
                findings.0.iter().map(|finding| format!("{}: {}", finding.subject, finding.seen)).collect();
            let fits = |finding: &super::super::findings::Finding| {
                finding.seen.contains(words) && (finding.level == *level || *subject == "open files")
            };
            let silent = *subject == "clock" && said.is_empty();
            assert!(silent || findings.0.iter().any(fits), "{subject}: {words:?} is not in {said:#?}");
        }
    }
}
