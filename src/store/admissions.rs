//! What a login stands on: the organization, its connection and its domain, and what the organization's
//! directories know of the person. It is asked before a login is accepted, and again before each thing that
//! the login gives is handed out.

use super::{Conn, Dialect, Result, Transaction};
use crate::model::{
    domain::Domain,
    email::Email,
    id::{OrganizationId, SamlConnectionId, ScimUserId},
};

/// What is there today of what a login came through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The vendor's own id of the organization.
    pub organization_external_id: Option<String>,
    /// Whether the organization still has the SAML connection.
    pub has_connection: bool,
    /// Whether the domain counts for the organization (ruling 1: `whitelisted` and `verified`).
    pub domain_counts: bool,
    /// What the organization's directories want of people who sign in; `None`: it has no directory.
    pub policy: Option<LoginPolicy>,
}

/// What the directories of an organization want of people who sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginPolicy {
    /// There is a directory that lets only people in whom it knows as active.
    pub require_provisioned: bool,
}

/// What is there of an organization for logins through this connection with addresses of this domain; `None`
/// when it is gone. One statement, because every login pays for it.
pub async fn find(
    conn: &mut Conn,
    organization_id: OrganizationId,
    connection_id: SamlConnectionId,
    domain: &Domain,
) -> Result<Option<Admission>> {
    let row: Option<(Option<String>, bool, bool, bool, bool)> = conn
        .sql(
            "SELECT o.external_id, \
             EXISTS (SELECT 1 FROM saml_connections c WHERE c.id = $2 AND c.organization_id = $1), \
             EXISTS (SELECT 1 FROM organization_domains m WHERE m.organization_id = $1 AND m.domain = $3 \
             AND m.state IN ('whitelisted', 'verified')), \
             EXISTS (SELECT 1 FROM scim_directories d WHERE d.organization_id = $1), \
             EXISTS (SELECT 1 FROM scim_directories d WHERE d.organization_id = $1 \
             AND d.require_provisioned_logins) \
             FROM organizations o WHERE o.id = $1",
        )
        .bind(organization_id)
        .bind(connection_id)
        .bind(domain.as_str())
        .optional()
        .await?;
    Ok(row.map(|(organization_external_id, has_connection, domain_counts, has_directory, require)| {
        Admission {
            organization_external_id,
            has_connection,
            domain_counts,
            policy: has_directory.then_some(LoginPolicy { require_provisioned: require }),
        }
    }))
}

/// Whom an organization's directories know by an address (`$2`) today: by the reported address, by any other
/// address, or by a user name that is the address; deleted people too. `$1` is the organization.
macro_rules! holders {
    () => {
        "SELECT u.id AS user_id FROM scim_users u WHERE u.email_key = $2 AND u.directory_id IN \
         (SELECT id FROM scim_directories WHERE organization_id = $1) \
         UNION SELECT u.id FROM scim_users u WHERE u.user_name_key = $2 AND u.deleted_at IS NULL \
         AND u.directory_id IN (SELECT id FROM scim_directories WHERE organization_id = $1) \
         UNION SELECT u.id FROM scim_users u WHERE u.user_name_key = $2 AND u.deleted_at IS NOT NULL \
         AND u.directory_id IN (SELECT id FROM scim_directories WHERE organization_id = $1) \
         UNION SELECT e.user_id FROM scim_user_emails e WHERE e.value_key = $2 \
         AND e.directory_id IN (SELECT id FROM scim_directories WHERE organization_id = $1)"
    };
}

/// Who had the address (`$2`) formerly.
macro_rules! former_holders {
    () => {
        "SELECT f.user_id FROM scim_former_addresses f WHERE f.address_key = $2 \
         AND f.directory_id IN (SELECT id FROM scim_directories WHERE organization_id = $1)"
    };
}

/// How many people of one address are kept from changing at the most.
const MAX_LOCKED: i64 = 50;

/// Keeps those who have or had this address from being changed until the transaction ends, and waits for
/// whoever changes them now: what [`find_standing`] then tells stays true until the transaction commits. (On
/// SQLite a writing transaction has the database to itself.)
pub async fn lock_people(tx: &mut Transaction, organization_id: OrganizationId, email: &Email) -> Result<()> {
    if tx.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let _: Vec<(ScimUserId,)> = tx
        .sql(concat!(
            "SELECT u.id FROM scim_users u WHERE u.id IN (",
            holders!(),
            " UNION ",
            former_holders!(),
            ") ORDER BY u.id LIMIT $3 FOR SHARE"
        ))
        .bind(organization_id)
        .bind(email.key())
        .bind(MAX_LOCKED)
        .all()
        .await?;
    Ok(())
}

/// How the directories of an organization know somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// One knows the person as active.
    pub active: bool,
    /// One knows the person as inactive or deleted.
    pub inactive: bool,
    /// One that does so refuses such people.
    pub refused: bool,
}

/// How the directories of an organization know the person with this address. Somebody inactive or deleted is
/// known by former addresses too; an active person by today's only.
pub async fn find_standing(
    conn: &mut Conn,
    organization_id: OrganizationId,
    email: &Email,
) -> Result<Standing> {
    let rows: Vec<(bool, bool, bool)> = conn
        .sql(concat!(
            "SELECT DISTINCT u.active AND u.deleted_at IS NULL AS active, k.today, d.refuse_inactive_logins \
             FROM (SELECT user_id, TRUE AS today FROM (",
            holders!(),
            ") now UNION ALL SELECT user_id, FALSE AS today FROM (",
            former_holders!(),
            ") past) k JOIN scim_users u ON u.id = k.user_id \
             JOIN scim_directories d ON d.id = u.directory_id WHERE d.organization_id = $1"
        ))
        .bind(organization_id)
        .bind(email.key())
        .all()
        .await?;
    Ok(Standing {
        active: rows.iter().any(|(active, today, _)| *active && *today),
        inactive: rows.iter().any(|(active, _, _)| !active),
        refused: rows.iter().any(|(active, _, refuse)| !active && *refuse),
    })
}
