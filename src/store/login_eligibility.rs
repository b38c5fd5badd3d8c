//! What decides whether a login may be accepted: organization, connection, domain, and the person's status in
//! the organization's directories. It is read before a login is accepted, and again before a code or token of
//! the login is used.

use base::connection_id::ConnectionId;
use base::id::{OauthClientId, OrganizationId, ScimUserId};
use model::email::Email;

use super::{
    Conn, Dialect, Result, Transaction,
    table::{self, SHARED_LOCK},
};

/// The current state of what a login depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginEligibility {
    /// The person's subject for OAuth clients, where the organization has one for the address. Not read for a login whose
    /// grant exists.
    pub subject: Option<String>,
    /// Whether the organization still has the connection.
    pub has_connection: bool,
    /// Whether that connection is switched off.
    pub connection_disabled: bool,
    /// Whether the organization is switched off.
    pub organization_disabled: bool,
    /// Whether the organization is a template.
    pub organization_is_template: bool,
    /// Whether the OAuth client is switched off; `None`: it does not exist, or none was named. Not read for a login whose
    /// grant exists.
    pub client_disabled: Option<bool>,
    /// Whether the domain counts for the organization (states `whitelisted` and `verified`).
    pub domain_counts: bool,
    /// The policy of the organization's directories; `None`: it has no directory.
    pub policy: Option<LoginPolicy>,
}

/// What the directories of an organization require of people who sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginPolicy {
    /// At least one directory requires that the person is provisioned and active.
    pub require_provisioned: bool,
}

/// The columns of [`EligibilityColumns`], for the login to an organization through a connection by a person whose address
/// has this domain.
macro_rules! eligibility_columns {
    ($organization:literal, $connection:literal, $domain:literal) => {
        concat!(
            "(SELECT w.status = 'disabled' FROM organizations w WHERE w.deleted_at IS NULL AND w.id = ",
            $organization,
            ") AS organization_disabled, (SELECT w.is_template FROM organizations w WHERE w.deleted_at IS NULL AND w.id = ",
            $organization,
            ") AS organization_is_template, COALESCE((SELECT n.disabled FROM saml_connections n WHERE n.id = ",
            $connection,
            " AND n.organization_id = ",
            $organization,
            "), (SELECT n.disabled FROM oidc_connections n WHERE n.id = ",
            $connection,
            " AND n.organization_id = ",
            $organization,
            ")) AS connection_disabled, EXISTS (SELECT 1 FROM organization_domains m WHERE m.organization_id = ",
            $organization,
            " AND m.domain = ",
            $domain,
            " AND m.state IN ('whitelisted', 'verified')) AS domain_counts, \
             EXISTS (SELECT 1 FROM scim_directories d WHERE d.deleted_at IS NULL AND d.organization_id = ",
            $organization,
            ") AS has_directory, EXISTS (SELECT 1 FROM scim_directories d WHERE d.deleted_at IS NULL \
             AND d.require_provisioned_logins AND d.organization_id = ",
            $organization,
            ") AS require_provisioned"
        )
    };
}
pub(super) use eligibility_columns;

#[derive(sqlx::FromRow)]
pub(super) struct EligibilityColumns {
    organization_disabled: Option<bool>,
    organization_is_template: Option<bool>,
    connection_disabled: Option<bool>,
    domain_counts: bool,
    has_directory: bool,
    require_provisioned: bool,
}

impl EligibilityColumns {
    /// `None`: the organization does not exist.
    pub(super) fn read(self) -> Option<LoginEligibility> {
        Some(LoginEligibility {
            subject: None,
            has_connection: self.connection_disabled.is_some(),
            connection_disabled: self.connection_disabled == Some(true),
            organization_disabled: self.organization_disabled?,
            organization_is_template: self.organization_is_template?,
            client_disabled: None,
            domain_counts: self.domain_counts,
            policy: self
                .has_directory
                .then_some(LoginPolicy { require_provisioned: self.require_provisioned }),
        })
    }
}

/// The state of an organization for the login of this person through this connection, for this OAuth client; `None` if the
/// organization does not exist. One statement, because every login runs it.
pub async fn find(
    conn: &mut Conn,
    organization_id: OrganizationId,
    connection_id: ConnectionId,
    client_id: Option<OauthClientId>,
    email: &Email,
) -> Result<Option<LoginEligibility>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        subject: Option<String>,
        client_disabled: Option<bool>,
        #[sqlx(flatten)]
        organization: EligibilityColumns,
    }
    let row: Option<Row> = conn
        .sql(concat!(
            "SELECT (SELECT s.subject FROM oauth_subjects s WHERE s.environment_id = o.environment_id \
             AND s.email_key = $4 AND s.organization_id = $1) AS subject, \
             (SELECT k.disabled FROM oauth_clients k WHERE k.id = $5) AS client_disabled, ",
            eligibility_columns!("$1", "$2", "$3"),
            " FROM organizations o WHERE o.id = $1 AND o.deleted_at IS NULL"
        ))
        .bind(organization_id)
        .bind(connection_id)
        .bind(email.domain().as_str())
        .bind(email.key())
        .bind(client_id)
        .optional()
        .await?;
    Ok(row.and_then(|row| {
        let found = row.organization.read()?;
        Some(LoginEligibility { subject: row.subject, client_disabled: row.client_disabled, ..found })
    }))
}

/// Locks the OAuth client, the organization and the connection of a login until the transaction ends, so that what [`find`]
/// tells stays true until it commits: they are switched off before or after it.
pub async fn lock(
    tx: &mut Transaction,
    organization_id: OrganizationId,
    connection_id: ConnectionId,
    client_id: Option<OauthClientId>,
) -> Result<()> {
    if tx.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    // One statement locks the rows in the order of its tables: the client, the organization, the connection.
    macro_rules! rows {
        ($connections:literal, $client:literal, $is_client:literal) => {
            concat!(
                "SELECT o.id FROM ",
                $client,
                "organizations o, ",
                $connections,
                " c WHERE ",
                $is_client,
                "o.id = $1 AND o.deleted_at IS NULL AND c.id = $2"
            )
        };
    }
    let text = match (connection_id, client_id) {
        (ConnectionId::Saml(_), Some(_)) => rows!("saml_connections", "oauth_clients k, ", "k.id = $3 AND "),
        (ConnectionId::Saml(_), None) => rows!("saml_connections", "", ""),
        (ConnectionId::Oidc(_), Some(_)) => rows!("oidc_connections", "oauth_clients k, ", "k.id = $3 AND "),
        (ConnectionId::Oidc(_), None) => rows!("oidc_connections", "", ""),
    };
    let text = table::locking(tx.dialect(), text, SHARED_LOCK);
    let statement = tx.sql(text).bind(organization_id).bind(connection_id);
    let statement = match client_id {
        Some(id) => statement.bind(id),
        None => statement,
    };
    let _: Option<(String,)> = statement.optional().await?;
    Ok(())
}

/// Whether an organization has a directory whose switched-off people are refused.
pub async fn has_refusing_directory(conn: &mut Conn, organization_id: OrganizationId) -> Result<bool> {
    let found: Option<(String,)> = conn
        .sql(
            "SELECT id FROM scim_directories WHERE organization_id = $1 AND deleted_at IS NULL \
             AND refuse_inactive_logins LIMIT 1",
        )
        .bind(organization_id)
        .optional()
        .await?;
    Ok(found.is_some())
}

/// Users in an organization's directories who have the address (`$2`, or in U-labels `$3`): as reported e-mail, as another e-mail,
/// or as user name; deleted users too. `$1` is the organization.
macro_rules! matching_users {
    () => {
        "SELECT u.id AS user_id FROM scim_users u WHERE u.email_key IN ($2, $3) AND u.directory_id IN \
         (SELECT id FROM scim_directories WHERE organization_id = $1 AND deleted_at IS NULL) \
         UNION SELECT u.id FROM scim_users u WHERE u.user_name_key IN ($2, $3) AND u.deleted_at IS NULL \
         AND u.directory_id IN (SELECT id FROM scim_directories WHERE organization_id = $1 AND deleted_at IS NULL) \
         UNION SELECT u.id FROM scim_users u WHERE u.user_name_key IN ($2, $3) AND u.deleted_at IS NOT NULL \
         AND u.directory_id IN (SELECT id FROM scim_directories WHERE organization_id = $1 AND deleted_at IS NULL) \
         UNION SELECT e.user_id FROM scim_user_emails e WHERE e.value_key IN ($2, $3) \
         AND e.directory_id IN (SELECT id FROM scim_directories WHERE organization_id = $1 AND deleted_at IS NULL)"
    };
}

/// Users who formerly had the address (`$2`, `$3`).
macro_rules! formerly_matching_users {
    () => {
        "SELECT f.user_id FROM scim_former_addresses f WHERE f.address_key IN ($2, $3) \
         AND f.directory_id IN (SELECT id FROM scim_directories WHERE organization_id = $1 AND deleted_at IS NULL)"
    };
}

/// How many users of one address are locked at the most.
const MAX_LOCKED_USERS: i64 = 50;

/// Locks the users who have or had this address until the transaction ends, so that the result of
/// [`find_directory_status`] stays true until it commits. (A SQLite write transaction is exclusive anyway.)
pub async fn lock_matching_users(
    tx: &mut Transaction,
    organization_id: OrganizationId,
    email: &Email,
) -> Result<()> {
    if tx.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let users = concat!(
        "SELECT u.id FROM scim_users u WHERE u.id IN (",
        matching_users!(),
        " UNION ",
        formerly_matching_users!(),
        ") ORDER BY u.id LIMIT $4"
    );
    let text = table::locking(tx.dialect(), users, SHARED_LOCK);
    let [key, unicode] = email.spellings();
    let _: Vec<(ScimUserId,)> =
        tx.sql(text).bind(organization_id).bind(key).bind(unicode).bind(MAX_LOCKED_USERS).all().await?;
    Ok(())
}

/// The status of a person in the directories of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DirectoryStatus {
    /// Active in at least one directory.
    pub active: bool,
    /// Inactive or deleted in at least one directory.
    pub inactive: bool,
    /// At least one of the latter directories refuses logins of inactive people.
    pub refused: bool,
}

/// The status of the person with this address in the directories of an organization. Inactive and deleted users
/// are matched by former addresses too, active ones only by current addresses.
pub async fn find_directory_status(
    conn: &mut Conn,
    organization_id: OrganizationId,
    email: &Email,
) -> Result<DirectoryStatus> {
    let [key, unicode] = email.spellings();
    let rows: Vec<(bool, bool, bool)> = conn
        .sql(concat!(
            "SELECT DISTINCT u.active AND u.deleted_at IS NULL AS active, k.today, d.refuse_inactive_logins \
             FROM (SELECT user_id, TRUE AS today FROM (",
            matching_users!(),
            ") now UNION ALL SELECT user_id, FALSE AS today FROM (",
            formerly_matching_users!(),
            ") past) k JOIN scim_users u ON u.id = k.user_id \
             JOIN scim_directories d ON d.id = u.directory_id \
             WHERE d.organization_id = $1 AND d.deleted_at IS NULL"
        ))
        .bind(organization_id)
        .bind(key)
        .bind(unicode)
        .all()
        .await?;
    Ok(DirectoryStatus {
        active: rows.iter().any(|(active, today, _)| *active && *today),
        inactive: rows.iter().any(|(active, _, _)| !active),
        refused: rows.iter().any(|(active, _, refuse)| !active && *refuse),
    })
}
