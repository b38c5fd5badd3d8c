//! A whole installation is copied into another database, of either kind: every table as the schema has it, in the order of
//! references, and what is sealed anew where the target has another master key.
//!
//! A batch and the note of how far the copy has come are one transaction of the target. A copy that was killed goes on from
//! there. The source is only read. The settings, and with them the check of the master key, come last, so that nothing
//! serves a target that is not complete.

mod digest;
mod error;
mod sealed;
mod side;
mod verification;

use base::{random::Random, secret::Digest, time::Timestamp};
use model::audit::audit_fields;
use serde::{Deserialize, Serialize};

pub use error::{CopyError, Result};
pub use side::{Phase, Progress, Side};
pub use verification::VerifiedTable;

use super::audit;
use crate::store::{
    self, Db, Dialect,
    schema_tables::{self, Table},
    settings::{self, COPY_UNDER_WAY, OF_THE_DATABASE},
    table_rows::{self, Cells},
};
use sealed::Resealing;
use side::{SETTINGS, jobs};

/// What is written down in the target after every batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// The digest of the source's check of its master key, which no two installations have in common.
    source: String,
    /// The name of the master key that seals in the target.
    key: String,
    /// The newest migration of both.
    migration: i64,
    /// How many steps are done.
    steps: usize,
    /// The key of the last row that the current step is done with.
    after: Option<Cells>,
    /// How many rows it has done.
    rows: i64,
}

/// What a copy did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Whether it went on where an earlier one ended.
    pub resumed: bool,
    /// Every table, compared.
    pub tables: Vec<VerifiedTable>,
    /// Sealed values that could not be opened, and were copied as they are.
    pub unreadable: u64,
}

/// Copies `from` into `to`, which must be empty or hold an interrupted copy of the same source.
pub async fn copy(
    from: Side<'_>,
    to: Side<'_>,
    now: Timestamp,
    random: &dyn Random,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Copied> {
    // Nobody else writes to a file meanwhile; to a server somebody might, which the comparison finds.
    let _held = match from.db.dialect() {
        Dialect::Sqlite => Some(from.db.write().await.map_err(CopyError::SourceInUse)?),
        Dialect::Postgres => None,
    };
    let source = identity(from).await?;
    let tables = prepare(from, to).await?;
    let resumed = settings::find(&mut to.db.read().await?, COPY_UNDER_WAY).await?;
    let (mut note, mut mark) = match &resumed {
        Some(note) => (note.clone(), resume(note, &source, to)?),
        None => begin(&source, &tables, to).await?,
    };
    let mut resealing = Resealing::new(from.key, to.key, random);
    for (number, (phase, table)) in steps(&tables).into_iter().enumerate().skip(mark.steps) {
        let of = table_rows::count(&mut jobs(from.db).read().await?, table).await.ok();
        progress(Progress { phase, table: &table.name, rows: mark.rows, of });
        loop {
            let mut conn = jobs(from.db).read().await?;
            let mut rows = table_rows::list(&mut conn, table, mark.after.as_deref()).await?;
            drop(conn);
            let Some(last) = rows.last() else { break };
            mark.after = Some(table.key_of(last));
            mark.rows += i64::try_from(rows.len()).unwrap_or(i64::MAX);
            let mut tx = jobs(to.db).write().await?;
            match phase {
                Phase::Copying => {
                    resealing.reseal(table, &mut rows);
                    table_rows::insert(&mut tx, table, &rows).await?;
                }
                _ => table_rows::fill_late(&mut tx, table, &rows).await?,
            }
            write_mark(&mut tx, &mut note, &mark).await?;
            tx.commit().await?;
            progress(Progress { phase, table: &table.name, rows: mark.rows, of });
        }
        (mark.steps, mark.after, mark.rows) = (number + 1, None, 0);
    }
    if from.db.other_sessions().await? > 0 {
        return Err(CopyError::SourceServed);
    }
    let verified = verification::verify(from, to, &tables, progress).await?;
    finish((from, to), &tables, &mut resealing, (now, random)).await?;
    Ok(Copied { resumed: resumed.is_some(), tables: verified, unreadable: resealing.unreadable })
}

/// What is done, in this order.
fn steps(tables: &[Table]) -> Vec<(Phase, &Table)> {
    let copied = tables.iter().filter(|table| table.name != SETTINGS);
    let filled = tables.iter().filter(|table| !table.late.is_empty());
    copied.map(|table| (Phase::Copying, table)).chain(filled.map(|table| (Phase::Filling, table))).collect()
}

/// What tells the source from every other one. Refused where nothing was ever kept, or somebody else uses it.
async fn identity(from: Side<'_>) -> Result<String> {
    if let Some(fault) = from.db.schema_fault().await? {
        return Err(CopyError::SourceSchema(fault.to_string()));
    }
    if let Some(newer) = from.db.newer_schema().await? {
        return Err(CopyError::SourceSchema(newer.to_string()));
    }
    if from.db.other_sessions().await? > 0 {
        return Err(CopyError::SourceServed);
    }
    let mut conn = from.db.read().await?;
    if settings::find(&mut conn, COPY_UNDER_WAY).await?.is_some() {
        return Err(CopyError::SourceUnfinished);
    }
    let check = settings::find(&mut conn, "master_key_check").await?.ok_or(CopyError::SourceUnused)?;
    Ok(Digest::of(check.as_bytes()).to_hex())
}

/// Refuses a target that a server, or a finished copy, has used.
pub async fn refuse_used(target: &Db) -> Result<()> {
    let check = settings::find_if_migrated(&mut target.read().await?, "master_key_check").await?;
    check.map_or(Ok(()), |_| Err(CopyError::TargetNotEmpty(format!("{SETTINGS}: master_key_check"))))
}

/// Creates the target's tables, unless something of somebody else is there. Returns the tables of both.
async fn prepare(from: Side<'_>, to: Side<'_>) -> Result<Vec<Table>> {
    let before = schema_tables::tables(&mut to.db.read().await?).await?;
    if let Some(foreign) = before.first()
        && !before.iter().any(|table| table.name == SETTINGS)
    {
        return Err(CopyError::TargetNotEmpty(foreign.name.clone()));
    }
    to.db.migrate().await?;
    if let Some(newer) = to.db.newer_schema().await? {
        return Err(CopyError::TargetSchema(newer.to_string()));
    }
    let tables = schema_tables::tables(&mut from.db.read().await?).await?;
    let theirs = schema_tables::tables(&mut to.db.read().await?).await?;
    let differs = |table: &&Table| !theirs.contains(table);
    if let Some(table) =
        tables.iter().find(differs).or_else(|| theirs.iter().find(|table| !tables.contains(table)))
    {
        return Err(CopyError::SchemasDiffer(table.name.clone()));
    }
    Ok(tables)
}

/// Where an interrupted copy goes on.
fn resume(note: &str, source: &str, to: Side<'_>) -> Result<Mark> {
    let mark: Mark = serde_json::from_str(note).map_err(|_| CopyError::TargetOfAnotherVersion)?;
    if mark.source != source {
        return Err(CopyError::TargetOfAnotherSource);
    }
    if mark.migration != store::newest_known() {
        return Err(CopyError::TargetOfAnotherVersion);
    }
    if Some(&mark.key) != to.key.names().first() {
        return Err(CopyError::TargetOfAnotherKey(mark.key));
    }
    Ok(mark)
}

/// Notes that a copy begins, in a target that holds nothing.
async fn begin(source: &str, tables: &[Table], to: Side<'_>) -> Result<(String, Mark)> {
    let mut tx = to.db.write().await?;
    for table in tables.iter().filter(|table| table.name != SETTINGS) {
        if !table_rows::is_empty(&mut tx, table).await? {
            return Err(CopyError::TargetNotEmpty(table.name.clone()));
        }
    }
    for row in settings_of(&mut tx, tables).await? {
        let name = row.first().and_then(sealed::text).unwrap_or_default();
        return Err(CopyError::TargetNotEmpty(format!("{SETTINGS}: {name}")));
    }
    let key = to.key.names().into_iter().next().unwrap_or_default();
    let (source, migration) = (source.to_owned(), store::newest_known());
    let mark = Mark { source, key, migration, steps: 0, after: None, rows: 0 };
    let note = serde_json::to_string(&mark).unwrap_or_default();
    if !settings::insert(&mut tx, COPY_UNDER_WAY, &note).await? {
        return Err(CopyError::AnotherCopy);
    }
    tx.commit().await?;
    Ok((note, mark))
}

/// Notes how far the copy has come. Refused if another one has come further meanwhile.
async fn write_mark(tx: &mut store::Transaction, note: &mut String, mark: &Mark) -> Result<()> {
    let next = serde_json::to_string(mark).unwrap_or_default();
    if !settings::replace(tx, COPY_UNDER_WAY, note, &next).await? {
        return Err(CopyError::AnotherCopy);
    }
    *note = next;
    Ok(())
}

/// The settings that are the installation's own.
async fn settings_of(conn: &mut store::Conn, tables: &[Table]) -> Result<Vec<Cells>> {
    let Some(table) = tables.iter().find(|table| table.name == SETTINGS) else { return Ok(Vec::new()) };
    let Some(name) = table.place("name") else { return Ok(Vec::new()) };
    let (mut all, mut after) = (Vec::new(), None::<Cells>);
    loop {
        let rows = table_rows::list(conn, table, after.as_deref()).await?;
        let Some(last) = rows.last() else { return Ok(all) };
        after = Some(table.key_of(last));
        let of_the_database = |row: &Cells| {
            row.get(name).and_then(sealed::text).is_some_and(|name| OF_THE_DATABASE.contains(&name))
        };
        all.extend(rows.into_iter().filter(|row| !of_the_database(row)));
    }
}

/// Copies the settings, and ends the copy.
async fn finish(
    (from, to): (Side<'_>, Side<'_>),
    tables: &[Table],
    resealing: &mut Resealing<'_>,
    (now, random): (Timestamp, &dyn Random),
) -> Result<()> {
    let Some(table) = tables.iter().find(|table| table.name == SETTINGS) else { return Ok(()) };
    let mut rows = settings_of(&mut from.db.read().await?, tables).await?;
    resealing.reseal(table, &mut rows);
    let kind = |db: &Db| match db.dialect() {
        Dialect::Sqlite => "sqlite",
        Dialect::Postgres => "postgres",
    };
    let fields = audit_fields! { "from": kind(from.db), "to": kind(to.db) };
    let mut tx = to.db.write().await?;
    table_rows::insert(&mut tx, table, &rows).await?;
    audit::record_of_database(&mut tx, (now, random), "copied", fields).await?;
    settings::remove(&mut tx, COPY_UNDER_WAY).await?;
    Ok(tx.commit().await?)
}
