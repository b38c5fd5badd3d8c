//! The tables of the schema as the database itself describes them, for what treats all of them alike: a new table cannot be
//! forgotten.

use std::collections::{BTreeMap, BTreeSet};

use super::{Conn, Dialect, Result};

/// What a column holds. The schema has no other types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// TEXT.
    Text,
    /// BIGINT.
    Integer,
    /// BOOLEAN.
    Boolean,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
}

/// A table with its columns, which are in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<TableColumn>,
    /// The columns of its primary key, in the key's order, by their places in `columns`.
    pub key: Vec<usize>,
    /// Columns that refer to a row of this table or of a later one, by their places in `columns`. They may be NULL, and are
    /// filled when the rows that they refer to are there.
    pub late: Vec<usize>,
}

impl Table {
    /// The place of a column.
    pub fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }

    /// The names of some columns as statements have them, with commas.
    pub(super) fn names(&self, places: &[usize]) -> String {
        let names = places.iter().filter_map(|place| self.columns.get(*place));
        names.map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
    }
}

/// A name as statements have it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A column as its database describes it: table, name, type, the place in the primary key from 1.
type Described = (String, String, String, i64);

/// Every table but the list of applied migrations, each after the tables that it refers to.
pub async fn tables(conn: &mut Conn) -> Result<Vec<Table>> {
    let (columns, references) = match conn.dialect() {
        Dialect::Sqlite => (
            "SELECT m.name, c.name, lower(c.type), CAST(c.pk AS BIGINT) FROM sqlite_master m \
             JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name <> '_sqlx_migrations' \
             AND substr(m.name, 1, 7) <> 'sqlite_'",
            "SELECT m.name, f.\"from\", f.\"table\" FROM sqlite_master m \
             JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
        ),
        Dialect::Postgres => (
            "SELECT r.relname::TEXT, a.attname::TEXT, format_type(a.atttypid, NULL)::TEXT, \
             COALESCE(array_position(string_to_array(i.indkey::TEXT, ' '), a.attnum::TEXT), 0)::BIGINT \
             FROM pg_class r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped \
             LEFT JOIN pg_index i ON i.indrelid = r.oid AND i.indisprimary \
             WHERE r.relnamespace = current_schema()::REGNAMESPACE AND r.relkind = 'r' \
             AND r.relname <> '_sqlx_migrations'",
            "SELECT r.relname::TEXT, a.attname::TEXT, t.relname::TEXT FROM pg_constraint k \
             JOIN pg_class r ON r.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid \
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) \
             WHERE k.contype = 'f' AND r.relnamespace = current_schema()::REGNAMESPACE",
        ),
    };
    let columns: Vec<Described> = conn.sql(columns).all().await?;
    let references: Vec<(String, String, String)> = conn.sql(references).all().await?;
    Ok(ordered(described(columns), &references))
}

/// The tables with the columns of each.
fn described(mut columns: Vec<Described>) -> BTreeMap<String, Table> {
    columns.sort();
    let mut tables: BTreeMap<String, (Table, Vec<(i64, usize)>)> = BTreeMap::new();
    for (table, name, kind, in_key) in columns {
        let empty = Table { name: table.clone(), columns: Vec::new(), key: Vec::new(), late: Vec::new() };
        let (known, key) = tables.entry(table).or_insert((empty, Vec::new()));
        if in_key > 0 {
            key.push((in_key, known.columns.len()));
        }
        let kind = match &*kind {
            "bigint" => ColumnKind::Integer,
            "boolean" => ColumnKind::Boolean,
            _ => ColumnKind::Text,
        };
        known.columns.push(TableColumn { name, kind });
    }
    let with_key = |(name, (mut table, mut key)): (String, (Table, Vec<(i64, usize)>))| {
        key.sort_unstable();
        table.key = key.into_iter().map(|(_, place)| place).collect();
        (name, table)
    };
    tables.into_iter().map(with_key).collect()
}

/// Each table after those that it refers to. Where tables refer to each other in a circle, the references that close it are
/// late.
fn ordered(mut left: BTreeMap<String, Table>, references: &[(String, String, String)]) -> Vec<Table> {
    let mut done: BTreeSet<String> = BTreeSet::new();
    let mut tables = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |name: &String| {
            let mut needed = references.iter().filter(|(from, _, to)| from == name && to != name);
            needed.any(|(_, _, to)| !done.contains(to))
        };
        let next = left.keys().find(|name| !waits(name)).or_else(|| left.keys().next()).cloned();
        let Some(mut table) = next.and_then(|name| left.remove(&name)) else { break };
        let late = references.iter().filter(|(from, _, to)| *from == table.name && !done.contains(to));
        table.late = late.filter_map(|(_, column, _)| table.place(column)).collect();
        done.insert(table.name.clone());
        tables.push(table);
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;

    #[tokio::test]
    async fn every_table_comes_after_those_that_it_refers_to_and_can_be_paged() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("x.db").display());
        let db = Db::connect(&url, 2).await.unwrap();
        assert_eq!(tables(&mut db.read().await.unwrap()).await.unwrap(), []);
        db.migrate().await.unwrap();
        let tables = tables(&mut db.read().await.unwrap()).await.unwrap();
        assert!(tables.len() > 60, "{}", tables.len());
        let at = |name: &str| tables.iter().position(|table| table.name == name).unwrap();
        assert!(at("environments") < at("organizations") && at("organizations") < at("saml_connections"));
        assert!(at("scim_users") < at("scim_user_emails"));
        let late: Vec<_> = tables
            .iter()
            .filter(|table| !table.late.is_empty())
            .map(|table| (&*table.name, table.names(&table.late)))
            .collect();
        assert_eq!(late, [("organizations", "\"parent_id\"".to_owned())]);
        for table in &tables {
            assert!(!table.key.is_empty(), "{} has no primary key", table.name);
            for part in &table.key {
                assert_ne!(table.columns[*part].kind, ColumnKind::Boolean, "{}", table.name);
            }
        }
        let steps = &tables[at("login_flow_steps")];
        assert_eq!(steps.names(&steps.key), "\"flow_id\", \"sequence\"");
    }
}
