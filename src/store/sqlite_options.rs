//! How the file of SQLite is created and opened.

use std::{fs, io, os::unix::fs::OpenOptionsExt as _, path::Path, time::Duration};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use super::error::Result;

/// How long SQLite waits for another process that writes: less than a statement's deadline, so that the caller is told.
const BUSY_TIMEOUT: Duration = Duration::from_secs(3);

/// When a commit returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// When the disk has it: a power failure takes nothing back.
    #[default]
    Full,
    /// When the operating system has it: a power failure may take the latest commits back.
    Normal,
}

/// What connections to the file are opened with. The file is created if it does not exist.
pub(super) fn prepare_file(url: &str, synchronous: Synchronous) -> Result<SqliteConnectOptions> {
    let options = url.parse::<SqliteConnectOptions>()?;
    create_private_file(options.get_filename()).map_err(sqlx::Error::Io)?;
    let options = options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match synchronous {
            Synchronous::Full => SqliteSynchronous::Full,
            Synchronous::Normal => SqliteSynchronous::Normal,
        })
        .busy_timeout(BUSY_TIMEOUT)
        // A login writes about twenty pages; checkpointing every thousand pages copies the same hot
        // pages again and again.
        .pragma("wal_autocheckpoint", "4000")
        .foreign_keys(true);
    Ok(options)
}

/// Creates the database file, unless it exists, with mode 0600, because it contains personal data. SQLite gives
/// the files beside it (`-wal`, `-shm`) the same mode.
fn create_private_file(file: &Path) -> io::Result<()> {
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(_) => synchronize_folder_of(file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Synchronizes the folder of a new file, so that a power failure does not take its name back.
pub fn synchronize_folder_of(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use sqlx::{Connection as _, SqliteConnection};

    use super::*;
    use crate::store::Db;

    #[tokio::test]
    async fn only_its_owner_reads_an_embedded_database() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.db");
        let db = Db::connect(&format!("sqlite://{}", file.display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        for name in ["x.db", "x.db-wal", "x.db-shm"] {
            let mode = fs::metadata(directory.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        db.close().await;
        // An existing file keeps its mode.
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        Db::connect(&format!("sqlite://{}", file.display()), 2).await.unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[tokio::test]
    async fn a_commit_waits_for_the_disk_unless_told_otherwise() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("x.db").display());
        for (synchronous, wanted) in [(Synchronous::default(), 2), (Synchronous::Normal, 1)] {
            let options = prepare_file(&url, synchronous).unwrap();
            let mut conn = SqliteConnection::connect_with(&options).await.unwrap();
            let found: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut conn).await.unwrap();
            assert_eq!(found, wanted, "{synchronous:?}");
        }
    }
}
