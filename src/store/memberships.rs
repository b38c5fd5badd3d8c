//! Who belongs to which organization. The database holds that there is one owner at most; how many members there are is kept beside.
//!
//! Whoever changes who owns or administers an organization locks it first ([`lock_organization`]), so that of two changes the second
//! sees the first: no organization loses its last owner to a race.

use std::collections::BTreeMap;

use base::{
    id::{EnvironmentId, OrganizationId, UserId},
    time::Timestamp,
};
use model::membership::{Membership, MembershipSource, MembershipStatus, Tier};

use super::{
    Conn, Result, Sql, Transaction, auto_join,
    connection::Row,
    table::{ROW_LOCK, locking},
    user_associations,
};

/// A query of whole rows of `memberships m`.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT m.organization_id, m.user_id, m.environment_id, m.tier, m.status, m.source, m.directory_id, m.break_glass, \
             m.joined_at, m.updated_at, m.last_login_at FROM memberships m ",
            $rest
        )
    };
}

pub(super) const SELECT: &str = select!("");

pub(super) fn read(row: &Row) -> Result<Membership> {
    Ok(Membership {
        organization_id: row.get("organization_id")?,
        user_id: row.get("user_id")?,
        environment_id: row.get("environment_id")?,
        tier: row.parse("tier", super::columns::by_name)?,
        status: row.parse("status", super::columns::by_name)?,
        source: row.parse("source", super::columns::by_name)?,
        directory_id: row.get("directory_id")?,
        break_glass: row.get("break_glass")?,
        joined_at: row.get("joined_at")?,
        updated_at: row.get("updated_at")?,
        last_login_at: row.get("last_login_at")?,
    })
}

/// Adds one. [`super::Error::Duplicate`]: the user is a member already, or the organization has an owner.
pub async fn insert(tx: &mut Transaction, membership: &Membership) -> Result<()> {
    tx.sql(
        "INSERT INTO memberships (organization_id, user_id, environment_id, tier, status, source, directory_id, break_glass, \
         joined_at, updated_at, last_login_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(membership.organization_id)
    .bind(membership.user_id)
    .bind(membership.environment_id)
    .bind(membership.tier.as_str())
    .bind(membership.status.as_str())
    .bind(membership.source.as_str())
    .bind(membership.directory_id)
    .bind(membership.break_glass)
    .bind(membership.joined_at)
    .bind(membership.updated_at)
    .bind(membership.last_login_at)
    .execute()
    .await?;
    auto_join::forget(tx, membership.organization_id, membership.user_id).await?;
    add_to_count(tx, membership.environment_id, membership.organization_id, 1).await
}

async fn add_to_count(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    by: i64,
) -> Result<()> {
    conn.sql(
        "INSERT INTO membership_counts (organization_id, environment_id, members) VALUES ($1, $2, $3) \
         ON CONFLICT (organization_id) DO UPDATE SET members = membership_counts.members + excluded.members",
    )
    .bind(organization_id)
    .bind(environment_id)
    .bind(by)
    .execute()
    .await?;
    Ok(())
}

/// The membership of a user in an organization, whatever its status. It authorises nothing.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<Option<Membership>> {
    let found = conn
        .sql(select!("WHERE m.organization_id = $1 AND m.user_id = $2 AND m.environment_id = $3"))
        .bind(organization_id)
        .bind(user_id)
        .bind(environment_id)
        .first_row()
        .await?;
    found.as_ref().map(read).transpose()
}

/// [`find`], with the row locked until the transaction ends. Whoever may change an owner or an administrator holds the lock of the
/// organization already.
pub async fn find_for_update(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<Option<Membership>> {
    let text = select!("WHERE m.organization_id = $1 AND m.user_id = $2 AND m.environment_id = $3");
    let text = locking(tx.dialect(), text, ROW_LOCK);
    let found = tx.sql(text).bind(organization_id).bind(user_id).bind(environment_id).first_row().await?;
    found.as_ref().map(read).transpose()
}

/// Writes what can change of one: tier, status, source, directory and break-glass. Returns whether there is such a one.
/// [`super::Error::Duplicate`]: the organization has another owner.
pub async fn update(tx: &mut Transaction, membership: &Membership) -> Result<bool> {
    let touched = tx
        .sql(
            "UPDATE memberships SET tier = $3, status = $4, source = $5, directory_id = $6, break_glass = $7, updated_at = $8 \
             WHERE organization_id = $1 AND user_id = $2",
        )
        .bind(membership.organization_id)
        .bind(membership.user_id)
        .bind(membership.tier.as_str())
        .bind(membership.status.as_str())
        .bind(membership.source.as_str())
        .bind(membership.directory_id)
        .bind(membership.break_glass)
        .bind(membership.updated_at)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Stores that somebody signed in to an organization of theirs, or switched to it.
pub async fn update_last_login(
    tx: &mut Transaction,
    organization_id: OrganizationId,
    user_id: UserId,
    now: Timestamp,
) -> Result<()> {
    tx.sql("UPDATE memberships SET last_login_at = $3 WHERE organization_id = $1 AND user_id = $2")
        .bind(organization_id)
        .bind(user_id)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// Removes one: no domain makes the user a member again. Returns whether there was one. What its user has in the organization is ended apart
/// ([`super::account_deprovisioning::end_use_in_organization`]).
pub async fn remove(tx: &mut Transaction, membership: &Membership) -> Result<bool> {
    let gone = tx
        .sql("DELETE FROM memberships WHERE organization_id = $1 AND user_id = $2")
        .bind(membership.organization_id)
        .bind(membership.user_id)
        .execute()
        .await?;
    if gone == 1 {
        let place = (membership.environment_id, membership.organization_id);
        add_to_count(tx, place.0, place.1, -1).await?;
        auto_join::deny(tx, place, membership.user_id).await?;
    }
    Ok(gone == 1)
}

/// Ends the membership that the person of an image has by it. The owner stays one, without the image.
pub async fn remove_by_image(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    image: UserId,
) -> Result<()> {
    let Some(of) = user_associations::find_by_image(tx, environment_id, image).await? else { return Ok(()) };
    let found = find(tx, environment_id, of.organization_id, of.resident_user_id).await?;
    let by_image = |it: &Membership| it.source == of.kind.into() && it.tier != Tier::Owner;
    if let Some(membership) = found.filter(by_image) {
        remove(tx, &membership).await?;
    }
    Ok(())
}

/// Removes the memberships of users who are erased, from the counts too.
pub(super) async fn remove_of_users(conn: &mut Conn, ids: &[String]) -> Result<()> {
    let named = |sql: Sql| sql.values(ids.iter().map(String::as_str)).push(")");
    let select = "SELECT m.organization_id, COUNT(*) FROM memberships m WHERE m.user_id IN (";
    let sql = named(Sql::from(select)).push(" GROUP BY m.organization_id ORDER BY m.organization_id");
    // As texts: a row that makes no sense does not keep the others.
    let lost: Vec<(String, i64)> = conn.dynamic(sql).all().await?;
    for (organization_id, members) in lost {
        conn.sql("UPDATE membership_counts SET members = members - $2 WHERE organization_id = $1")
            .bind(organization_id.as_str())
            .bind(members)
            .execute()
            .await?;
    }
    conn.dynamic(named(Sql::from("DELETE FROM memberships WHERE user_id IN ("))).execute().await?;
    Ok(())
}

/// How many members an organization has, the suspended ones too.
pub async fn count(conn: &mut Conn, organization_id: OrganizationId) -> Result<i64> {
    let row: Option<(i64,)> = conn
        .sql("SELECT members FROM membership_counts WHERE organization_id = $1")
        .bind(organization_id)
        .optional()
        .await?;
    Ok(row.map_or(0, |(members,)| members))
}

/// What a list of organizations shows of their members.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemberSummary {
    /// How many there are, the suspended ones too.
    pub members: i64,
    /// Who owns it.
    pub owner: Option<UserId>,
}

/// The summaries of these organizations, up to a page of them.
pub async fn summaries(
    conn: &mut Conn,
    ids: &[OrganizationId],
) -> Result<BTreeMap<OrganizationId, MemberSummary>> {
    let mut found: BTreeMap<OrganizationId, MemberSummary> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let named = |text: &'static str| Sql::from(text).values(ids.iter().map(ToString::to_string)).push(")");
    let sql = named("SELECT organization_id, members FROM membership_counts WHERE organization_id IN (");
    for (id, members) in conn.dynamic(sql).all::<(OrganizationId, i64)>().await? {
        found.entry(id).or_default().members = members;
    }
    let sql = named(
        "SELECT organization_id, user_id FROM memberships WHERE tier = 'owner' AND organization_id IN (",
    );
    for (id, owner) in conn.dynamic(sql).all::<(OrganizationId, UserId)>().await? {
        found.entry(id).or_default().owner = Some(owner);
    }
    Ok(found)
}

/// The memberships of a user in these organizations.
pub async fn list_of_user_in(
    conn: &mut Conn,
    user_id: UserId,
    ids: &[OrganizationId],
) -> Result<BTreeMap<OrganizationId, Membership>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = Sql::from(SELECT)
        .push("WHERE m.user_id = ")
        .value(user_id.to_string())
        .push(" AND m.organization_id IN (")
        .values(ids.iter().map(ToString::to_string))
        .push(")");
    let rows = conn.dynamic(sql).rows().await?;
    rows.iter().map(|row| read(row).map(|it| (it.organization_id, it))).collect()
}

/// Up to `limit` memberships of a user in organizations that exist, the root too, from one of them on, in the order of the
/// organizations' ids.
pub async fn list_by_user(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    user_id: UserId,
    from: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<Membership>> {
    let rows = conn
        .sql(select!(
            "JOIN organizations o ON o.id = m.organization_id AND o.deleted_at IS NULL \
             WHERE m.user_id = $1 AND m.environment_id || '' = $2 AND m.organization_id >= $3 \
             ORDER BY m.organization_id LIMIT $4"
        ))
        .bind(user_id)
        .bind(environment_id)
        .bind(super::columns::page_start(from))
        .bind(limit)
        .rows()
        .await?;
    rows.iter().map(read).collect()
}

/// Which members of an organization are listed: those that have all of these.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemberFilter {
    /// This tier.
    pub tier: Option<Tier>,
    /// This status.
    pub status: Option<MembershipStatus>,
    /// This source.
    pub source: Option<MembershipSource>,
}

/// Up to `limit` members of an organization from one of them on, in the order of the users' ids. Users of a pool that is being removed
/// are none any more.
pub async fn list(
    conn: &mut Conn,
    (environment_id, organization_id): (EnvironmentId, OrganizationId),
    filter: MemberFilter,
    search: Option<Sql>,
    from: Option<UserId>,
    limit: i64,
) -> Result<Vec<Membership>> {
    let mut sql = Sql::from(SELECT)
        .push("WHERE m.organization_id = ")
        .value(organization_id.to_string())
        .push(" AND m.environment_id || '' = ")
        .value(environment_id.to_string())
        .push(" AND m.user_id >= ")
        .value(super::columns::page_start(from).to_string())
        // Not joined: the page is read in the order of the index, and each row asks.
        .push(
            " AND EXISTS (SELECT 1 FROM users u JOIN identity_pools p ON p.id = u.pool_id AND p.deleted_at IS NULL \
             WHERE u.id = m.user_id)",
        );
    if let Some(tier) = filter.tier {
        sql = sql.push(" AND m.tier = ").value(tier.as_str());
    }
    if let Some(status) = filter.status {
        sql = sql.push(" AND m.status = ").value(status.as_str());
    }
    if let Some(source) = filter.source {
        sql = sql.push(" AND m.source = ").value(source.as_str());
    }
    if let Some(search) = search {
        sql = sql.push(" AND ").append(search);
    }
    let sql = sql.push(" ORDER BY m.user_id LIMIT ").value(limit);
    let rows = conn.dynamic(sql).rows().await?;
    rows.iter().map(read).collect()
}

/// Who owns an organization.
pub async fn find_owner(conn: &mut Conn, organization_id: OrganizationId) -> Result<Option<UserId>> {
    let row: Option<(UserId,)> = conn
        .sql("SELECT user_id FROM memberships WHERE organization_id = $1 AND tier = 'owner'")
        .bind(organization_id)
        .optional()
        .await?;
    Ok(row.map(|(id,)| id))
}

/// Up to `limit` of those who administer an organization: its owner and administrators, those who are suspended left out.
pub async fn list_administrators(
    conn: &mut Conn,
    organization_id: OrganizationId,
    limit: i64,
) -> Result<Vec<UserId>> {
    let rows: Vec<(UserId,)> = conn
        .sql(
            "SELECT user_id FROM memberships WHERE organization_id = $1 AND tier IN ('owner', 'admin') AND status = 'active' \
             ORDER BY user_id LIMIT $2",
        )
        .bind(organization_id)
        .bind(limit)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Whether another user than this one administers an organization, and is not suspended. The lock of the organization is held.
pub async fn has_other_administrator(
    conn: &mut Conn,
    organization_id: OrganizationId,
    except: UserId,
) -> Result<bool> {
    Ok(list_administrators(conn, organization_id, 2).await?.iter().any(|id| *id != except))
}

/// Whether another user than this one administers an organization as one of those who are kept outside of an enforced single sign-on,
/// and is not suspended. The lock of the organization is held.
pub async fn has_other_break_glass(
    conn: &mut Conn,
    organization_id: OrganizationId,
    except: UserId,
) -> Result<bool> {
    let row: Option<(UserId,)> = conn
        .sql(
            "SELECT user_id FROM memberships WHERE organization_id = $1 AND break_glass AND tier IN ('owner', 'admin') \
             AND status = 'active' AND user_id <> $2 LIMIT 1",
        )
        .bind(organization_id)
        .bind(except)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Locks an organization, the root too, until the transaction ends, for a change of who administers it. Returns whether it exists.
pub async fn lock_organization(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<bool> {
    let select = "SELECT id FROM organizations WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    let text = locking(tx.dialect(), select, ROW_LOCK);
    let row: Option<(OrganizationId,)> =
        tx.sql(text).bind(environment_id).bind(organization_id).optional().await?;
    Ok(row.is_some())
}
