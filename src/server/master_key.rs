//! The master key of this installation: where it is read from, when it is generated, and whether it is the one
//! that the database was sealed with.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use base::random::Random;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::master_key::{MasterKey, SealError};

use super::error::StartError;
use crate::{
    config::{self, Config},
    store::{self, Db, sealed_columns::MASTER_KEY_CHECK, settings},
};

/// The name of the check value in `settings`.
const CHECK: &str = "master_key_check";

/// The key of this installation, which is the one that the database was sealed with. The first start of a server, with
/// `random`, seals a check value with it; for SQLite it also generates the file of a key that nobody named. In a database
/// that is sealed already, and without `random`, nothing is generated.
pub async fn open(config: &Config, db: &Db, random: Option<&dyn Random>) -> Result<MasterKey, StartError> {
    let stored = settings::find_if_migrated(&mut db.read().await?, CHECK).await?;
    let key = read(config, random.filter(|_| stored.is_none()), stored.is_some())?;
    let sealed = match (stored, random) {
        (Some(sealed), _) => sealed,
        (None, None) => return Ok(key),
        (None, Some(random)) => {
            let mut transaction = db.write().await?;
            let place = MASTER_KEY_CHECK.context(&[&CHECK]);
            settings::insert(&mut transaction, CHECK, &key.seal(&place, b"ostiary", random)).await?;
            let sealed = settings::find(&mut transaction, CHECK).await?.unwrap_or_default();
            transaction.commit().await?;
            sealed
        }
    };
    fits(&key, &sealed)?;
    Ok(key)
}

/// The key of a database that is to be filled: nothing is sealed in it yet. For SQLite the file of a key that nobody named is
/// generated.
pub fn of_new_database(config: &Config, random: &dyn Random) -> Result<MasterKey, StartError> {
    read(config, Some(random), false)
}

/// The key that opens the check value of a backup.
pub fn of_backup(config: &Config, sealed: &str) -> Result<MasterKey, StartError> {
    let key = read(config, None, true)?;
    fits(&key, sealed)?;
    Ok(key)
}

/// Refuses a key that does not open the check value.
fn fits(key: &MasterKey, sealed: &str) -> Result<(), StartError> {
    match key.open(&MASTER_KEY_CHECK.context(&[&CHECK]), sealed) {
        Ok(_) => Ok(()),
        Err(SealError::UnknownKey) => Err(StartError::MasterKey(
            "is not the one this database was sealed with: set OSTIARY_MASTER_KEY or OSTIARY_MASTER_KEY_FILE to \
             the key of its first start. If that key is being replaced, put it back below the new one and run \
             `ostiary keys reseal`"
                .to_owned(),
        )),
        Err(SealError::Broken) => Err(StartError::MasterKey(
            "cannot be checked: the check value in the database was changed".to_owned(),
        )),
    }
}

/// Checks, and changes nothing, that a server with this configuration would start with its key.
pub async fn check(config: &Config, db: &Db) -> Result<(), StartError> {
    let is_sealed = settings::find_if_migrated(&mut db.read().await?, CHECK).await?.is_some();
    if !is_sealed && generated_file(config).is_some_and(|file| !file.exists()) {
        return Ok(());
    }
    open(config, db, None).await.map(drop)
}

/// The file that the first start on SQLite generates; `None` where the configuration names a key or its file.
fn generated_file(config: &Config) -> Option<PathBuf> {
    let named = config.master_key.is_some() || config.master_key_file.is_some();
    config.master_key_path().filter(|_| !named)
}

/// Reads the key from the configuration or its file. A missing file that nobody named is generated with `random`.
fn read(config: &Config, random: Option<&dyn Random>, is_sealed: bool) -> Result<MasterKey, StartError> {
    if let Some(keys) = &config.master_key {
        let none = || StartError::MasterKey("holds no key".to_owned());
        return MasterKey::new(keys.0.clone()).ok_or_else(none);
    }
    let Some(path) = config.master_key_path() else {
        return Err(StartError::MasterKey(
            match is_sealed {
                true => {
                    "is not set: set OSTIARY_MASTER_KEY or OSTIARY_MASTER_KEY_FILE to the key that this database was \
                     sealed with, the same on every replica"
                }
                false => {
                    "is not set: with PostgreSQL set OSTIARY_MASTER_KEY (make one with `openssl rand -base64 32`) or \
                     OSTIARY_MASTER_KEY_FILE, the same on every replica"
                }
            }
            .to_owned(),
        ));
    };
    let wrong = |reason: String| StartError::MasterKey(format!("{}: {reason}", path.display()));
    match fs::read_to_string(&path) {
        Ok(text) => {
            if fs::metadata(&path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0) {
                tracing::warn!(file = %path.display(), "other users of this machine can read the master key: chmod 600");
            }
            keys(&text).map_err(wrong)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && generated_file(config).is_some() => {
            if is_sealed {
                return Err(wrong(
                    "is not there, and the database was sealed with a key before: put that file back, or set \
                     OSTIARY_MASTER_KEY or OSTIARY_MASTER_KEY_FILE to that key"
                        .to_owned(),
                ));
            }
            let Some(random) = random else {
                return Err(wrong("is not there; the first start of `ostiary serve` creates it".to_owned()));
            };
            let key = MasterKey::generate(random);
            match write_new(&path, &key) {
                Ok(()) => {
                    tracing::warn!(file = %path.display(), "generated a master key; keep a copy of it in a safe place");
                    Ok(MasterKey::new(vec![key]).expect("there is a key"))
                }
                // Another process created the file first.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read_to_string(&path)
                    .map_err(|error| wrong(error.to_string()))
                    .and_then(|text| keys(&text).map_err(wrong)),
                Err(error) => Err(wrong(format!("cannot be created: {error}"))),
            }
        }
        Err(error) => Err(wrong(format!("cannot be read: {error}"))),
    }
}

/// Parses a key file: one key per line; the first one seals, all of them open. `#` starts a comment.
fn keys(text: &str) -> Result<MasterKey, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys = lines.map(config::parse_key).collect::<Result<Vec<_>, _>>()?;
    MasterKey::new(keys).ok_or_else(|| "holds no key".to_owned())
}

/// Writes the key to a new file with mode 0600; never overwrites a file.
fn write_new(path: &Path, key: &[u8; 32]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", STANDARD.encode(key))?;
    file.sync_all()?;
    store::synchronize_folder_of(path)
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::config::Redacted;
    use base::random::{SeededRandom, SystemRandom};

    fn config(directory: &tempfile::TempDir) -> Config {
        Config {
            database_url: format!("sqlite://{}", directory.path().join("x.db").display()).parse().unwrap(),
            ..Config::default()
        }
    }

    #[test]
    fn an_embedded_database_gets_a_key_that_only_its_owner_reads() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(&directory);
        let made = read(&config, Some(&SystemRandom), false).unwrap();
        let file = directory.path().join("x.db.key");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let again = read(&config, Some(&SystemRandom), false).unwrap();
        let sealed = made.seal("p", b"x", &SystemRandom);
        assert_eq!(again.open("p", &sealed).unwrap(), b"x");

        fs::write(&file, "not a key").unwrap();
        let error = read(&config, Some(&SystemRandom), false).unwrap_err().to_string();
        assert!(error.contains("x.db.key") && error.contains("32 bytes"), "{error}");
    }

    #[test]
    fn a_key_file_that_was_named_is_never_made() {
        let directory = tempfile::tempdir().unwrap();
        let named = directory.path().join("named.key");
        let named_file = Config { master_key_file: Some(named.clone()), ..config(&directory) };
        let refused = |config: &Config, is_sealed| {
            read(config, Some(&SystemRandom), is_sealed).unwrap_err().to_string()
        };
        assert!(refused(&named_file, false).contains("named.key"));
        assert!(!named.exists());
        let config = Config { database_url: "postgres://localhost/x".parse().unwrap(), ..Config::default() };
        let told = refused(&config, false);
        assert!(
            told.starts_with("the master key is not set: with PostgreSQL set OSTIARY_MASTER_KEY (make"),
            "{told}"
        );
        let told = refused(&config, true);
        assert!(told.starts_with("the master key is not set: set OSTIARY_MASTER_KEY or"), "{told}");
        assert!(!told.contains("openssl rand"), "a new one would not fit: {told}");
    }

    #[test]
    fn a_key_file_may_hold_older_keys() {
        let old = MasterKey::new(vec![[1; 32]]).unwrap().seal("p", b"x", &SeededRandom::new(1));
        let text = format!("# new\n{}\n\n# old\n{}\n", STANDARD.encode([2; 32]), "01".repeat(32));
        assert_eq!(keys(&text).unwrap().open("p", &old).unwrap(), b"x");
        assert!(keys("# none\n").is_err());
    }

    #[tokio::test]
    async fn a_wrong_key_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let with = |key: Option<u8>| Config {
            master_key: key.map(|key| Redacted(vec![[key; 32]])),
            ..config(&directory)
        };
        let db = Db::connect(&with(None).database_url.as_driver_url(), 2).await.unwrap();
        let fits = async |key| check(&with(key), &db).await.map_err(|error| error.to_string());
        assert_eq!(fits(None).await, Ok(()), "the first start will generate one");
        db.migrate().await.unwrap();
        assert_eq!((fits(None).await, fits(Some(2)).await), (Ok(()), Ok(())), "nothing is sealed yet");
        open(&with(Some(1)), &db, Some(&SystemRandom)).await.unwrap();
        open(&with(Some(1)), &db, Some(&SystemRandom)).await.unwrap();
        assert_eq!(fits(Some(1)).await, Ok(()));
        let opened = open(&with(Some(2)), &db, Some(&SystemRandom)).await;
        for error in [opened.err().unwrap().to_string(), fits(Some(2)).await.unwrap_err()] {
            assert!(error.contains("master key") && error.contains("OSTIARY_MASTER_KEY"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_sealed_database_whose_key_file_is_gone_gets_no_new_one() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(&directory);
        let db = Db::connect(&config.database_url.as_driver_url(), 2).await.unwrap();
        db.migrate().await.unwrap();
        let file = directory.path().join("x.db.key");
        open(&config, &db, Some(&SystemRandom)).await.unwrap();
        fs::remove_file(&file).unwrap();
        let opened = open(&config, &db, Some(&SystemRandom)).await.err().unwrap().to_string();
        for error in [opened, check(&config, &db).await.unwrap_err().to_string()] {
            assert!(
                error.contains("x.db.key: is not there, and the database was sealed with a key before"),
                "{error}"
            );
        }
        assert!(!file.exists());
    }
}
