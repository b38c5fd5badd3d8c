//! The rows of any table, in the order of its primary key and in batches of bounded size.

use std::fmt::Write as _;

use super::{
    Conn, Result, Transaction,
    connection::{Row, Statement},
    schema_tables::{ColumnKind, Table, quoted},
};

/// How many rows a batch has at most.
const BATCH_ROWS: i64 = 1000;

/// How many bytes of text a batch has at most, unless it is one row.
const BATCH_BYTES: i64 = 4 * 1024 * 1024;

/// How many rows one statement writes at most …
const ROWS_OF_STATEMENT: usize = 100;

/// … and how many values: SQLite and PostgreSQL both allow 32,766 parameters.
const VALUES_OF_STATEMENT: usize = 10_000;

/// The value of a column.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// Of TEXT.
    Text(String),
    /// Of BIGINT.
    Integer(i64),
    /// Of BOOLEAN.
    Boolean(bool),
    /// NULL.
    Null,
}

/// The values of a row, in the order of the table's columns.
pub type Cells = Vec<Cell>;

/// Binds a value, or NULL of the column's type.
fn bind<'c>(statement: Statement<'c>, cell: Option<&Cell>, kind: ColumnKind) -> Statement<'c> {
    match (cell, kind) {
        (Some(Cell::Text(text)), _) => statement.bind(text.clone()),
        (Some(Cell::Integer(number)), _) => statement.bind(*number),
        (Some(Cell::Boolean(truth)), _) => statement.bind(*truth),
        (_, ColumnKind::Text) => statement.bind(None::<String>),
        (_, ColumnKind::Integer) => statement.bind(None::<i64>),
        (_, ColumnKind::Boolean) => statement.bind(None::<bool>),
    }
}

/// `$1, $2, …`: as many as `count`, after `before`.
fn placeholders(before: usize, count: usize) -> String {
    let mut text = String::new();
    for number in before + 1..=before + count {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}${number}", if number == before + 1 { "" } else { ", " });
    }
    text
}

fn cell(row: &Row, place: usize, kind: ColumnKind) -> Result<Cell> {
    Ok(match kind {
        ColumnKind::Text => row.at::<Option<String>>(place)?.map(Cell::Text),
        ColumnKind::Integer => row.at::<Option<i64>>(place)?.map(Cell::Integer),
        ColumnKind::Boolean => row.at::<Option<bool>>(place)?.map(Cell::Boolean),
    }
    .unwrap_or(Cell::Null))
}

impl Table {
    /// The key of a row.
    pub fn key_of(&self, cells: &[Cell]) -> Cells {
        self.key.iter().map(|place| cells.get(*place).cloned().unwrap_or(Cell::Null)).collect()
    }

    fn bind_key<'c>(&self, statement: Statement<'c>, key: &[Cell]) -> Statement<'c> {
        self.key.iter().enumerate().fold(statement, |statement, (at, place)| {
            let kind = self.columns.get(*place).map_or(ColumnKind::Text, |column| column.kind);
            bind(statement, key.get(at), kind)
        })
    }
}

/// Whether a table has no row.
pub async fn is_empty(conn: &mut Conn, table: &Table) -> Result<bool> {
    let text = format!("SELECT 1 FROM {} LIMIT 1", quoted(&table.name));
    Ok(conn.on_schema(text).rows().await?.is_empty())
}

/// How many rows a table has.
pub async fn count(conn: &mut Conn, table: &Table) -> Result<i64> {
    let (rows,): (i64,) =
        conn.on_schema(format!("SELECT COUNT(*) FROM {}", quoted(&table.name))).one().await?;
    Ok(rows)
}

/// The next rows after the one with this key: none, when there are no more.
pub async fn list(conn: &mut Conn, table: &Table, after: Option<&[Cell]>) -> Result<Vec<Cells>> {
    let key = table.names(&table.key);
    let parts = table.key.len();
    let beyond = |before| format!("({key}) > ({})", placeholders(before, parts));
    let Some(last) = end_of_batch(conn, table, after).await? else { return Ok(Vec::new()) };
    let every: Vec<usize> = (0..table.columns.len()).collect();
    let mut text = format!("SELECT {} FROM {} WHERE ", table.names(&every), quoted(&table.name));
    if after.is_some() {
        text += &format!("{} AND ", beyond(parts));
    }
    text += &format!("({key}) <= ({}) ORDER BY {key}", placeholders(0, parts));
    let mut statement = table.bind_key(conn.on_schema(text), &last);
    if let Some(after) = after {
        statement = table.bind_key(statement, after);
    }
    let rows = statement.rows().await?;
    let cells = |row: &Row| {
        table.columns.iter().enumerate().map(|(place, column)| cell(row, place, column.kind)).collect()
    };
    rows.iter().map(cells).collect()
}

/// The key of the last row of the next batch. The sizes of the rows are looked at, not the rows.
async fn end_of_batch(conn: &mut Conn, table: &Table, after: Option<&[Cell]>) -> Result<Option<Cells>> {
    let key = table.names(&table.key);
    let texts = table.columns.iter().filter(|column| column.kind == ColumnKind::Text);
    let mut size = String::from("0");
    for text in texts {
        size += &format!(" + COALESCE(octet_length({}), 0)", quoted(&text.name));
    }
    let mut text = format!("SELECT {key}, CAST({size} AS BIGINT) FROM {}", quoted(&table.name));
    if after.is_some() {
        text += &format!(" WHERE ({key}) > ({})", placeholders(0, table.key.len()));
    }
    text += &format!(" ORDER BY {key} LIMIT {BATCH_ROWS}");
    let mut statement = conn.on_schema(text);
    if let Some(after) = after {
        statement = table.bind_key(statement, after);
    }
    let (mut last, mut bytes) = (None, 0_i64);
    for row in statement.rows().await? {
        bytes = bytes.saturating_add(row.at(table.key.len())?);
        if bytes > BATCH_BYTES && last.is_some() {
            break;
        }
        last = Some(row);
    }
    let Some(row) = last else { return Ok(None) };
    let kinds = table.key.iter().filter_map(|place| table.columns.get(*place)).map(|column| column.kind);
    kinds.enumerate().map(|(at, kind)| cell(&row, at, kind)).collect::<Result<_>>().map(Some)
}

/// Inserts rows, those columns that are filled later as NULL.
pub async fn insert(tx: &mut Transaction, table: &Table, rows: &[Cells]) -> Result<()> {
    let width = table.columns.len().max(1);
    let every: Vec<usize> = (0..table.columns.len()).collect();
    let columns = table.names(&every);
    for some in rows.chunks((VALUES_OF_STATEMENT / width).clamp(1, ROWS_OF_STATEMENT)) {
        let mut text = format!("INSERT INTO {} ({columns}) VALUES ", quoted(&table.name));
        for at in 0..some.len() {
            let comma = if at == 0 { "" } else { ", " };
            text += &format!("{comma}({})", placeholders(at * width, width));
        }
        let mut statement = tx.on_schema(text);
        for row in some {
            for (place, column) in table.columns.iter().enumerate() {
                let value = row.get(place).filter(|_| !table.late.contains(&place));
                statement = bind(statement, value, column.kind);
            }
        }
        statement.execute().await?;
    }
    Ok(())
}

/// Fills the columns that were left out.
pub async fn fill_late(tx: &mut Transaction, table: &Table, rows: &[Cells]) -> Result<()> {
    let is_set =
        |row: &Cells| table.late.iter().any(|place| row.get(*place).is_some_and(|cell| *cell != Cell::Null));
    for row in rows.iter().filter(|row| is_set(row)) {
        let mut text = format!("UPDATE {} SET ", quoted(&table.name));
        for (at, place) in table.late.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            text += &format!("{comma}{} = ${}", table.names(&[*place]), at + 1);
        }
        text += &format!(
            " WHERE ({}) = ({})",
            table.names(&table.key),
            placeholders(table.late.len(), table.key.len())
        );
        let mut statement = tx.on_schema(text);
        for place in &table.late {
            let kind = table.columns.get(*place).map_or(ColumnKind::Text, |column| column.kind);
            statement = bind(statement, row.get(*place), kind);
        }
        table.bind_key(statement, &table.key_of(row)).execute().await?;
    }
    Ok(())
}
