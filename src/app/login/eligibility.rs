//! Whether the user of a login may still sign in: the organization, the connection and the domain exist, and no
//! SCIM directory of the organization refuses them. A user who is deactivated in a directory is
//! refused, whatever the identity provider asserts.
//!
//! The check runs in the transaction that accepts a login, in the one that consumes its code, and on each use of the
//! access token. A deactivation that commits concurrently takes effect in either order: it refuses the login, or it
//! ends the grant, and with it the code and tokens.

use base::{
    id::{LoginFlowId, OauthClientId, OrganizationId, SamlConnectionId},
    time::Timestamp,
};
use model::{email::Email, login_flow::StepKind};
use saml::check::Check;

use super::error::Error;
use crate::{
    app::Result,
    store::{
        Conn, Transaction,
        authorization_grants::Login,
        login_eligibility::{self, DirectoryStatus, LoginEligibility, LoginPolicy},
        login_flow_steps::{self, NewStep},
        login_flows,
    },
};

/// The login to check.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) struct LoginSubject<'a> {
    /// Its organization.
    pub(in crate::app) organization_id: OrganizationId,
    /// Its SAML connection.
    pub(in crate::app) connection_id: SamlConnectionId,
    /// The OAuth client that it is for. Not looked at where a code or token of the client is used, which is asked for with it.
    pub(in crate::app) client_id: Option<OauthClientId>,
    /// The address of the user who signs in.
    pub(in crate::app) email: &'a Email,
}

impl<'a> From<&'a Login> for LoginSubject<'a> {
    fn from(login: &'a Login) -> Self {
        Self {
            organization_id: login.organization_id,
            connection_id: login.connection_id,
            client_id: None,
            email: &login.email,
        }
    }
}

/// Why a login is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Denial {
    /// Its organization or its connection no longer exists.
    Gone,
    /// The organization or its directories refuse the user.
    Refused(Error),
}

/// Checks in the transaction that accepts the login. Locks the client, the organization, the connection and
/// the user's rows in the directories until the transaction ends; call it before anything else is written, because changes to a user
/// take those locks first too. The outcome of each check is appended to `checks`.
pub(in crate::app) async fn check(
    tx: &mut Transaction,
    login: LoginSubject<'_>,
    checks: &mut Vec<Check>,
) -> Result<Result<LoginEligibility, Denial>> {
    login_eligibility::lock(tx, login.organization_id, login.connection_id, login.client_id).await?;
    let found = find(tx, login, checks).await?;
    if found.as_ref().is_ok_and(|found| found.policy.is_some()) {
        login_eligibility::lock_matching_users(tx, login.organization_id, login.email).await?;
    }
    check_directories(tx, login, found, checks).await
}

/// Checks for the code of a login that an app redeems, without locks: whoever switches something off ends the grant that
/// exists already. A refusal is recorded in the login's timeline, so that support can see why the app got an error.
/// `None`: refused, or the organization or connection is gone; the transaction has ended.
pub(in crate::app) async fn check_code(
    mut tx: Transaction,
    flow: LoginFlowId,
    login: LoginSubject<'_>,
    now: Timestamp,
) -> Result<Option<(Transaction, LoginEligibility)>> {
    let mut checks = Vec::new();
    match check_read_only(&mut tx, login, &mut checks).await? {
        Ok(eligibility) => Ok(Some((tx, eligibility))),
        Err(Denial::Gone) => Ok(None),
        Err(Denial::Refused(refusal)) => {
            if login_flows::update_code_refused(&mut tx, flow, refusal.code(), now).await? {
                let step = NewStep { at: now, kind: StepKind::Refused, checks: &checks, document: None };
                login_flow_steps::insert(&mut tx, flow, step).await?;
                tx.commit().await?;
                tracing::info!(flow = %flow, reason = refusal.code(), "code refused");
            }
            Ok(None)
        }
    }
}

/// [`check`] without locks, for a login whose grant exists.
pub(in crate::app) async fn check_read_only(
    conn: &mut Conn,
    login: LoginSubject<'_>,
    checks: &mut Vec<Check>,
) -> Result<Result<LoginEligibility, Denial>> {
    let found = find(conn, login, checks).await?;
    check_directories(conn, login, found, checks).await
}

async fn check_directories(
    conn: &mut Conn,
    login: LoginSubject<'_>,
    found: std::result::Result<LoginEligibility, Denial>,
    checks: &mut Vec<Check>,
) -> Result<Result<LoginEligibility, Denial>> {
    let (eligibility, policy) = match found {
        Ok(eligibility) => match eligibility.policy {
            Some(policy) => (eligibility, policy),
            None => return Ok(Ok(eligibility)),
        },
        Err(denial) => return Ok(Err(denial)),
    };
    let status = login_eligibility::find_directory_status(conn, login.organization_id, login.email).await?;
    Ok(decide(policy, status, checks).map(|()| eligibility).map_err(Denial::Refused))
}

async fn find(
    conn: &mut Conn,
    login: LoginSubject<'_>,
    checks: &mut Vec<Check>,
) -> Result<Result<LoginEligibility, Denial>> {
    let LoginSubject { organization_id, connection_id, client_id, email } = login;
    let found = login_eligibility::find(conn, organization_id, connection_id, client_id, email).await?;
    let Some(found) = found.filter(|found| found.has_connection) else { return Ok(Err(Denial::Gone)) };
    if let Some(refusal) = not_in_use(&found, client_id.is_some()) {
        checks.push(refusal.failed(None, None));
        return Ok(Err(Denial::Refused(refusal)));
    }
    if !found.domain_counts {
        let refusal = Error::EmailOutsideOrganizationDomains;
        let expected = Some("a domain of the organization".to_owned());
        checks.push(refusal.failed(expected, Some(login.email.to_string())));
        return Ok(Err(Denial::Refused(refusal)));
    }
    Ok(Ok(found))
}

/// What of a login nobody may use at present.
fn not_in_use(found: &LoginEligibility, has_client: bool) -> Option<Error> {
    if found.organization_is_template {
        Some(Error::OrganizationIsTemplate)
    } else if found.organization_disabled {
        Some(Error::OrganizationDisabled)
    } else if found.connection_disabled {
        Some(Error::ConnectionDisabled)
    } else if has_client && found.client_disabled != Some(false) {
        Some(Error::OauthClientDisabled)
    } else {
        None
    }
}

fn decide(policy: LoginPolicy, status: DirectoryStatus, checks: &mut Vec<Check>) -> Result<(), Error> {
    let found = match status {
        DirectoryStatus { active: true, .. } => "active in a directory",
        DirectoryStatus { inactive: true, .. } => "inactive or deleted in the directory",
        DirectoryStatus { .. } => "in no directory",
    };
    let mut require = |refusal: Error, expected: &str, passed: bool| {
        let (expected, found) = (Some(expected.to_owned()), Some(found.to_owned()));
        checks.push(if passed { refusal.passed(expected, found) } else { refusal.failed(expected, found) });
        if passed { Ok(()) } else { Err(refusal) }
    };
    let inactive_somewhere = !status.active && status.inactive;
    let refused = inactive_somewhere && (status.refused || policy.require_provisioned);
    require(
        Error::DirectoryUserInactive,
        "not switched off in every directory that knows the person",
        !refused,
    )?;
    if policy.require_provisioned {
        require(Error::DirectoryUserUnknown, "active in a directory", status.active)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_status_decides() {
        let (inactive, unknown) = (Err(Error::DirectoryUserInactive), Err(Error::DirectoryUserUnknown));
        let status = |active, inactive, refused| DirectoryStatus { active, inactive, refused };
        for (require_provisioned, status, expected) in [
            (false, status(false, false, false), Ok(())),
            (false, status(true, false, false), Ok(())),
            (false, status(false, true, true), inactive),
            (false, status(false, true, false), Ok(())),
            (false, status(true, true, true), Ok(())),
            (true, status(false, false, false), unknown),
            (true, status(true, false, false), Ok(())),
            (true, status(true, true, true), Ok(())),
            (true, status(false, true, false), inactive),
        ] {
            let mut checks = Vec::new();
            assert_eq!(decide(LoginPolicy { require_provisioned }, status, &mut checks), expected);
            assert_eq!(checks.iter().all(|check| check.passed), expected.is_ok());
        }
    }
}
