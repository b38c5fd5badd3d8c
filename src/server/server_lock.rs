//! Whether another server has the same SQLite file open.
//!
//! Two servers on one file work: they take turns at writing, and the database decides every race. It is the way to restart
//! without a gap, and otherwise a mistake that nobody would notice. So the second one says it.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::config::Config;

/// Held while a server runs: a lock on the file `….lock` beside the database. It is not the database itself that is locked,
/// because SQLite's own locks end when a process closes any handle of the file.
pub(super) struct ServerLock {
    _file: fs::File,
}

impl ServerLock {
    /// Takes the lock for an SQLite file, and warns if other servers hold it. Without the lock a server runs all the same.
    pub(super) fn take(config: &Config) -> Option<Self> {
        let database = config.database_url.sqlite_file()?;
        let path = lock_of(database);
        match Self::take_at(&path) {
            Ok((lock, others)) => {
                if let Some(others) = others {
                    let database = database.display();
                    tracing::warn!(
                        processes = others.join(" "),
                        "another server has {database} open: they wait for each other's writes; stop one of them, unless \
                         this is a restart"
                    );
                }
                Some(lock)
            }
            Err(error) => {
                let lock = path.display();
                tracing::warn!(%error, "{lock} cannot be locked, so another server on this database would not be noticed");
                None
            }
        }
    }

    /// The lock, and the process ids of others that hold it.
    fn take_at(path: &Path) -> io::Result<(Self, Option<Vec<String>>)> {
        let mut file = fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        let mut others = None;
        match file.try_lock() {
            Ok(()) => file.set_len(0)?,
            Err(fs::TryLockError::WouldBlock) => {
                let mut text = String::new();
                (&file).take(4096).read_to_string(&mut text)?;
                others = Some(text.lines().filter(|id| is_running(id)).map(str::to_owned).collect());
            }
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        writeln!(file, "{}", std::process::id())?;
        // Held alone only for this moment.
        file.lock_shared()?;
        Ok((Self { _file: file }, others))
    }
}

/// Whether a server has the database in this file open.
pub fn is_served(database: &Path) -> io::Result<bool> {
    match fs::OpenOptions::new().read(true).open(lock_of(database)) {
        Ok(file) => match file.try_lock() {
            Ok(()) => Ok(false),
            Err(fs::TryLockError::WouldBlock) => Ok(true),
            Err(fs::TryLockError::Error(error)) => Err(error),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The file whose lock tells that a server runs.
fn lock_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// Whether there is such a process, where the system tells.
fn is_running(id: &str) -> bool {
    let processes = Path::new("/proc/self");
    !processes.exists() || Path::new("/proc").join(id).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_server_is_told_of_the_first_and_the_third_of_the_second() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.db.lock");
        let (first, others) = ServerLock::take_at(&path).unwrap();
        assert_eq!(others, None);
        assert!(is_served(&directory.path().join("x.db")).unwrap());
        let (second, others) = ServerLock::take_at(&path).unwrap();
        assert_eq!(others, Some(vec![std::process::id().to_string()]));
        drop(first);
        let (third, others) = ServerLock::take_at(&path).unwrap();
        assert!(others.is_some());
        drop((second, third));
        assert!(!is_served(&directory.path().join("x.db")).unwrap());
        assert_eq!(ServerLock::take_at(&path).unwrap().1, None);
    }
}
