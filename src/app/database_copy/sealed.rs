//! Sealed values on their way into a database with another master key.

use base::random::Random;
use model::master_key::MasterKey;

use crate::store::{
    schema_tables::Table,
    sealed_columns::{SEALED_COLUMNS, SealedColumn},
    table_rows::{Cell, Cells},
};

/// The text of a value.
pub(super) fn text(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    }
}

/// The sealed columns of a table, with their places.
pub(super) fn columns_of(table: &Table) -> Vec<(&'static SealedColumn, usize)> {
    let of_table = SEALED_COLUMNS.iter().filter(|column| column.table == table.name);
    of_table.filter_map(|column| Some((column, table.place(column.column)?))).collect()
}

/// What the value of a sealed column is sealed for, in a row.
fn context(table: &Table, column: &SealedColumn, row: &Cells) -> Option<String> {
    column.context_in(|name| row.get(table.place(name)?).and_then(text).map(str::to_owned))
}

/// The opened values of a row, in place of the sealed ones; those that cannot be opened stay.
pub(super) fn opened(
    table: &Table,
    columns: &[(&'static SealedColumn, usize)],
    key: &MasterKey,
    row: &Cells,
) -> Vec<(usize, Vec<u8>)> {
    let value = |(column, place): &(&'static SealedColumn, usize)| {
        let sealed = row.get(*place).and_then(text)?;
        Some((*place, key.open(&context(table, column, row)?, sealed).ok()?))
    };
    columns.iter().filter_map(value).collect()
}

/// Seals anew what the target's key has not sealed.
pub(super) struct Resealing<'a> {
    from: &'a MasterKey,
    to: &'a MasterKey,
    random: &'a dyn Random,
    /// The name of the target's key, as values begin with it.
    sealed_anew: String,
    /// How many values could not be opened.
    pub(super) unreadable: u64,
}

impl<'a> Resealing<'a> {
    pub(super) fn new(from: &'a MasterKey, to: &'a MasterKey, random: &'a dyn Random) -> Self {
        let name = to.names().into_iter().next().unwrap_or_default();
        Self { from, to, random, sealed_anew: format!("{name}."), unreadable: 0 }
    }

    /// Seals the values of rows anew. One that cannot be opened stays as it is: it was of no use before either.
    pub(super) fn reseal(&mut self, table: &Table, rows: &mut [Cells]) {
        let columns = columns_of(table);
        if columns.is_empty() {
            return;
        }
        for row in rows {
            for (column, place) in &columns {
                let Some(sealed) = row.get(*place).and_then(text) else { continue };
                let Some(context) = context(table, column, row) else { continue };
                // What an earlier release stored in clear stays so until `ostiary keys reseal`.
                if sealed.starts_with(&self.sealed_anew) || sealed.starts_with('{') {
                    continue;
                }
                match self.from.open(&context, sealed) {
                    Ok(plain) => {
                        let anew = self.to.seal(&context, &plain, self.random);
                        if let Some(cell) = row.get_mut(*place) {
                            *cell = Cell::Text(anew);
                        }
                    }
                    Err(_) => self.unreadable += 1,
                }
            }
        }
    }
}
