//! Backups: made while a server runs, checked, and put in the place of the database.

use std::{
    fs,
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Backend, TestDatabase,
    process::{ServerProcess, command, isolated, run, server, told},
};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(future)
}

/// What a command with `--json` prints.
fn json(database: &TestDatabase, arguments: &[&str]) -> Value {
    let output = command(database, &[arguments, &["--json"]].concat()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {:?}", told(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// An environment with an API key for everything.
fn fill(database: &TestDatabase) -> String {
    json(database, &["environment", "create", "--slug", "prod"]);
    let key = json(database, &["api-key", "create", "--environment", "prod", "--management"]);
    key["secretToken"].as_str().unwrap().to_owned()
}

fn refused(database: &TestDatabase, arguments: &[&str], words: &str) {
    let (code, text) = run(database, arguments);
    assert_eq!(code, Some(1), "{arguments:?}: {text}");
    assert!(text.contains(words), "{arguments:?}: {words:?} is not in {text}");
}

/// The command on another file than the test's database, with the same key.
fn on_file(file: &Path, arguments: &[&str]) -> Command {
    let mut command = isolated(&std::env::temp_dir(), arguments);
    command.env("OSTIARY_DATABASE_URL", format!("sqlite://{}", file.display()));
    command.env("OSTIARY_MASTER_KEY", "07".repeat(32));
    command
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Many rows, so that something takes a while.
async fn grow(database: &TestDatabase) {
    let db = ostiary::store::Db::connect(&database.url, 1).await.unwrap();
    let mut tx = db.write().await.unwrap();
    tx.sql(
        "INSERT INTO events (environment_id, sequence, at, type, organization_id, directory_id, resource_id, data) \
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) \
         SELECT 'env_x', i, i, 'x', '', '', 'r' || i, '{\"x\":\"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\"}' FROM n",
    )
    .execute()
    .await
    .unwrap();
    tx.commit().await.unwrap();
    db.close().await;
}

#[test]
fn a_backup_made_while_a_server_writes_is_restored_and_served() {
    let database = block_on(TestDatabase::new(Backend::Sqlite));
    let key = format!("Bearer {}", fill(&database));
    let folder = TempDir::new().unwrap();
    let to = folder.path().to_str().unwrap().to_owned();
    let served = ServerProcess::start(&mut server(&database));
    let (stop, written) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (before, summary) = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                let (status, body) = served.ask("POST", "/v1/organizations", &key, "{\"displayName\":\"x\"}");
                assert_eq!(status, 200, "{body}");
                written.fetch_add(1, Ordering::SeqCst);
            }
        });
        while written.load(Ordering::SeqCst) < 5 {
            std::thread::yield_now();
        }
        let before = written.load(Ordering::SeqCst);
        let summary = json(&database, &["backup", &to]);
        stop.store(true, Ordering::SeqCst);
        (before, summary)
    });
    let file = summary["file"].as_str().unwrap();
    assert_eq!(names_in(folder.path()).len(), 1, "one file, and nothing beside it");
    let name = Path::new(file).file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("ostiary-2") && name.ends_with("Z.db"), "{name}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let (code, text) = run(&database, &["backup", "verify", file]);
    assert!(code == Some(0) && text.contains("whole, written "), "{text}");
    assert_eq!(names_in(folder.path()).len(), 1, "verifying writes nothing");

    // The doctor and the metrics know its age.
    let (_, text) = run(&database, &["doctor", "--offline"]);
    assert!(text.contains("ok         backup: the last one is 0 days and 0 hours old"), "{text}");
    served.stop();
    let mut with_metrics = server(&database);
    let served = ServerProcess::start(with_metrics.args(["--set", "metrics.token=0123456789abcdef"]));
    let began = Instant::now();
    loop {
        let (_, metrics) = served.ask("GET", "/metrics", "Bearer 0123456789abcdef", "");
        let line = metrics.lines().find(|line| line.starts_with("last_backup_timestamp_seconds "));
        let at: f64 = line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap());
        if at > 1e9 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{metrics}");
        std::thread::sleep(Duration::from_millis(50));
    }
    served.stop();

    let place = folder.path().join("restored/ostiary.db");
    fs::create_dir(place.parent().unwrap()).unwrap();
    let restored = told(&on_file(&place, &["restore", file]).output().unwrap());
    assert_eq!(restored.0, Some(0), "{}", restored.1);
    assert_eq!(names_in(place.parent().unwrap()), ["ostiary.db"]);
    let listed = told(&on_file(&place, &["organization", "list", "--environment", "prod"]).output().unwrap());
    let there = listed.1.lines().count();
    assert!(there >= before && there <= written.load(Ordering::SeqCst), "{before} {there}");
    let served = ServerProcess::start(&mut on_file(&place, &["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(served.ask("GET", "/readyz", "x", "").0, 200);
    assert_eq!(served.ask("POST", "/v1/organizations", &key, "{}").0, 200, "the API key is there");

    // Nothing is overwritten, and nothing replaced under a server.
    let again = told(&on_file(&place, &["restore", file]).output().unwrap());
    assert!(again.0 == Some(1) && again.1.contains("a server has"), "{}", again.1);
    served.stop();
    let again = told(&on_file(&place, &["restore", file]).output().unwrap());
    assert!(again.0 == Some(1) && again.1.contains("is there: move it away first"), "{}", again.1);
    refused(&database, &["backup", file], "exists already");
    refused(&database, &["backup", "/nowhere/x.db"], "No such file");
}

#[test]
fn what_cannot_be_restored_is_refused_by_name() {
    let database = block_on(TestDatabase::new(Backend::Sqlite));
    refused(&database, &["backup", "/tmp/ostiary-test-never-used.db"], "no server has used the database");
    assert!(!Path::new("/tmp/ostiary-test-never-used.db").exists());
    fill(&database);
    let folder = TempDir::new().unwrap();
    let good = folder.path().join("good.db");
    json(&database, &["backup", good.to_str().unwrap()]);
    let bytes = fs::read(&good).unwrap();
    let place = folder.path().join("new.db");
    let variant = |name: &str, change: &dyn Fn(&mut fs::File), words: &str| {
        let file = folder.path().join(name);
        fs::write(&file, &bytes).unwrap();
        change(&mut fs::OpenOptions::new().write(true).open(&file).unwrap());
        let name = file.to_str().unwrap();
        for arguments in [["backup", "verify", name].as_slice(), &["restore", name]] {
            let (code, text) = told(&on_file(&place, arguments).output().unwrap());
            assert_eq!(code, Some(1), "{arguments:?}: {text}");
            assert!(text.contains(words) && text.contains(name), "{arguments:?}: {words:?} is not in {text}");
        }
        assert!(!place.exists() && !folder.path().join("new.db.part").exists());
    };
    let length = bytes.len() as u64;
    variant("short.db", &|file| file.set_len(length - 4096).unwrap(), "is cut short: it has");
    variant("head.db", &|file| file.set_len(50).unwrap(), "is no SQLite database");
    variant("nothing.db", &|file| file.set_len(0).unwrap(), "is neither a backup of SQLite nor a dump");
    let damage = |file: &mut fs::File| {
        // Not the head, which is looked at first.
        for page in 2..length / 4096 {
            file.seek(SeekFrom::Start(page * 4096)).unwrap();
            file.write_all(&[0xff; 64]).unwrap();
        }
    };
    variant("damaged.db", &damage, "is damaged: ");
    let newer = |_: &mut fs::File| {
        let url = format!("sqlite://{}", folder.path().join("newer.db").display());
        block_on(async {
            let db = ostiary::store::Db::connect(&url, 1).await.unwrap();
            let mut tx = db.write().await.unwrap();
            let floor = "UPDATE settings SET value = '9999' WHERE name = 'schema_floor'";
            tx.sql(floor).execute().await.unwrap();
            tx.sql("UPDATE settings SET value = '7.7.7' WHERE name = 'migrated_by'").execute().await.unwrap();
            tx.commit().await.unwrap();
            db.close().await;
        });
    };
    variant("newer.db", &newer, "needs a newer program: one that contains migration 9999");

    let file = good.to_str().unwrap();
    for arguments in [["backup", "verify", file].as_slice(), &["restore", file]] {
        let mut other = on_file(&place, arguments);
        let (code, text) = told(&other.env("OSTIARY_MASTER_KEY", "08".repeat(32)).output().unwrap());
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("good.db was sealed with the master key "), "{text}");
        assert!(text.contains("is not the one this database was sealed with"), "{text}");
        // Without any key there is none in a new place.
        let (code, text) =
            told(&on_file(&place, arguments).env_remove("OSTIARY_MASTER_KEY").output().unwrap());
        assert!(code == Some(1) && text.contains("new.db.key: is not there"), "{text}");
    }
    assert!(!place.exists() && !folder.path().join("new.db.key").exists());
    let mut without = on_file(&place, &["backup", "verify", file, "--without-key"]);
    assert_eq!(told(&without.env_remove("OSTIARY_MASTER_KEY").output().unwrap()).0, Some(0));
}

#[test]
fn a_backup_that_is_killed_leaves_nothing_that_looks_like_one() {
    let database = block_on(TestDatabase::new(Backend::Sqlite));
    fill(&database);
    block_on(grow(&database));
    let folder = TempDir::new().unwrap();
    let (file, part) = (folder.path().join("b.db"), folder.path().join("b.db.part"));
    let mut child = command(&database, &["backup", file.to_str().unwrap()]).spawn().unwrap();
    while !part.exists() {
        std::thread::yield_now();
    }
    // A second one does not disturb it.
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(part.exists() && !file.exists(), "{:?}", names_in(folder.path()));
    refused(&database, &["backup", "verify", part.to_str().unwrap()], "b.db.part: ");
    json(&database, &["backup", file.to_str().unwrap()]);
    assert_eq!(names_in(folder.path()), ["b.db"]);
    assert_eq!(run(&database, &["backup", "verify", file.to_str().unwrap()]).0, Some(0));
}

/// The dump, by the name of its file.
fn dump(database: &TestDatabase, folder: &Path, name: &str, options: &[&str]) -> String {
    let file = folder.join(name);
    database.pg_dump(options, &file);
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_dump_of_postgresql_is_checked_noted_and_restored() {
    let database = block_on(TestDatabase::new(Backend::Postgres));
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let unused = dump(&database, folder, "unused.dump", &["--format=custom"]);
    refused(&database, &["backup", "verify", &unused], "no server has used the database");
    let key = format!("Bearer {}", fill(&database));
    refused(
        &database,
        &["backup", "x.dump"],
        "pg_dump --format=custom --no-owner --no-privileges --file=x.dump",
    );
    let (_, text) = run(&database, &["doctor", "--offline"]);
    assert!(text.contains("attention  backup: none is known of"), "{text}");

    let archive = dump(&database, folder, "o.dump", &["--format=custom", "--no-owner"]);
    let script = dump(&database, folder, "o.sql", &["--no-owner", "--no-privileges"]);
    let directory = dump(&database, folder, "o.dir", &["--format=directory"]);
    for file in [&archive, &script, &directory] {
        let (code, text) = run(&database, &["backup", "verify", file]);
        assert!(code == Some(0) && text.contains("whole, written "), "{text}");
    }
    let (_, text) = run(&database, &["doctor", "--offline"]);
    assert!(text.contains("backup: none is known of"), "nothing is noted unless asked: {text}");
    json(&database, &["backup", "verify", &archive, "--record"]);
    let (_, text) = run(&database, &["doctor", "--offline"]);
    assert!(text.contains("ok         backup: the last one is 0 days"), "{text}");

    for (file, length, words) in
        [(&archive, 5000, "is damaged or cut short"), (&script, 3000, "is cut short")]
    {
        let bytes = fs::read(file).unwrap();
        let short = format!("{file}.short");
        fs::write(&short, &bytes[..bytes.len() - length]).unwrap();
        refused(&database, &["backup", "verify", &short], words);
        refused(&database, &["restore", &short], words);
    }
    let schema = dump(&database, folder, "schema.sql", &["--schema-only"]);
    refused(&database, &["backup", "verify", &schema], "does not hold the table _sqlx_migrations");
    let part = dump(&database, folder, "part.dump", &["--format=custom", "--exclude-table=sessions"]);
    refused(&database, &["backup", "verify", &part], "does not hold the table sessions");
    let mut other = command(&database, &["backup", "verify", &archive]);
    let (_, text) = told(&other.env("OSTIARY_MASTER_KEY", "08".repeat(32)).output().unwrap());
    assert!(text.contains("o.dump was sealed with the master key "), "{text}");

    // A dump of another installation is not noted as one of this.
    let stranger = block_on(TestDatabase::new(Backend::Postgres));
    fill(&stranger);
    refused(&stranger, &["backup", "verify", &archive, "--record"], "is not a backup of ");

    refused(&database, &["restore", &archive], "is not empty (it has the table ");
    let sqlite = block_on(TestDatabase::new(Backend::Sqlite));
    refused(&sqlite, &["restore", &archive], "ostiary copy");
    for file in [&archive, &script] {
        let new = TestDatabase::unmigrated(Backend::Postgres);
        let (code, text) = run(&new, &["restore", file]);
        assert_eq!(code, Some(0), "{text}");
        let shown = text.split('\'').nth(1).unwrap().to_owned();
        new.run_shown(text.lines().last().unwrap(), &shown);
        let served = ServerProcess::start(&mut server(&new));
        assert_eq!(served.ask("POST", "/v1/organizations", &key, "{}").0, 200, "the API key is there");
        served.stop();
    }
}
