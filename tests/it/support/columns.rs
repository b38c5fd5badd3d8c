//! Every text in the database, wherever it stands.

use super::{Backend, TestApp};

impl TestApp {
    /// The columns (`table.column`) with a text for which `condition`, an expression with `{}` for the text and `$1` for
    /// `value`, holds.
    pub async fn columns_where(&self, condition: &str, value: &str) -> Vec<String> {
        let columns = match self.backend {
            Backend::Sqlite => {
                "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c \
                 WHERE t.type = 'table' AND c.type = 'TEXT'"
            }
            Backend::Postgres => {
                "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND data_type = 'text'"
            }
        };
        let mut conn = self.state.db.read().await.expect("a connection");
        let columns: Vec<(String, String)> = conn.sql(columns).all().await.expect("columns");
        assert!(columns.len() > 100, "{} columns", columns.len());
        let mut found = Vec::new();
        for (table, column) in columns {
            let condition = condition.replace("{}", &column);
            let text = format!("SELECT COUNT(*) FROM {table} WHERE {condition}");
            let (count,): (i64,) = conn.sql(text.leak()).bind(value).one().await.expect("a count");
            if count > 0 {
                found.push(format!("{table}.{column}"));
            }
        }
        found.sort();
        found
    }

    /// The columns in which this text stands in clear.
    pub async fn columns_with(&self, text: &str) -> Vec<String> {
        self.columns_where("{} LIKE $1", &format!("%{text}%")).await
    }
}

/// The texts in a column.
pub async fn texts(app: &TestApp, table: &str, column: &str) -> Vec<String> {
    let mut conn = app.state.db.read().await.expect("a connection");
    let text = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL");
    let rows: Vec<(String,)> = conn.sql(text.leak()).all().await.expect("texts");
    rows.into_iter().map(|(text,)| text).collect()
}
