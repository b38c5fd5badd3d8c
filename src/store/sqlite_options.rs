//! How the file of SQLite is created and opened.

use std::{fs, io, os::unix::fs::OpenOptionsExt as _, path::Path, time::Duration};

use sqlx::{
    ConnectOptions as _, Connection as _,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::error::Result;

/// How long SQLite waits for another process that writes: less than a statement's deadline, so that the caller is told.
const BUSY_TIMEOUT: Duration = Duration::from_secs(3);

/// How far the write-ahead log shrinks when it begins anew, in bytes. It begins anew as soon as nobody reads it.
const WAL_SIZE_LIMIT: &str = "33554432";

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
pub(super) async fn prepare_file(url: &str, synchronous: Synchronous) -> Result<SqliteConnectOptions> {
    let options = url.parse::<SqliteConnectOptions>()?;
    let empty = create_private_file(options.get_filename()).map_err(sqlx::Error::Io)?;
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
        .pragma("journal_size_limit", WAL_SIZE_LIMIT)
        .foreign_keys(true);
    if empty {
        // Later it has no effect, and would be a write.
        let created = options.clone().auto_vacuum(SqliteAutoVacuum::Incremental).connect().await?;
        created.close().await?;
    }
    Ok(options)
}

/// Creates the database file, unless it exists, with mode 0600, because it contains personal data. SQLite gives
/// the files beside it (`-wal`, `-shm`) the same mode. Returns whether the file is empty.
fn create_private_file(file: &Path) -> io::Result<bool> {
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(_) => {
            synchronize_folder_of(file)?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(fs::metadata(file)?.len() == 0),
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
    use sqlx::SqliteConnection;

    use super::*;

    #[tokio::test]
    async fn a_commit_waits_for_the_disk_unless_told_otherwise() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("x.db").display());
        for (synchronous, wanted) in [(Synchronous::default(), 2), (Synchronous::Normal, 1)] {
            let options = prepare_file(&url, synchronous).await.unwrap();
            let mut conn = SqliteConnection::connect_with(&options).await.unwrap();
            let found: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut conn).await.unwrap();
            assert_eq!(found, wanted, "{synchronous:?}");
        }
    }
}
