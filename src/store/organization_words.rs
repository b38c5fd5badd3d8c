//! The words by which organizations are found: of their names, their external ids and their domains.

use std::collections::BTreeSet;

use base::id::{EnvironmentId, OrganizationId};
use model::{
    organization::Organization,
    search_index::{self, SearchWord},
};

use super::{Conn, Result, Sql, batch::BATCH_SIZE, table};

/// From how many matches on a word counts as common.
const COMMON_WORD_MATCHES: i64 = 2000;

/// Whether many organizations of an environment have a word that begins with this one.
pub(super) async fn is_common(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    word: &SearchWord,
) -> Result<bool> {
    let row: Option<(i64,)> = conn
        .sql(
            "SELECT COUNT(*) FROM (SELECT 1 FROM organization_words WHERE environment_id = $1 AND word >= $2 \
             AND word < $3 LIMIT $4) found",
        )
        .bind(environment_id)
        .bind(word.as_str())
        .bind(word.upper_bound())
        .bind(COMMON_WORD_MATCHES)
        .optional()
        .await?;
    Ok(row.is_some_and(|(count,)| count >= COMMON_WORD_MATCHES))
}

/// Makes the words of an organization those of its row and its domains as they are stored.
pub(super) async fn write(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<()> {
    let found = table::find::<Organization>(conn, environment_id, organization_id).await?;
    let words = found.map(|organization| search_index::index_words(&organization)).unwrap_or_default();
    let stored: Vec<(String,)> = conn
        .sql("SELECT word FROM organization_words WHERE organization_id = $1")
        .bind(organization_id)
        .all()
        .await?;
    let stored: BTreeSet<&str> = stored.iter().map(|(word,)| word.as_str()).collect();
    let wanted: BTreeSet<&str> = words.iter().map(SearchWord::as_str).collect();
    let gone: Vec<&str> = stored.difference(&wanted).copied().collect();
    for some in gone.chunks(BATCH_SIZE) {
        let sql = Sql::from("DELETE FROM organization_words WHERE organization_id = ")
            .value(organization_id.to_string())
            .push(" AND word IN (")
            .values(some.iter().copied())
            .push(")");
        conn.dynamic(sql).execute().await?;
    }
    let new: Vec<&str> = wanted.difference(&stored).copied().collect();
    add(conn, environment_id, organization_id, &new).await
}

/// Gives an organization, which was inserted in this transaction, the words of its row and its domains.
pub(super) async fn insert(conn: &mut Conn, organization: &Organization) -> Result<()> {
    let words = search_index::index_words(organization);
    let words: Vec<&str> = words.iter().map(SearchWord::as_str).collect();
    add(conn, organization.environment_id, organization.id, &words).await
}

async fn add(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    words: &[&str],
) -> Result<()> {
    for some in words.chunks(BATCH_SIZE) {
        let mut sql =
            Sql::from("INSERT INTO organization_words (environment_id, word, organization_id) VALUES ");
        for (at, word) in some.iter().enumerate() {
            sql = sql.push(if at == 0 { "(" } else { ", (" });
            sql = sql.value(environment_id.to_string()).push(", ").value(*word).push(", ");
            sql = sql.value(organization_id.to_string()).push(")");
        }
        conn.dynamic(sql.push(" ON CONFLICT DO NOTHING")).execute().await?;
    }
    Ok(())
}
