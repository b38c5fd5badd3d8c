//! The file of SQLite: the space that it takes, and how it gives back what it no longer needs.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use sqlx::{Connection as _, SqliteConnection};

use super::{
    db::{Db, Pools},
    error::{Error, Result},
};

/// How large the write-ahead log becomes, in bytes, before it is truncated although there may always be a reader.
const MAX_WAL_SIZE: u64 = 64 * 1024 * 1024;

/// How long a truncation waits for readers. Nobody writes meanwhile.
const WAIT_FOR_READERS: &str = "PRAGMA busy_timeout = 200";

/// How long a compaction waits for another process that writes.
const WAIT_FOR_WRITERS: &str = "PRAGMA busy_timeout = 60000";

/// The pages of an SQLite file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilePages {
    /// In total.
    pub total: i64,
    /// Those that hold nothing.
    pub free: i64,
    /// The size of a page in bytes.
    pub size: i64,
    /// Whether free ones can be given back one by one. Those of files from versions up to 0.1 cannot.
    pub can_be_given_back: bool,
}

/// The write-ahead log of a file.
pub fn wal_of(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push("-wal");
    name.into()
}

impl Db {
    /// The pages of the file. `None`: this is PostgreSQL.
    pub async fn file_pages(&self) -> Result<Option<FilePages>> {
        if !matches!(self.pools, Pools::Sqlite { .. }) {
            return Ok(None);
        }
        let mut conn = self.read().await?;
        let (total,): (i64,) = conn.sql("PRAGMA page_count").one().await?;
        let (free,): (i64,) = conn.sql("PRAGMA freelist_count").one().await?;
        let (size,): (i64,) = conn.sql("PRAGMA page_size").one().await?;
        let (mode,): (i64,) = conn.sql("PRAGMA auto_vacuum").one().await?;
        Ok(Some(FilePages { total, free, size, can_be_given_back: mode != 0 }))
    }

    /// Gives 256 free pages of an SQLite file back to the file system.
    pub async fn give_back_pages(&self) -> Result<()> {
        let mut tx = self.write().await?;
        tx.sql("PRAGMA incremental_vacuum(256)").execute().await?;
        tx.commit().await
    }

    /// Truncates the write-ahead log of SQLite if it has become large. Returns its size if it could not be truncated,
    /// because somebody reads an old state of the database.
    pub async fn truncate_wal(&self) -> Result<Option<u64>> {
        let Pools::Sqlite { writer, file, .. } = &self.pools else { return Ok(None) };
        let size = || fs::metadata(wal_of(file)).map_or(0, |metadata| metadata.len());
        if size() <= MAX_WAL_SIZE {
            return Ok(None);
        }
        let mut conn = writer.open().await?;
        sqlx::raw_sql(WAIT_FOR_READERS).execute(&mut conn).await?;
        // The copying is done while others write; then there is little left that they must wait for.
        sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut conn).await?;
        sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut conn).await?;
        conn.close().await?;
        Ok(Some(size()).filter(|size| *size > MAX_WAL_SIZE))
    }

    /// Rewrites an SQLite file without its free pages, and so that it gives back those to come. Nobody writes meanwhile.
    pub async fn compact(&self) -> Result<()> {
        let Pools::Sqlite { writer, .. } = &self.pools else { return Ok(()) };
        let mut conn = writer.open().await?;
        let outcome = compact(&mut conn).await;
        conn.close().await?;
        outcome.map_err(Error::from)
    }
}

async fn compact(conn: &mut SqliteConnection) -> sqlx::Result<()> {
    for statement in
        [WAIT_FOR_WRITERS, "PRAGMA auto_vacuum = INCREMENTAL", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"]
    {
        sqlx::raw_sql(statement).execute(&mut *conn).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

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
}
