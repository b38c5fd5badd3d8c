//! The space that an SQLite file takes, and the space that is left for it.

use std::{fs, path::Path};

use crate::{
    cli::doctor::findings::Findings,
    config::Config,
    store::{Db, wal_of},
};

const SUBJECT: &str = "disk";

/// Bytes on the file system: below, the next logins may fail.
const FULL: u64 = 32 * MEGABYTE;

/// Below, it is time to make room.
const NEARLY_FULL: u64 = 256 * MEGABYTE;

/// A write-ahead log beyond this is one that somebody keeps from beginning anew.
const LARGE_WAL: u64 = 256 * MEGABYTE;

const MEGABYTE: u64 = 1_000_000;

/// The free space of the file system. It is told even when the database cannot be opened.
pub(super) fn check_file_system(config: &Config, findings: &mut Findings) {
    let Some(file) = config.database_url.sqlite_file() else { return };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A folder that does not exist is told by whoever opens the database.
    let Ok(system) = rustix::fs::statvfs(folder) else { return };
    judge_free_space(
        &folder.display().to_string(),
        system.f_bavail.saturating_mul(system.f_frsize),
        findings,
    );
}

fn judge_free_space(folder: &str, free: u64, findings: &mut Findings) {
    let seen = format!("{} MB are free in {folder}", free / MEGABYTE);
    if free < FULL {
        let mend =
            "make room on this file system: when it is full, nothing can be written and every login fails";
        findings.bad(SUBJECT, seen, mend);
    } else if free < NEARLY_FULL {
        findings.attention(SUBJECT, seen, "make room on this file system before it is full");
    } else {
        findings.ok(SUBJECT, seen);
    }
}

/// The sizes of the file and its write-ahead log.
pub(super) async fn check_files(config: &Config, db: &Db, findings: &mut Findings) {
    let Some(file) = config.database_url.sqlite_file() else { return };
    let pages = match db.file_pages().await {
        Ok(Some(pages)) => pages,
        Ok(None) => return,
        Err(error) => {
            findings.bad(SUBJECT, error.to_string(), "see what the database's own log says");
            return;
        }
    };
    let megabytes = |count: i64| u64::try_from(count * pages.size).unwrap_or_default() / MEGABYTE;
    let wal = fs::metadata(wal_of(file)).map_or(0, |metadata| metadata.len());
    let seen = format!(
        "the database takes {} MB, of which {} MB are free, and its write-ahead log {} MB",
        megabytes(pages.total),
        megabytes(pages.free),
        wal / MEGABYTE
    );
    if wal > LARGE_WAL {
        findings.attention(
            SUBJECT,
            seen,
            "end the process that reads an old state of the database (a backup, an open sqlite3): the server \
             truncates the log within minutes",
        );
    } else if !pages.can_be_given_back {
        let mend = "run `ostiary compact` once, in a quiet hour: the file then gives back what is free in it by itself";
        findings.attention(SUBJECT, seen, mend);
    } else {
        findings.ok(SUBJECT, seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::findings::Level;

    #[test]
    fn a_disk_is_told_to_be_full_before_it_is() {
        for (free, level) in [
            (0, Level::Bad),
            (FULL - 1, Level::Bad),
            (FULL, Level::Attention),
            (NEARLY_FULL - 1, Level::Attention),
            (NEARLY_FULL, Level::Ok),
        ] {
            let mut findings = Findings::default();
            judge_free_space("/data", free, &mut findings);
            assert_eq!(findings.worst(), level, "{free}");
        }
    }
}
