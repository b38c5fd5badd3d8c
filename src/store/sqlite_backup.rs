//! A copy of an SQLite file while servers write to it, and what such a file must be to be put in its place.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use sqlx::{Connection as _, sqlite::SqliteConnectOptions};

use super::{
    db::{Db, Pools},
    error::{Error, Result},
    synchronize_folder_of,
};

/// Why a file cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupFault {
    /// It cannot be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is no SQLite database.
    #[error("is no SQLite database")]
    NoDatabase,
    /// The end is missing.
    #[error("is cut short: it has {has} bytes, and should have {wanted}")]
    CutShort {
        /// Its size.
        has: u64,
        /// The size that its head tells.
        wanted: u64,
    },
    /// SQLite finds its structure damaged.
    #[error("is damaged: {0}")]
    Damaged(String),
    /// Another process writes it.
    #[error("is being written by another process")]
    BeingWritten,
    /// There is a file already.
    #[error("exists already, and is not overwritten")]
    Exists,
    /// A statement failed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// A file that gets its name when it is complete. Until then it has another one in the same folder, which the next attempt
/// takes over if this one is killed.
#[derive(Debug)]
pub struct UnfinishedFile {
    wanted: PathBuf,
    path: PathBuf,
    /// Locked, so that no two processes write it.
    file: File,
}

impl UnfinishedFile {
    /// Creates it empty and for its owner only, unless the wanted one exists.
    pub fn create(wanted: &Path) -> Result<Self, BackupFault> {
        if wanted.symlink_metadata().is_ok() {
            return Err(BackupFault::Exists);
        }
        let path = with_suffix(wanted, ".part");
        let file = fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        match file.try_lock() {
            Ok(()) => file.set_len(0)?,
            Err(fs::TryLockError::WouldBlock) => return Err(BackupFault::BeingWritten),
            Err(fs::TryLockError::Error(error)) => return Err(error.into()),
        }
        remove_beside(&path);
        Ok(Self { wanted: wanted.to_owned(), path, file })
    }

    /// Where it is until then.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies another file into it.
    pub fn copy_from(&mut self, from: &Path) -> Result<(), BackupFault> {
        io::copy(&mut File::open(from)?, &mut self.file)?;
        Ok(())
    }

    /// Gives it its name, once the disk has it.
    pub fn finish(self) -> Result<(), BackupFault> {
        self.file.sync_all()?;
        if self.wanted.symlink_metadata().is_ok() {
            return Err(BackupFault::Exists);
        }
        fs::rename(&self.path, &self.wanted)?;
        Ok(synchronize_folder_of(&self.wanted)?)
    }
}

impl Drop for UnfinishedFile {
    fn drop(&mut self) {
        // A finished one is there no more under this name.
        let _ = fs::remove_file(&self.path);
        remove_beside(&self.path);
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// What SQLite keeps beside a file while it writes it.
pub fn files_beside(database: &Path) -> [PathBuf; 3] {
    ["-wal", "-shm", "-journal"].map(|suffix| with_suffix(database, suffix))
}

fn remove_beside(database: &Path) {
    for file in files_beside(database) {
        // Mostly there is none.
        let _ = fs::remove_file(file);
    }
}

impl Db {
    /// Copies the SQLite file as it is at one moment into an empty one. Servers may write meanwhile.
    pub async fn back_up_into(&self, file: &Path) -> Result<()> {
        let Pools::Sqlite { readers, .. } = &self.pools else { return Ok(()) };
        let name = std::path::absolute(file).map_err(sqlx::Error::Io)?;
        let mut conn = readers.open().await?;
        let copied = sqlx::query("VACUUM INTO $1").bind(name.display().to_string()).execute(&mut conn).await;
        conn.close().await?;
        Ok(copied.map(drop)?)
    }

    /// Opens a backup, which is only read: nothing is created beside it.
    pub async fn open_backup(file: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new().filename(file).read_only(true).immutable(true);
        Self::of_backup(options, file)
    }
}

/// Whether the file is a whole database, which is then opened.
pub async fn check_backup(file: &Path) -> Result<Db, BackupFault> {
    check_size(file)?;
    let db = Db::open_backup(file).await?;
    let outcome = check_structure(&db).await;
    if outcome.is_err() {
        db.close().await;
    }
    outcome.map(|()| db)
}

/// Compares the size with what the head of the file tells (SQLite's file format, 1.3).
fn check_size(file: &Path) -> Result<(), BackupFault> {
    let mut head = [0; 100];
    let mut opened = File::open(file)?;
    let has = opened.metadata()?.len();
    match opened.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(BackupFault::NoDatabase),
        outcome => outcome?,
    }
    let [
        b'S',
        b'Q',
        b'L',
        b'i',
        b't',
        b'e',
        b' ',
        b'f',
        b'o',
        b'r',
        b'm',
        b'a',
        b't',
        b' ',
        b'3',
        0,
        p0,
        p1,
        ..,
    ] = head
    else {
        return Err(BackupFault::NoDatabase);
    };
    let [.., n0, n1, n2, n3] = *head.first_chunk::<32>().unwrap_or(&[0; 32]);
    let page = match u64::from(u16::from_be_bytes([p0, p1])) {
        1 => 65_536,
        size => size,
    };
    let wanted = page * u64::from(u32::from_be_bytes([n0, n1, n2, n3]));
    match has < wanted {
        true => Err(BackupFault::CutShort { has, wanted }),
        false => Ok(()),
    }
}

/// Lets SQLite look at every page, every index and every reference.
async fn check_structure(db: &Db) -> Result<(), BackupFault> {
    let Pools::Sqlite { readers, .. } = &db.pools else { return Ok(()) };
    let damaged = |error: sqlx::Error| BackupFault::Damaged(error.to_string());
    let mut conn = readers.open().await.map_err(|error| BackupFault::Damaged(error.to_string()))?;
    let found: Vec<String> =
        sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_all(&mut conn).await.map_err(damaged)?;
    if let Some(first) = found.iter().find(|line| *line != "ok") {
        return Err(BackupFault::Damaged(first.replace('\n', " ")));
    }
    let stray = sqlx::query("PRAGMA foreign_key_check").fetch_optional(&mut conn).await.map_err(damaged)?;
    if let Some(row) = stray {
        let table: String = sqlx::Row::try_get(&row, 0).map_err(damaged)?;
        return Err(BackupFault::Damaged(format!("a row of {table} refers to one that is not there")));
    }
    conn.close().await.map_err(Error::from)?;
    Ok(())
}
