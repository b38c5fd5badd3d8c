//! The subjects of people for OAuth clients, where one address can be signed in by several organizations.

use base::{
    id::{EnvironmentId, OauthSubjectId, OrganizationId},
    time::Timestamp,
};
use model::email::Email;

use super::{Conn, Result, Transaction};

/// The subject of the person with this address in the organization: the address in its normal form, or `other` if another
/// organization has that. It is kept from now on; the database decides between concurrent logins.
pub async fn find_or_insert(
    tx: &mut Transaction,
    environment: EnvironmentId,
    organization: OrganizationId,
    email: &Email,
    other: OauthSubjectId,
    now: Timestamp,
) -> Result<String> {
    let key = email.key();
    for subject in [key.clone(), other.to_string()] {
        let is_new = tx
            .sql(
                "INSERT INTO oauth_subjects (environment_id, email_key, organization_id, subject, created_at) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            )
            .bind(environment)
            .bind(key.as_str())
            .bind(organization)
            .bind(subject.as_str())
            .bind(now)
            .execute()
            .await?
            == 1;
        if is_new {
            return Ok(subject);
        }
        // The organization has one already, or another organization has this one.
        if let Some(found) = find(tx, environment, organization, &key).await? {
            return Ok(found);
        }
    }
    Err(super::Error::inconsistent("oauth_subjects", "subject", other))
}

async fn find(
    conn: &mut Conn,
    environment: EnvironmentId,
    organization: OrganizationId,
    key: &str,
) -> Result<Option<String>> {
    let row: Option<(String,)> = conn
        .sql(
            "SELECT subject FROM oauth_subjects WHERE environment_id = $1 AND email_key = $2 AND organization_id = $3",
        )
        .bind(environment)
        .bind(key)
        .bind(organization)
        .optional()
        .await?;
    Ok(row.map(|(subject,)| subject))
}

/// Gives each address that signed in before to the organization of its first login: of those that exist, if it signed in
/// by one of them.
pub async fn insert_from_history(
    tx: &mut Transaction,
    environment: EnvironmentId,
    now: Timestamp,
) -> Result<()> {
    macro_rules! insert {
        ($of:literal) => {
            concat!(
                "INSERT INTO oauth_subjects (environment_id, email_key, organization_id, subject, created_at) \
                 SELECT f.environment_id, f.email_key, f.organization_id, f.email_key, $2 FROM login_flows f JOIN \
                 (SELECT MIN(l.id) AS id FROM login_flows l WHERE l.environment_id = $1 AND l.status = 'succeeded' \
                 AND l.protocol = 'saml' AND l.email IS NOT NULL AND l.origin NOT IN ('setup', 'console', 'administrator') ",
                $of,
                "GROUP BY l.email_key) first ON first.id = f.id WHERE f.environment_id = $1 ON CONFLICT DO NOTHING"
            )
        };
    }
    let existing = insert!(
        "AND EXISTS (SELECT 1 FROM organizations o WHERE o.id = l.organization_id AND o.deleted_at IS NULL) "
    );
    for statement in [existing, insert!("")] {
        tx.sql(statement).bind(environment).bind(now).execute().await?;
    }
    Ok(())
}
