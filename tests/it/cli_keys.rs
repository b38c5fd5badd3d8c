//! The master key at the command line: what `ostiary serve` would refuse, `ostiary migrate` refuses before it changes
//! anything.

use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::{Backend, TestDatabase};

const RIGHT: Option<&str> = Some("0707070707070707070707070707070707070707070707070707070707070707");
const WRONG: Option<&str> = Some("0808080808080808080808080808080808080808080808080808080808080808");

/// The exit code of a command with this master key, and what it says.
fn run(database: &TestDatabase, arguments: &[&str], key: Option<&str>) -> (Option<i32>, String) {
    let directory = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ostiary"));
    command.args(arguments).current_dir(directory.path()).env_clear().stdin(Stdio::null());
    command.env("OSTIARY_DATABASE_URL", &database.url).envs(key.map(|key| ("OSTIARY_MASTER_KEY", key)));
    let output = command.output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), said)
}

#[track_caller]
fn assert_refused(outcome: (Option<i32>, String), words: &str) {
    assert_eq!(outcome.0, Some(1), "{}", outcome.1);
    assert!(outcome.1.contains(words), "{words:?} is not in {}", outcome.1);
}

#[test]
fn migrate_refuses_the_key_that_serve_would_refuse() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let database = TestDatabase::unmigrated(backend);
        if backend == Backend::Postgres {
            let words = "the master key is not set: with PostgreSQL set OSTIARY_MASTER_KEY (make one with";
            assert_refused(run(&database, &["migrate"], None), words);
            assert_refused(run(&database, &["migrate", "--check"], None), words);
            assert_refused(run(&database, &["migrate", "--check"], None), "0001_create_foundation");
            assert_refused(run(&database, &["migrate", "--check"], RIGHT), "0001_create_foundation");
        }
        assert_eq!(run(&database, &["migrate"], RIGHT).0, Some(0));
        assert_eq!(run(&database, &["migrate"], WRONG).0, Some(0), "nothing is sealed yet");
        assert_eq!(run(&database, &["environment", "create", "--slug", "prod"], RIGHT).0, Some(0));
        let serve = ["serve", "--listen", "127.0.0.1:0", "--set", "database.migrate=never"];
        for arguments in [&["migrate"][..], &["migrate", "--check"], &serve] {
            assert_refused(run(&database, arguments, WRONG), "is not the one this database was sealed with");
        }
        for arguments in [["migrate"].as_slice(), &["migrate", "--check"]] {
            let (code, said) = run(&database, arguments, RIGHT);
            assert_eq!(code, Some(0), "{said}");
            assert!(said.contains("is up to date"), "{said}");
            let words = match backend {
                Backend::Sqlite => "is not there, and the database was sealed with a key before",
                Backend::Postgres => {
                    "the master key is not set: set OSTIARY_MASTER_KEY or OSTIARY_MASTER_KEY_FILE"
                }
            };
            assert_refused(run(&database, arguments, None), words);
        }
    }
}

#[test]
fn a_database_whose_key_file_is_gone_gets_no_new_one() {
    let database = TestDatabase::unmigrated(Backend::Sqlite);
    let file = format!("{}.key", database.url.strip_prefix("sqlite://").unwrap());
    let file = std::path::Path::new(&file);
    assert_eq!(run(&database, &["migrate"], None).0, Some(0), "the first start will generate a key");
    assert!(!file.exists());
    assert_eq!(run(&database, &["environment", "create", "--slug", "prod"], None).0, Some(0));
    assert!(file.exists());
    std::fs::remove_file(file).unwrap();
    for arguments in [
        &["migrate"][..],
        &["migrate", "--check"],
        &["serve", "--listen", "127.0.0.1:0"],
        &["environment", "list"],
        &["doctor", "--offline"],
    ] {
        assert_refused(run(&database, arguments, None), "was sealed with a key before: put that file back");
        assert!(!file.exists(), "{arguments:?}");
    }
}
