//! Every column whose values are sealed with the master key, and the statements that replace what an older key sealed.
//!
//! A value is `key name.base64` ([`model::master_key`]), so statements find the values of a key by their beginning.

use std::fmt::Display;

use super::{Conn, Parameter, Result, Sql, Transaction};

/// A column of sealed values.
#[derive(Debug, PartialEq, Eq)]
pub struct SealedColumn {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The columns of the primary key that are TEXT.
    key: &'static [&'static str],
    /// A further column of the primary key, of type BIGINT.
    number: Option<&'static str>,
    /// Whether an earlier release stored JSON in clear.
    may_be_clear: bool,
    /// Which rows hold sealed values, if not all of them do.
    condition: Option<&'static str>,
    /// The context of the values, without the row's key. It never changes: what is stored opens only with what it was sealed
    /// with, so some have the former name of a table.
    context: &'static str,
}

/// A column with a primary key of one TEXT column.
const fn column(table: &'static str, column: &'static str, context: &'static str) -> SealedColumn {
    SealedColumn { table, column, key: &["id"], number: None, may_be_clear: false, condition: None, context }
}

/// The attributes of logins.
pub const LOGIN_ATTRIBUTES: SealedColumn =
    SealedColumn { may_be_clear: true, ..column("login_flows", "attributes", "login_flows/attributes") };
/// The documents in timelines of logins; of the key only the flow's id is in the context.
pub const LOGIN_DOCUMENT: SealedColumn = SealedColumn {
    key: &["flow_id"],
    number: Some("sequence"),
    ..column("login_flow_steps", "document", "saml_flow_steps/document")
};
/// The queries of logged SCIM requests …
pub const SCIM_REQUEST_QUERY: SealedColumn = column("scim_requests", "query", "scim_requests/query");
/// … their bodies …
pub const SCIM_REQUEST_BODY: SealedColumn =
    column("scim_requests", "request_body", "scim_requests/request_body");
/// … and those of their responses.
pub const SCIM_RESPONSE_BODY: SealedColumn =
    column("scim_requests", "response_body", "scim_requests/response_body");
/// Stored responses of the API.
pub const IDEMPOTENT_ANSWER: SealedColumn = SealedColumn {
    key: &["api_key_id", "key_sha256"],
    ..column("idempotency_keys", "answer", "idempotency_keys/answer")
};
/// Private keys.
pub const PRIVATE_KEY: SealedColumn = column("signing_keys", "private_key", "signing_keys/private_key");
/// The secrets of webhooks …
pub const WEBHOOK_SECRET: SealedColumn = column("webhooks", "secret", "webhooks/secret");
/// … and those that a rotation replaced.
pub const FORMER_WEBHOOK_SECRET: SealedColumn = column("webhooks", "previous_secret", "webhooks/secret");
/// Our client secrets at customers' OpenID providers.
pub const OIDC_CLIENT_SECRET: SealedColumn =
    column("oidc_connections", "client_secret", "oidc_connections/client_secret");
/// The secrets of authenticator apps.
pub const TOTP_SECRET: SealedColumn =
    SealedColumn { key: &["account_id"], ..column("totp_secrets", "secret", "totp_secrets/secret") };
/// To whom letters are …
pub const LETTER_RECIPIENT: SealedColumn = column("letters", "recipient", "letters/recipient");
/// … and what they say, until they are sent.
pub const LETTER_CONTENTS: SealedColumn = column("letters", "contents", "letters/contents");
/// The secrets of new applications, until they are read.
pub const ISSUED_SECRET: SealedColumn =
    SealedColumn { key: &["application_id"], ..column("issued_secrets", "secret", "issued_secrets/secret") };
/// The secrets of the demo.
pub const DEMO_SECRETS: SealedColumn = setting("name = 'demo'");
/// What tells a wrong master key at the start.
pub const MASTER_KEY_CHECK: SealedColumn = setting("name = 'master_key_check'");

const fn setting(condition: &'static str) -> SealedColumn {
    SealedColumn {
        key: &["name"],
        condition: Some(condition),
        ..column("settings", "value", "settings/value")
    }
}

/// Every such column. The check of the master key is the last one: it changes when all the others have.
pub const SEALED_COLUMNS: &[SealedColumn] = &[
    PRIVATE_KEY,
    WEBHOOK_SECRET,
    FORMER_WEBHOOK_SECRET,
    OIDC_CLIENT_SECRET,
    TOTP_SECRET,
    ISSUED_SECRET,
    DEMO_SECRETS,
    IDEMPOTENT_ANSWER,
    LETTER_CONTENTS,
    LETTER_RECIPIENT,
    SCIM_REQUEST_QUERY,
    SCIM_REQUEST_BODY,
    SCIM_RESPONSE_BODY,
    LOGIN_DOCUMENT,
    LOGIN_ATTRIBUTES,
    MASTER_KEY_CHECK,
];

/// A stored value with the key of its row.
#[derive(Debug, Clone)]
pub struct SealedValue {
    key: Vec<String>,
    number: Option<i64>,
    /// The sealed value.
    pub sealed: String,
}

impl SealedColumn {
    /// What the value in the row with this key is sealed for.
    pub fn context(&self, key: &[&dyn Display]) -> String {
        key.iter().fold(self.context.to_owned(), |context, part| format!("{context}/{part}"))
    }

    /// What a stored value is sealed for.
    pub fn context_of(&self, value: &SealedValue) -> String {
        let key: Vec<&dyn Display> = value.key.iter().map(|part| part as _).collect();
        self.context(&key)
    }

    /// Whether a stored value is one that an earlier release stored in clear.
    pub fn is_clear(&self, value: &SealedValue) -> bool {
        self.may_be_clear && value.sealed.starts_with('{')
    }

    /// The condition that a row holds a value: the beginning of every statement here.
    fn rows(&self, statement: Sql) -> Sql {
        let statement = statement.push(" FROM ").push(self.table).push(" WHERE ").push(self.column);
        let statement = statement.push(" IS NOT NULL");
        match self.condition {
            Some(condition) => statement.push(" AND ").push(condition),
            None => statement,
        }
    }

    fn key_columns(&self, statement: Sql) -> Sql {
        let columns = self.key.iter().copied().chain(self.number).enumerate();
        columns.fold(statement, |statement, (at, column)| {
            if at == 0 { statement.push(column) } else { statement.push(", ").push(column) }
        })
    }
}

/// How many values are sealed under which key, by its name.
pub async fn count_by_key(conn: &mut Conn, column: &SealedColumn) -> Result<Vec<(String, i64)>> {
    let sql = Sql::from("SELECT CASE WHEN substr(").push(column.column).push(", 9, 1) = '.' THEN substr(");
    let sql = sql.push(column.column).push(", 1, 8) ELSE '' END, COUNT(*)");
    conn.dynamic(column.rows(sql).push(" GROUP BY 1 ORDER BY 1")).all().await
}

/// Up to `limit` values, by the key of their rows after `after`, that are not sealed under the key `name`.
pub async fn list_other(
    conn: &mut Conn,
    column: &SealedColumn,
    name: &str,
    after: Option<&SealedValue>,
    limit: i64,
) -> Result<Vec<SealedValue>> {
    let sql = column.key_columns(Sql::from("SELECT ")).push(", ").push(column.column);
    let mut sql = column.rows(sql).push(" AND substr(").push(column.column).push(", 1, 9) <> ");
    sql = sql.value(format!("{name}."));
    if let Some(after) = after {
        sql = column.key_columns(sql.push(" AND (")).push(") > (").values(after.key_values()).push(")");
    }
    sql = column.key_columns(sql.push(" ORDER BY ")).push(" LIMIT ").value(limit);
    let rows = conn.dynamic(sql).rows().await?;
    let value = |row: &super::connection::Row| {
        Ok(SealedValue {
            key: column.key.iter().map(|name| row.get(name)).collect::<Result<_>>()?,
            number: column.number.map(|name| row.get(name)).transpose()?,
            sealed: row.get(column.column)?,
        })
    };
    rows.iter().map(value).collect()
}

/// Replaces a value, if it is still the one that was read. Returns whether it was.
pub async fn replace(
    tx: &mut Transaction,
    column: &SealedColumn,
    value: &SealedValue,
    sealed: String,
) -> Result<bool> {
    let sql = Sql::from("UPDATE ").push(column.table).push(" SET ").push(column.column).push(" = ");
    let sql = sql.value(sealed).push(" WHERE ").push(column.column).push(" = ").value(value.sealed.clone());
    let names = column.key.iter().copied().chain(column.number);
    let sql = names
        .zip(value.key_values())
        .fold(sql, |sql, (name, part)| sql.push(" AND ").push(name).push(" = ").value(part));
    Ok(tx.dynamic(sql).execute().await? == 1)
}

impl SealedValue {
    fn key_values(&self) -> Vec<Parameter> {
        let texts = self.key.iter().cloned().map(Parameter::Text);
        texts.chain(self.number.map(Parameter::Integer)).collect()
    }
}
