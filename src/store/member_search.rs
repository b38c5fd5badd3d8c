//! How members are searched for, and what is told of them besides their memberships.

use std::collections::BTreeSet;

use base::id::{EnvironmentId, OrganizationId, UserId};
use model::{email::Email, organization::root_id, search_index};

use super::{Conn, Result, Sql, memberships};

/// Up to how many members an organization's members are looked through one by one. In a larger one the words are looked up first: few
/// people have them.
const FEW_MEMBERS: i64 = 2000;

/// The condition of the members `m` of an organization whose name has, for each word of a text, a word that begins with it; or who
/// sign in with the address that the text is, or have it.
pub async fn condition(
    conn: &mut Conn,
    (environment_id, organization_id): (EnvironmentId, OrganizationId),
    text: &str,
) -> Result<Sql> {
    // Members are users of the organization's own pools and of the root's.
    let pools = || {
        Sql::from("(SELECT p.id FROM identity_pools p WHERE p.deleted_at IS NULL AND p.organization_id IN (")
            .value(organization_id.to_string())
            .push(", ")
            .value(root_id(environment_id).to_string())
            .push("))")
    };
    if let Some(email) = Email::parse(text) {
        return Ok(Sql::from(
            "m.user_id IN (SELECT i.user_id FROM user_identifiers i WHERE i.identifier_key = ",
        )
        .value(email.key())
        .push(" AND i.pool_id IN ")
        .append(pools())
        .push(" UNION SELECT a.user_id FROM user_addresses a WHERE a.address_key = ")
        .value(email.key())
        .push(" AND a.pool_id IN ")
        .append(pools())
        .push(")"));
    }
    let words = search_index::parse_query(text);
    if words.is_empty() {
        return Ok(Sql::from("m.user_id = ''"));
    }
    let are_few = memberships::count(conn, organization_id).await? <= FEW_MEMBERS;
    let mut sql = Sql::from("(");
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            sql = sql.push(" AND ");
        }
        sql = if at == 0 && !are_few {
            sql.push("m.user_id IN (SELECT w.user_id FROM user_words w WHERE w.pool_id IN ")
                .append(pools())
                .push(" AND w.word >= ")
        } else {
            sql.push("EXISTS (SELECT 1 FROM user_words w WHERE w.user_id = m.user_id AND w.word >= ")
        };
        sql = sql.value(word.as_str()).push(" AND w.word < ").value(word.upper_bound()).push(")");
    }
    Ok(sql.push(")"))
}

/// Those of these users who have an authenticator app or a passkey.
pub async fn with_second_factor(conn: &mut Conn, ids: &[UserId]) -> Result<BTreeSet<UserId>> {
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let named = |sql: Sql| sql.values(ids.iter().map(ToString::to_string)).push(")");
    let sql = named(Sql::from("SELECT account_id FROM totp_secrets WHERE account_id IN ("));
    let sql = named(sql.push(" UNION SELECT account_id FROM passkeys WHERE account_id IN ("));
    let rows: Vec<(UserId,)> = conn.dynamic(sql).all().await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
