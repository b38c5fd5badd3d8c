//! The doctor's checks, one function each.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use openssl::x509::X509;
use url::Url;

use super::Findings;
use crate::{
    app::{directories::usage, outgoing},
    cli::installation,
    config::Config,
    links::Links,
    model::{
        http_url::HttpUrl,
        id::EnvironmentId,
        master_key::MasterKey,
        saml_connection::SamlConnection,
        time::{Clock as _, SystemClock, Timestamp},
    },
    server::{self, master_key, open_file_limit},
    store::{self, Db},
    telemetry,
};

/// The largest difference between two clocks that is not reported.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);
/// How many days before its expiry a certificate is reported.
const CERTIFICATE_NOTICE_DAYS: u32 = 30;
/// The time limit of a request to another host.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// The page size of database reads.
const PAGE: i64 = 500;

/// Runs every check, in the order of their dependencies.
pub(super) async fn run_checks(config: &Config, offline: bool, findings: &mut Findings) {
    settings(config, findings);
    check_open_files(config, findings);
    if let Some(db) = database(config, findings).await {
        let key = check_master_key(config, &db, findings).await;
        if let Some(key) = key {
            signing_keys(&db, &key, findings).await;
        }
        clock(&db, findings).await;
        connections(config, &db, offline, findings).await;
        directories(config, &db, findings).await;
        if config.console_require_passkey
            && let Err(error) = administrators(&db, findings).await
        {
            findings.bad("administrators", error.to_string(), "see what the database's own log says");
        }
        if let Err(error) = addresses(&db, findings).await {
            findings.bad("addresses", error.to_string(), "see what the database's own log says");
        }
        db.close().await;
    }
    if !offline {
        public_url(config, findings).await;
    }
}

/// The limit of open files: every connection takes a file descriptor.
fn check_open_files(config: &Config, findings: &mut Findings) {
    let limit = open_file_limit::limit_of_server();
    let all = open_file_limit::max_connections(limit);
    let one = open_file_limit::max_connections_per_client(config.connections_per_client, limit);
    let seen = format!("the limit here is {limit}: {all} connections, {one} of one client address");
    if limit >= open_file_limit::RECOMMENDED_LIMIT {
        findings.ok("open files", seen);
    } else {
        findings.attention(
            "open files",
            seen,
            "raise the hard limit for the server (LimitNOFILE=65536 in systemd, --ulimit nofile=65536 in Docker)",
        );
    }
}

fn settings(config: &Config, findings: &mut Findings) {
    findings.ok("settings", "all valid");
    for warning in config.warnings() {
        findings.attention("settings", warning, "change it, unless this is a trial or intended");
    }
}

/// Opens the database and reports missing migrations; `None` unless all are applied.
async fn database(config: &Config, findings: &mut Findings) -> Option<Db> {
    const SUBJECT: &str = "database";
    let url = config.database_url.to_string();
    if let Some(file) = config.database_url.sqlite_file()
        && !file.exists()
    {
        // Opening the file would create it.
        findings.attention(
            SUBJECT,
            format!("{url} does not exist yet"),
            "the first `ostiary serve` creates it",
        );
        return None;
    }
    let db = match server::open_database(config).await {
        Ok(db) => db,
        Err(error) => {
            findings.bad(
                SUBJECT,
                telemetry::error_chain(&error),
                "correct database.url (OSTIARY_DATABASE_URL) or start the database",
            );
            return None;
        }
    };
    check_file_permissions(config, findings);
    match db.migrations().await {
        Ok(migrations) if migrations.missing.is_empty() => {
            findings.ok(SUBJECT, format!("{url} answers and has every migration"));
            Some(db)
        }
        Ok(migrations) => {
            findings.bad(
                SUBJECT,
                format!("{url} lacks migrations: {}", migrations.missing.join(", ")),
                "run `ostiary migrate`",
            );
            None
        }
        Err(error) => {
            findings.bad(SUBJECT, format!("{url}: {error}"), "see what the database's own log says");
            None
        }
    }
}

/// The permissions of the SQLite file: it holds e-mail addresses in plain text.
fn check_file_permissions(config: &Config, findings: &mut Findings) {
    let Some(file) = config.database_url.sqlite_file() else { return };
    let Ok(metadata) = std::fs::metadata(file) else { return };
    if metadata.permissions().mode() & 0o077 != 0 {
        findings.attention(
            "database",
            format!("other users of this machine can read {}", file.display()),
            format!("chmod 600 {0} {0}-wal {0}-shm", file.display()),
        );
    }
}

async fn check_master_key(config: &Config, db: &Db, findings: &mut Findings) -> Option<MasterKey> {
    const REMEDY: &str = "set OSTIARY_MASTER_KEY or OSTIARY_MASTER_KEY_FILE to the key of this installation";
    let key = match master_key::read(config, None) {
        Ok(key) => key,
        Err(error) => {
            findings.bad("master key", error.to_string(), REMEDY);
            return None;
        }
    };
    match master_key::verify(db, &key, None).await {
        Ok(()) => {
            findings.ok("master key", "fits the database");
            Some(key)
        }
        Err(error) => {
            findings.bad("master key", error.to_string(), REMEDY);
            None
        }
    }
}

/// Reports directories that have nearly used up their quotas.
async fn directories(config: &Config, db: &Db, findings: &mut Findings) {
    const SUBJECT: &str = "directories";
    let quota = server::settings(config).scim_quotas.directory;
    let fullest = match db.read().await {
        Ok(mut conn) => usage::near_quota(&mut conn, SystemClock.now(), &quota).await,
        Err(error) => Err(error.into()),
    };
    match fullest {
        Ok(fullest) if fullest.is_empty() => findings.ok(SUBJECT, "none has nearly used up a quota"),
        Ok(fullest) => {
            for (id, usage) in fullest {
                findings.attention(
                    SUBJECT,
                    format!("{id} has nearly or wholly used up its {}", quota.near(&usage).join(", ")),
                    "raise the scim.directory_… settings, or find out what the identity provider pushes",
                );
            }
        }
        Err(error) => findings.bad(SUBJECT, error.to_string(), "see what the database's own log says"),
    }
}

async fn signing_keys(db: &Db, key: &MasterKey, findings: &mut Findings) {
    let sealed = match db.read().await {
        Ok(mut conn) => store::signing_keys::list_sealed(&mut conn, 10_000).await,
        Err(error) => Err(error),
    };
    match sealed {
        Ok(sealed) => {
            let mut good = 0;
            for (id, private_key) in &sealed {
                match key.open(&store::signing_keys::StoredKey::place(id), private_key) {
                    Ok(_) => good += 1,
                    Err(error) => findings.bad(
                        "signing keys",
                        format!("{id} cannot be decrypted: {error}"),
                        "add the master key it was sealed with to the key file, below the present one; or `ostiary keys rotate`",
                    ),
                }
            }
            if good == sealed.len() {
                let seen = match good {
                    0 => "none yet; they are created when first needed".to_owned(),
                    1 => "1 can be decrypted".to_owned(),
                    many => format!("{many} can be decrypted"),
                };
                findings.ok("signing keys", seen);
            }
        }
        Err(error) => findings.bad("signing keys", error.to_string(), "see what the database's own log says"),
    }
}

/// Assertions are valid for minutes: with a wrong clock, valid ones are refused and expired ones accepted.
async fn clock(db: &Db, findings: &mut Findings) {
    let theirs = match db.read().await {
        Ok(mut conn) => store::clock::database_time(&mut conn, db.dialect()).await,
        Err(error) => Err(error),
    };
    match theirs {
        Ok(Some(theirs)) => compare_clock("the database server", theirs, CLOCK_TOLERANCE, findings),
        Ok(None) => findings.ok("clock", format!("shows {}", SystemClock.now())),
        Err(error) => findings.bad("clock", error.to_string(), "see what the database's own log says"),
    }
}

fn compare_clock(whose: &str, theirs: Timestamp, tolerance: Duration, findings: &mut Findings) {
    let ours = SystemClock.now();
    let apart = ours.since(theirs).max(theirs.since(ours));
    let seen = format!("{:.1} s from that of {whose}", apart.as_secs_f64());
    if apart > tolerance {
        findings.attention(
            "clock",
            seen,
            "synchronise both with NTP; assertions are refused when the clock is wrong",
        );
    } else {
        findings.ok("clock", seen);
    }
}

async fn connections(config: &Config, db: &Db, offline: bool, findings: &mut Findings) {
    let mut seen = 0_usize;
    let mut targets: Vec<Url> = Vec::new();
    let mut from = None;
    loop {
        let page = match db.read().await {
            Ok(mut conn) => store::saml_connections::list_all(&mut conn, from, PAGE).await,
            Err(error) => Err(error),
        };
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                return findings.bad(
                    "connections",
                    error.to_string(),
                    "see what the database's own log says",
                );
            }
        };
        for connection in &page {
            seen += 1;
            check_connection(config, connection, findings);
            let target = connection.idp_redirect_url.as_ref().and_then(|url| Url::parse(url.as_str()).ok());
            if let Some(target) = target.filter(|_| !connection.test)
                && !targets.iter().any(|known| known.origin() == target.origin())
            {
                targets.push(target);
            }
        }
        match page.last() {
            Some(last) if i64::try_from(page.len()).unwrap_or(0) == PAGE => {
                from = Some(crate::model::id::Id::from_bits(last.id.bits().saturating_add(1)));
            }
            _ => break,
        }
    }
    findings.ok("connections", format!("{seen} checked"));
    if !offline {
        check_reachability(&targets, findings).await;
    }
}

fn check_connection(config: &Config, connection: &SamlConnection, findings: &mut Findings) {
    let subject = connection.id.to_string();
    let missing = connection.missing_settings();
    if !missing.is_empty() {
        findings.attention(
            &subject,
            format!("is incomplete: {} missing", missing.join(", ")),
            format!(
                "import the identity provider's metadata: `ostiary saml-connection update {subject} --idp-metadata \
                 FILE|URL`; until then nobody signs in through it"
            ),
        );
    }
    let remove = format!("remove it: `ostiary saml-connection delete {subject}`");
    if connection.test {
        let local = config.listen.ip().is_loopback();
        match (config.test_idp, local) {
            (false, _) => findings.attention(
                &subject,
                "belongs to the bundled test identity provider, which is off",
                format!("{remove}; logins through it are refused"),
            ),
            (true, true) => findings.attention(
                &subject,
                "belongs to the bundled test identity provider, which signs in anybody as anybody",
                format!("fine for a trial; before real people come, {remove}"),
            ),
            (true, false) => findings.bad(
                &subject,
                "belongs to the bundled test identity provider, which is served to the network and signs in anybody \
                 as anybody",
                format!("set test_idp to off, and {remove}"),
            ),
        }
    }
    let expected =
        Links::new(&config.public_url_at(config.listen)).map(|links| links.saml_acs(connection.id));
    if let Ok(expected) = expected
        && !connection.sp_acs_urls.iter().any(|url| url == expected.as_str())
        && config.public_url.is_some()
    {
        findings.attention(
            &subject,
            format!(
                "its ACS URL {} is not below the public URL",
                connection.sp_acs_urls.first().map_or("nowhere", String::as_str)
            ),
            format!("fine if that address also reaches this server; otherwise create a new connection and {remove}"),
        );
    }
    for (what, url) in
        [("sign-on URL", &connection.idp_redirect_url), ("metadata URL", &connection.idp_metadata_url)]
    {
        if let Some(url) = url.as_ref().filter(|url| url.is_insecure()) {
            findings.attention(
                &subject,
                format!(
                    "its {what} {url} is plain http: anybody on the network path can read and change what is sent there"
                ),
                "ask the customer for the https address of their identity provider",
            );
        }
    }
    if let (Some(url), Some(error)) = (&connection.idp_metadata_url, &connection.metadata.error) {
        findings.attention(
            &subject,
            format!("its metadata at {url} could not be refreshed {} times: {error}", connection.metadata.failures),
            format!("ask the customer, then `ostiary saml-connection refresh {subject}`; the previous settings stay in force"),
        );
    }
    if config.console_saml_connection.as_deref() == Some(subject.as_str()) {
        let acs = connection.sp_acs_urls.first().and_then(|url| Url::parse(url).ok());
        let public = config.public_url_at(config.listen);
        if acs.as_ref().is_none_or(|acs| acs.host() != public.host()) {
            findings.bad(
                &subject,
                format!(
                    "is console.saml_connection, but responses come to {}, and the console is at {}",
                    acs.as_ref().and_then(Url::host_str).unwrap_or("nowhere"),
                    public.host_str().unwrap_or_default()
                ),
                "create a connection below the public URL, and name that one",
            );
        }
    }
    certificates(&subject, connection, findings);
}

/// Reports administrators without a passkey, who cannot sign in when `console.require_passkey` is on.
async fn administrators(db: &Db, findings: &mut Findings) -> store::Result<()> {
    const SUBJECT: &str = "administrators";
    let mut conn = db.read().await?;
    let mut holders = BTreeMap::new();
    collect_administrators(&mut conn, None, &mut holders).await?;
    let mut from = None;
    loop {
        let page = store::environments::list(&mut conn, from, PAGE).await?;
        for environment in &page {
            collect_administrators(&mut conn, Some(environment.id), &mut holders).await?;
        }
        match page.last() {
            Some(last) if i64::try_from(page.len()).unwrap_or(0) == PAGE => {
                from = Some(installation::next_id(last.id))
            }
            _ => break,
        }
    }
    for email in holders.iter().filter(|(_, has_passkey)| !**has_passkey).map(|(email, _)| email) {
        let seen = format!("{email} has no passkey and cannot sign in: console.require_passkey is on");
        let mend =
            format!("`ostiary admin reset --email {email}` prints a link with which they can create one");
        findings.attention(SUBJECT, seen, mend);
    }
    if holders.is_empty() {
        findings.ok(SUBJECT, "none yet; `ostiary admin invite` invites the first");
    } else if holders.values().all(|has_passkey| *has_passkey) {
        findings.ok(SUBJECT, format!("{}, each with a passkey", holders.len()));
    }
    Ok(())
}

/// Collects the administrators with a role in one environment (`None`: in every environment), and whether each has a
/// passkey.
async fn collect_administrators(
    conn: &mut store::Conn,
    environment_id: Option<EnvironmentId>,
    holders: &mut BTreeMap<String, bool>,
) -> store::Result<()> {
    let mut from = None;
    loop {
        let page = store::administrators::list(conn, environment_id, from, PAGE).await?;
        for (administrator, _) in &page {
            if let Entry::Vacant(holder) = holders.entry(administrator.email.to_string()) {
                let passkeys = store::admin_passkeys::list(conn, administrator.id, 1).await?;
                holder.insert(!passkeys.is_empty());
            }
        }
        match page.last() {
            Some((last, _)) if i64::try_from(page.len()).unwrap_or(0) == PAGE => {
                from = Some(installation::next_id(last.id));
            }
            _ => return Ok(()),
        }
    }
}

/// Reports URLs with plain http: those stored before it was refused, and imported ones, still work.
async fn addresses(db: &Db, findings: &mut Findings) -> store::Result<()> {
    let mut conn = db.read().await?;
    let mut from = None;
    let mut exposed = 0_usize;
    loop {
        let page = store::environments::list(&mut conn, from, PAGE).await?;
        for environment in &page {
            let mut report = |subject: String, what: &str, url: &HttpUrl, mend: String| {
                if url.is_insecure() {
                    exposed += 1;
                    let seen = format!(
                        "its {what} {url} is plain http: anybody on the network path can read and change what is sent there"
                    );
                    findings.attention(&subject, seen, mend);
                }
            };
            let id = environment.id;
            let own = || format!("change it to https: `ostiary environment update {id}`, or the console");
            for (what, url) in
                [("redirect URL", &environment.redirect_url), ("auth URL", &environment.auth_url)]
            {
                if let Some(url) = url {
                    report(id.to_string(), what, url, own());
                }
            }
            for uri in &environment.oauth_redirect_uris {
                report(id.to_string(), "OAuth redirect URI", uri, own());
            }
            if let Some(branding) = store::brandings::find(&mut conn, id).await?
                && let Some(url) = &branding.return_url
            {
                report(
                    id.to_string(),
                    "return URL of the setup pages",
                    url,
                    "change it to https in the console".into(),
                );
            }
            for client in store::oauth_clients::list(&mut conn, id, None, PAGE).await? {
                if let Some(uri) = &client.initiate_login_uri {
                    let mend = "change it to https in the console";
                    report(client.id.to_string(), "initiateLoginUri", uri, mend.into());
                }
            }
            for webhook in store::webhooks::list(&mut conn, id, None, PAGE).await? {
                let mend = "change it to https in the console, once its receiver supports it";
                report(webhook.id.to_string(), "address", &webhook.url, mend.into());
            }
        }
        match page.last() {
            Some(last) if i64::try_from(page.len()).unwrap_or(0) == PAGE => {
                from = Some(crate::model::id::Id::from_bits(last.id.bits().saturating_add(1)));
            }
            _ => break,
        }
    }
    if exposed == 0 {
        findings.ok("addresses", "none is plain http");
    }
    Ok(())
}

fn certificates(subject: &str, connection: &SamlConnection, findings: &mut Findings) {
    let read: Vec<X509> =
        connection.idp_certificates.iter().filter_map(|pem| X509::from_pem(pem.as_bytes()).ok()).collect();
    let days_left: Vec<i32> = read
        .iter()
        .filter_map(|certificate| {
            let now = openssl::asn1::Asn1Time::from_unix(SystemClock.now().seconds()).ok()?;
            let left = now.diff(certificate.not_after()).ok()?;
            Some(if left.days < 0 || left.secs < 0 { -1 } else { left.days })
        })
        .collect();
    // Certificates overlap while a provider changes its key: the latest expiry counts.
    let Some(latest) = days_left.iter().max() else { return };
    if *latest < 0 {
        findings.attention(
            subject,
            "every certificate of its identity provider has expired",
            "ask the customer for the new one; many providers keep signing with the old key, and it is still accepted",
        );
    } else if u32::try_from(*latest).unwrap_or(0) < CERTIFICATE_NOTICE_DAYS {
        findings.attention(
            subject,
            format!("its identity provider's certificate expires in {latest} days"),
            format!(
                "ask the customer for the next one and add it to the current one: `ostiary saml-connection update \
                 {subject} --idp-certificate FILE --idp-certificate FILE`"
            ),
        );
    }
}

/// Checks that identity providers can be reached. Only browsers need to reach them, so a failure is no error.
async fn check_reachability(targets: &[Url], findings: &mut Findings) {
    let Some(client) = client() else { return };
    let mut asked = tokio::task::JoinSet::new();
    for target in targets.iter().take(100).cloned() {
        let client = client.clone();
        asked.spawn(async move {
            // A customer wrote this address: the restrictions on outgoing requests apply.
            let answer = match outgoing::check(true, &target) {
                Ok(()) => client.head(target.clone()).send().await.map_err(|error| root_cause(&error)),
                Err(refused) => Err(refused.to_string()),
            };
            (target, answer)
        });
    }
    while let Some(Ok((target, answer))) = asked.join_next().await {
        let host = target.origin().ascii_serialization();
        match answer {
            Ok(response) => {
                findings.ok("identity provider", format!("{host} answers"));
                let date =
                    response.headers().get("date").and_then(|value| value.to_str().ok()).and_then(http_date);
                if let Some(date) = date.filter(|_| target.scheme() == "https") {
                    compare_clock(&host, date, CLOCK_TOLERANCE + PROBE_TIMEOUT, findings);
                }
            }
            Err(error) => findings.attention(
                "identity provider",
                format!("{host} cannot be reached from here: {error}"),
                "fine if the customers' browsers reach it; otherwise correct idpRedirectUrl",
            ),
        }
    }
}

async fn public_url(config: &Config, findings: &mut Findings) {
    let Some(client) = client() else { return };
    let base = config.public_url_at(config.listen);
    let origin = base.origin().ascii_serialization();
    let Ok(url) = base.join("healthz") else { return };
    match client.get(url).send().await {
        Ok(response) if response.headers().contains_key("x-request-id") && response.status().is_success() => {
            findings.ok("public URL", format!("{origin} reaches a running gateway"));
        }
        Ok(response) => findings.attention(
            "public URL",
            format!("{origin} answers {} and is not a gateway", response.status()),
            "correct public_url, or the proxy in front of the gateway",
        ),
        Err(error) => findings.attention(
            "public URL",
            format!("{origin} cannot be reached from here: {}", root_cause(&error)),
            "start the server, or correct public_url; fine if it is reachable from outside only",
        ),
    }
}

fn client() -> Option<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(PROBE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(outgoing::resolver(true))
        .build()
        .ok()
}

/// The root cause: `connection refused`, without the errors that wrap it.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// An IMF-fixdate (RFC 9110 §5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let moment = time::PrimitiveDateTime::parse(text, format).ok()?;
    Some(Timestamp::from_seconds(moment.assume_utc().unix_timestamp()))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{
        cli::doctor::Level,
        model::{
            administrator::{Administrator, Role, RoleGrant},
            email::Email,
            environment::{Environment, IdpInitiated, Slug},
            id::Id,
            random::SystemRandom,
        },
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
        let (own, _) = include_str!("mod.rs").split_once("mod tests").unwrap();
        // A backslash continues a literal on the next line.
        let mut lines = own.split("\\\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let own = lines.fold(first, |text, line| text + line.trim_start());
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

    #[test]
    fn dates_of_the_web_are_read() {
        // RFC 9110's own example.
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Timestamp::from_seconds(784_111_777)));
        assert_eq!(http_date("yesterday"), None);
    }

    #[test]
    fn a_wrong_clock_is_reported() {
        let mut findings = Findings::default();
        compare_clock("x", SystemClock.now() + Duration::from_secs(60), CLOCK_TOLERANCE, &mut findings);
        compare_clock("x", SystemClock.now(), CLOCK_TOLERANCE, &mut findings);
        let levels: Vec<Level> = findings.0.iter().map(|finding| finding.level).collect();
        assert_eq!(levels, [Level::Attention, Level::Ok]);
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
            slug: Slug::parse("prod").unwrap(),
            display_name: String::new(),
            redirect_url: url("http://app.example/callback"),
            oauth_redirect_uris: ["http://localhost:3000/cb", "http://app.example/oauth"]
                .map(|text| url(text).unwrap())
                .to_vec(),
            auth_url: url("https://login.example"),
            idp_initiated: IdpInitiated::default(),
            created_at: now,
            updated_at: now,
        };
        let administrator = Administrator {
            id: Id::new(now, &SystemRandom),
            email: Email::parse("dana@vendor.example").unwrap(),
            display_name: String::new(),
            password_hash: None,
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
        administrators(&db, &mut findings).await.unwrap();
        assert!(findings.0[0].seen.contains("none yet; `ostiary admin invite`"), "{findings:?}");
        let mut tx = db.write().await.unwrap();
        store::environments::insert(&mut tx, &environment).await.unwrap();
        for (administrator, environment_id) in [(&administrator, None), (&local, Some(environment.id))] {
            store::administrators::insert(&mut tx, administrator).await.unwrap();
            let grant = RoleGrant { environment_id, role: Role::Owner };
            store::administrators::upsert_grant(&mut tx, administrator.id, grant).await.unwrap();
        }
        tx.commit().await.unwrap();
        let mut findings = Findings::default();
        addresses(&db, &mut findings).await.unwrap();
        administrators(&db, &mut findings).await.unwrap();
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
        let key = master_key::read(&config, Some(&SystemRandom)).unwrap();
        master_key::verify(&db, &key, Some(&SystemRandom)).await.unwrap();
        assert_eq!(bad_findings(&config).await, "");
        std::fs::write(directory.path().join("x.db.key"), "00".repeat(32)).unwrap();
        assert!(bad_findings(&config).await.contains("is not the one this database was sealed with"));
    }
}
