//! The comparison of a copy with its source: every table by its count and a digest of all its rows.

use serde::Serialize;

use super::{
    digest::RowsDigest,
    error::{CopyError, Result},
    sealed,
    side::{Phase, Progress, SETTINGS, Side, jobs},
};
use crate::store::{
    schema_tables::Table,
    table_rows::{self, Cells},
};

/// A table that is the same in both databases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifiedTable {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: i64,
    /// The digest of its rows, in hexadecimal: sealed values count by what they hold.
    pub digest: String,
}

/// Compares every table but the settings, which are not copied yet.
pub(super) async fn verify(
    from: Side<'_>,
    to: Side<'_>,
    tables: &[Table],
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<VerifiedTable>> {
    let mut verified = Vec::with_capacity(tables.len());
    for table in tables.iter().filter(|table| table.name != SETTINGS) {
        let of = table_rows::count(&mut jobs(from.db).read().await?, table).await.ok();
        let source = digest(from, table, &mut |rows| {
            progress(Progress { phase: Phase::Comparing, table: &table.name, rows: rows / 2, of });
        })
        .await?;
        let copy = digest(to, table, &mut |rows| {
            let rows = source.rows.saturating_add(rows) / 2;
            progress(Progress { phase: Phase::Comparing, table: &table.name, rows, of });
        })
        .await?;
        if source != copy {
            return Err(CopyError::Differs { table: table.name.clone(), from: source.rows, to: copy.rows });
        }
        verified.push(VerifiedTable { name: table.name.clone(), rows: source.rows, digest: source.to_hex() });
    }
    Ok(verified)
}

async fn digest(side: Side<'_>, table: &Table, read: &mut dyn FnMut(i64)) -> Result<RowsDigest> {
    let columns = sealed::columns_of(table);
    let mut digest = RowsDigest::default();
    let mut after: Option<Cells> = None;
    read(0);
    loop {
        let rows = table_rows::list(&mut jobs(side.db).read().await?, table, after.as_deref()).await?;
        let Some(last) = rows.last() else { return Ok(digest) };
        after = Some(table.key_of(last));
        for row in &rows {
            digest.add(row, &sealed::opened(table, &columns, side.key, row));
        }
        read(digest.rows);
    }
}
