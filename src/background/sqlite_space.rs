//! Gives back the space that an SQLite file no longer needs: free pages to the file system, and a write-ahead log that a
//! long reader let grow.

use crate::{
    app::{Result, State},
    store::FilePages,
};

/// The maximum number of steps per run. One gives back 1 MiB; between two of them requests get their turn at the database.
const MAX_STEPS: usize = 200;

/// How many bytes may stay free. What is deleted in a day is written in a day.
const KEPT_FREE: i64 = 8 * 1024 * 1024;

/// Gives back what is free and the write-ahead log, in small steps. Nothing on PostgreSQL.
pub async fn give_back(state: &State) -> Result<()> {
    for _ in 0..MAX_STEPS {
        match state.db.file_pages().await? {
            Some(pages) if has_too_many_free(pages) => state.db.give_back_pages().await?,
            _ => break,
        }
    }
    if let Some(bytes) = state.db.truncate_wal().await? {
        let megabytes = bytes >> 20;
        tracing::warn!(
            megabytes,
            "the write-ahead log of SQLite stays large: some process reads an old state of the database"
        );
    }
    Ok(())
}

/// Whether more is free than a sixteenth of the file, which changes hands anyway.
fn has_too_many_free(pages: FilePages) -> bool {
    pages.can_be_given_back && pages.free > (KEPT_FREE / pages.size.max(1)).max(pages.total / 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_the_free_pages_are_kept() {
        let file = |total, free| FilePages { total, free, size: 4096, can_be_given_back: true };
        assert!(!has_too_many_free(file(4_000, 2_048)));
        assert!(has_too_many_free(file(4_000, 2_049)));
        assert!(!has_too_many_free(file(1_600_000, 100_000)));
        assert!(has_too_many_free(file(1_600_000, 100_001)));
        assert!(!has_too_many_free(FilePages { can_be_given_back: false, ..file(4_000, 3_000) }));
    }
}
