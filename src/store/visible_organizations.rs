//! Lists of organizations for somebody who is a member of some, or sees all of them.

use base::id::{EnvironmentId, OrganizationId, UserId};
use model::{
    organization::{Organization, OrganizationStatus},
    search_index::SearchWord,
};

use super::{Conn, Result, Sql, columns::page_start, organization_words, table::select_text};

/// Which organizations are listed: those that have all of these. Templates are none of them.
#[derive(Debug, Clone, Default)]
pub struct VisibleFilter {
    /// Those of which this user is a member who is not suspended; `None`: all.
    pub member: Option<UserId>,
    /// Those that have, for each of these words, a search word that begins with it.
    pub words: Vec<SearchWord>,
    /// Those with this status.
    pub status: Option<OrganizationStatus>,
    /// The one with this external id.
    pub external_id: Option<String>,
}

/// Up to `limit` organizations of an environment from one of them on, in the order of their ids.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    filter: &VisibleFilter,
    from: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<Organization>> {
    let mut sql = Sql::from(select_text::<Organization>())
        .value(environment_id.to_string())
        .push(" AND NOT organizations.is_template AND organizations.id >= ")
        .value(page_start(from).to_string());
    if let Some(member) = filter.member {
        sql = sql
            .push(" AND organizations.id IN (SELECT m.organization_id FROM memberships m WHERE m.status = 'active' AND m.user_id = ")
            .value(member.to_string())
            .push(")");
    }
    if let Some(status) = filter.status {
        sql = match status {
            // The literal is that of the index.
            OrganizationStatus::Disabled => sql.push(" AND organizations.status = 'disabled'"),
            OrganizationStatus::Active => sql.push(" AND organizations.status = 'active'"),
        };
    }
    if let Some(external_id) = &filter.external_id {
        sql = sql.push(" AND organizations.external_id = ").value(external_id.as_str());
    }
    for (at, word) in filter.words.iter().enumerate() {
        let range = |sql: Sql| {
            sql.push(" AND w.word >= ")
                .value(word.as_str())
                .push(" AND w.word < ")
                .value(word.upper_bound())
                .push(")")
        };
        let is_rare = at == 0
            && filter.member.is_none()
            && !organization_words::is_common(conn, environment_id, word).await?;
        sql = range(if is_rare {
            sql.push(" AND organizations.id IN (SELECT w.organization_id FROM organization_words w WHERE w.environment_id = ")
                .value(environment_id.to_string())
        } else {
            sql.push(
                " AND EXISTS (SELECT 1 FROM organization_words w WHERE w.organization_id = organizations.id",
            )
        });
    }
    let sql = sql.push(" ORDER BY organizations.id LIMIT ").value(limit);
    conn.dynamic(sql).all_of().await
}
