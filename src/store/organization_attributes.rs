//! The attributes of organizations: free text by key.

use std::collections::BTreeMap;

use base::id::OrganizationId;

use super::{Conn, Result, Sql};

/// The attributes of a row of `organizations` as one text. Keys and values have neither of the separators.
pub(super) const AGGREGATE: &str = "(SELECT string_agg(a.key || '\u{1f}' || a.value, '\u{1e}') FROM organization_attributes a \
     WHERE a.organization_id = organizations.id)";

/// Parses what [`AGGREGATE`] gives.
pub(super) fn parse(text: Option<&str>) -> Option<BTreeMap<String, String>> {
    let Some(text) = text else { return Some(BTreeMap::new()) };
    let pairs = text.split('\u{1e}');
    pairs
        .map(|pair| pair.split_once('\u{1f}').map(|(key, value)| (key.to_owned(), value.to_owned())))
        .collect()
}

/// Stores the attributes of an organization, which has those of `before`. Callers hold its lock.
pub async fn set(
    conn: &mut Conn,
    organization_id: OrganizationId,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Result<()> {
    let gone: Vec<&str> = before.keys().filter(|key| !after.contains_key(*key)).map(String::as_str).collect();
    if !gone.is_empty() {
        let sql = Sql::from("DELETE FROM organization_attributes WHERE organization_id = ")
            .value(organization_id.to_string())
            .push(" AND key IN (")
            .values(gone)
            .push(")");
        conn.dynamic(sql).execute().await?;
    }
    let changed = after.iter().filter(|(key, value)| before.get(*key) != Some(value));
    let mut sql = Sql::from("INSERT INTO organization_attributes (organization_id, key, value) VALUES ");
    let mut any = false;
    for (key, value) in changed {
        sql = sql.push(if any { ", (" } else { "(" }).value(organization_id.to_string());
        sql = sql.push(", ").value(key.as_str()).push(", ").value(value.as_str()).push(")");
        any = true;
    }
    if !any {
        return Ok(());
    }
    let sql = sql.push(" ON CONFLICT (organization_id, key) DO UPDATE SET value = excluded.value");
    conn.dynamic(sql).execute().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_from_one_text() {
        assert_eq!(parse(None), Some(BTreeMap::new()));
        let two = BTreeMap::from([("a".to_owned(), "1, 2 = 3".to_owned()), ("b".to_owned(), String::new())]);
        assert_eq!(parse(Some("a\u{1f}1, 2 = 3\u{1e}b\u{1f}")), Some(two));
        assert_eq!(parse(Some("a")), None);
    }
}
