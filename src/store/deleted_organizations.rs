//! Deletes what removed organizations, directories and roles left: they only got a `deleted_at`, because a large directory takes
//! long.

use base::time::Timestamp;

use super::{Conn, Result};

/// How many rows one statement deletes, besides those that go along with them.
const DELETE_BATCH_SIZE: i64 = 1000;

/// From the inside outwards: a row goes when nothing is left in it, so that no statement deletes much more than a batch.
const STATEMENTS: [&str; 15] = [
    "DELETE FROM scim_group_members WHERE (group_id, member_id) IN (SELECT m.group_id, m.member_id \
     FROM scim_directories d JOIN scim_groups g ON g.directory_id = d.id \
     JOIN scim_group_members m ON m.group_id = g.id WHERE d.deleted_at < $1 LIMIT $2)",
    "DELETE FROM scim_groups WHERE id IN (SELECT g.id FROM scim_directories d \
     JOIN scim_groups g ON g.directory_id = d.id WHERE d.deleted_at < $1 LIMIT $2)",
    "DELETE FROM scim_users WHERE id IN (SELECT u.id FROM scim_directories d \
     JOIN scim_users u ON u.directory_id = d.id WHERE d.deleted_at < $1 LIMIT $2)",
    "DELETE FROM scim_requests WHERE id IN (SELECT r.id FROM scim_directories d \
     JOIN scim_requests r ON r.directory_id = d.id WHERE d.deleted_at < $1 LIMIT $2)",
    "DELETE FROM federated_identities WHERE (connection_id, subject_sha256) IN (SELECT f.connection_id, f.subject_sha256 \
     FROM organizations o JOIN federated_identities f ON f.organization_id = o.id WHERE o.deleted_at < $1 LIMIT $2)",
    "DELETE FROM scim_directories WHERE id IN (SELECT id FROM scim_directories WHERE deleted_at < $1 LIMIT $2)",
    "DELETE FROM role_assignments WHERE (role_id, organization_id, subject_kind, subject_id) IN \
     (SELECT a.role_id, a.organization_id, a.subject_kind, a.subject_id FROM organizations o \
     JOIN role_assignments a ON a.organization_id = o.id WHERE o.deleted_at < $1 LIMIT $2)",
    "DELETE FROM roles WHERE id IN (SELECT r.id FROM organizations o \
     JOIN roles r ON r.organization_id = o.id WHERE o.deleted_at < $1 LIMIT $2)",
    "DELETE FROM role_assignments WHERE (role_id, organization_id, subject_kind, subject_id) IN \
     (SELECT a.role_id, a.organization_id, a.subject_kind, a.subject_id FROM roles r \
     JOIN role_assignments a ON a.role_id = r.id WHERE r.deleted_at < $1 LIMIT $2)",
    "DELETE FROM roles WHERE id IN (SELECT id FROM roles WHERE deleted_at < $1 LIMIT $2)",
    "DELETE FROM organization_invitations WHERE id IN (SELECT i.id FROM organizations o \
     JOIN organization_invitations i ON i.organization_id = o.id WHERE o.deleted_at < $1 LIMIT $2)",
    "DELETE FROM memberships WHERE (organization_id, user_id) IN (SELECT m.organization_id, m.user_id \
     FROM organizations o JOIN memberships m ON m.organization_id = o.id WHERE o.deleted_at < $1 LIMIT $2)",
    "DELETE FROM membership_denials WHERE (organization_id, user_id) IN (SELECT m.organization_id, m.user_id \
     FROM organizations o JOIN membership_denials m ON m.organization_id = o.id WHERE o.deleted_at < $1 LIMIT $2)",
    "DELETE FROM membership_counts WHERE organization_id IN (SELECT c.organization_id FROM organizations o \
     JOIN membership_counts c ON c.organization_id = o.id WHERE o.deleted_at < $1 LIMIT $2)",
    "DELETE FROM organizations WHERE id IN (SELECT o.id FROM organizations o WHERE o.deleted_at < $1 \
     AND NOT EXISTS (SELECT 1 FROM scim_directories d WHERE d.organization_id = o.id) \
     AND NOT EXISTS (SELECT 1 FROM users u WHERE u.organization_id = o.id) \
     AND NOT EXISTS (SELECT 1 FROM user_groups g WHERE g.organization_id = o.id) \
     AND NOT EXISTS (SELECT 1 FROM roles r WHERE r.organization_id = o.id) \
     AND NOT EXISTS (SELECT 1 FROM role_assignments a WHERE a.organization_id = o.id) \
     AND NOT EXISTS (SELECT 1 FROM organization_invitations i WHERE i.organization_id = o.id) \
     AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.organization_id = o.id) \
     AND NOT EXISTS (SELECT 1 FROM membership_denials m WHERE m.organization_id = o.id) \
     AND NOT EXISTS (SELECT 1 FROM organizations c WHERE c.parent_id = o.id) LIMIT $2)",
];

/// Deletes one batch of what was removed before `before`. Returns how many rows; 0 when nothing is left.
pub async fn remove_old(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    for text in STATEMENTS {
        let gone = conn.sql(text).bind(before).bind(DELETE_BATCH_SIZE).execute().await?;
        if gone > 0 {
            return Ok(gone);
        }
    }
    Ok(0)
}
