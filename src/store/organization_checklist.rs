//! What there is of an organization, each by one look at an index.

use base::id::OrganizationId;

use super::{Conn, Result};

/// What there is of an organization.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Present {
    /// An owner who is not suspended.
    pub owner: bool,
    /// More than one of those who administer it.
    pub second_administrator: bool,
    /// A domain that is proved, or that the vendor accepted.
    pub domain: bool,
    /// A connection to an identity provider that is switched on.
    pub connection: bool,
    /// Somebody who has signed in through one, or tested it.
    pub signed_in: bool,
    /// Somebody who is kept outside of an enforced single sign-on.
    pub break_glass: bool,
    /// A directory that is switched on.
    pub directory: bool,
    /// A directory whose identity provider has called.
    pub provisioned: bool,
}

/// What there is of it.
pub async fn find(conn: &mut Conn, organization_id: OrganizationId) -> Result<Present> {
    let row: Option<(bool, i64, bool, bool, bool, bool, bool, bool)> = conn
        .sql(
            "SELECT \
             EXISTS (SELECT 1 FROM memberships m WHERE m.organization_id = $1 AND m.tier = 'owner' AND m.status = 'active'), \
             (SELECT COUNT(*) FROM (SELECT 1 FROM memberships m WHERE m.organization_id = $1 \
             AND m.tier IN ('owner', 'admin') AND m.status = 'active' LIMIT 2) AS administering), \
             EXISTS (SELECT 1 FROM organization_domains d WHERE d.organization_id = $1 \
             AND d.state IN ('verified', 'whitelisted')), \
             EXISTS (SELECT 1 FROM saml_connections c WHERE c.organization_id = $1 AND NOT c.disabled), \
             EXISTS (SELECT 1 FROM saml_connections c JOIN connection_logins l ON l.connection_id = c.id \
             WHERE c.organization_id = $1 AND l.last_succeeded_at > 0) \
             OR EXISTS (SELECT 1 FROM saml_connections c JOIN login_flows f ON f.connection_id = c.id \
             WHERE c.organization_id = $1 AND f.origin IN ('setup', 'console') AND f.status = 'succeeded'), \
             EXISTS (SELECT 1 FROM memberships m WHERE m.organization_id = $1 AND m.break_glass \
             AND m.tier IN ('owner', 'admin') AND m.status = 'active'), \
             EXISTS (SELECT 1 FROM scim_directories d WHERE d.organization_id = $1 AND d.deleted_at IS NULL AND NOT d.disabled), \
             EXISTS (SELECT 1 FROM scim_directories d JOIN scim_bearer_tokens t ON t.directory_id = d.id \
             WHERE d.organization_id = $1 AND d.deleted_at IS NULL AND t.last_used_at IS NOT NULL)",
        )
        .bind(organization_id)
        .optional()
        .await?;
    Ok(row.map_or_else(Present::default, |row| Present {
        owner: row.0,
        second_administrator: row.1 > 1,
        domain: row.2,
        connection: row.3,
        signed_in: row.4,
        break_glass: row.5,
        directory: row.6,
        provisioned: row.7,
    }))
}
