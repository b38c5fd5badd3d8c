//! Whether the user of a login may still sign in: the organization, the connection and the domain exist, and no
//! SCIM directory of the organization refuses them. A user who is deactivated in a directory is
//! refused, whatever the identity provider asserts.
//!
//! The check runs in the transaction that accepts a login, in the one that consumes its code, and on each use of the
//! access token. A deactivation that commits concurrently takes effect in either order: it refuses the login, or it
//! ends the grant, and with it the code and tokens.

use base::{
    connection_id::ConnectionId,
    id::{OauthClientId, OrganizationId},
    secret::Digest,
    time::Timestamp,
};
use model::{email::Email, login_flow::StepKind};
use saml::check::Check;

use super::error::Error;
use crate::{
    app::{Result, State},
    store::{
        Conn, Transaction, authorization_codes,
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
    pub(in crate::app) connection_id: ConnectionId,
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
    let found = check_found(find(tx, login).await?, login, checks);
    if found.as_ref().is_ok_and(|found| found.policy.is_some()) {
        login_eligibility::lock_matching_users(tx, login.organization_id, login.email).await?;
    }
    check_directories(tx, login, found, checks).await
}

/// What became of a code that an app redeems.
#[derive(Debug)]
pub(in crate::app) enum CodeOutcome {
    /// It is redeemed, once the transaction commits.
    Redeemed(Transaction),
    /// Its person may not sign in any more, or the organization or connection is gone. The code is not used up.
    Refused,
    /// Somebody else redeemed it, or its grant ended.
    Used(Transaction),
}

/// Redeems the code of a login, if its person may still sign in. Checked without locks: whoever switches something off ends
/// the grant that exists already. A refusal is recorded in the login's timeline.
pub(in crate::app) async fn redeem_code(
    state: &State,
    mut tx: Transaction,
    code: Digest,
    login: &Login,
    now: Timestamp,
) -> Result<CodeOutcome> {
    // Of concurrent requests with the same code the database lets one succeed.
    let Some(consumed) = authorization_codes::consume(&mut tx, code, login, now).await? else {
        return Ok(match check_code(tx, login, now).await? {
            Some(tx) => CodeOutcome::Used(tx),
            None => CodeOutcome::Refused,
        });
    };
    let mut checks = Vec::new();
    match check_read(&mut tx, login.into(), consumed.eligibility, &mut checks).await? {
        Ok(_) => Ok(CodeOutcome::Redeemed(tx)),
        Err(denial) => {
            // Rolled back, so that the code is good again when the person is.
            drop(tx);
            record_refusal(state.db.write().await?, login, denial, &checks, now).await?;
            Ok(CodeOutcome::Refused)
        }
    }
}

/// Checks for the code of a login that an app could not redeem, as [`redeem_code`] does. `None`: refused, or the
/// organization or connection is gone; the transaction has ended.
pub(in crate::app) async fn check_code(
    mut tx: Transaction,
    login: &Login,
    now: Timestamp,
) -> Result<Option<Transaction>> {
    let mut checks = Vec::new();
    match check_read_only(&mut tx, login.into(), &mut checks).await? {
        Ok(_) => Ok(Some(tx)),
        Err(denial) => {
            record_refusal(tx, login, denial, &checks, now).await?;
            Ok(None)
        }
    }
}

/// Records in the login's timeline that its code was refused, so that support can see why the app got an error.
async fn record_refusal(
    mut tx: Transaction,
    login: &Login,
    denial: Denial,
    checks: &[Check],
    now: Timestamp,
) -> Result<()> {
    let (Denial::Refused(refusal), flow) = (denial, login.flow_id) else { return Ok(()) };
    if login_flows::update_code_refused(&mut tx, flow, refusal.code(), now).await? {
        let step = NewStep { at: now, kind: StepKind::Refused, checks, document: None };
        login_flow_steps::insert(&mut tx, flow, step).await?;
        tx.commit().await?;
        tracing::info!(flow = %flow, reason = refusal.code(), "code refused");
    }
    Ok(())
}

/// [`check_read_only`], for what the statement that found the login has read with it.
pub(in crate::app) async fn check_read(
    conn: &mut Conn,
    login: LoginSubject<'_>,
    found: Option<LoginEligibility>,
    checks: &mut Vec<Check>,
) -> Result<Result<LoginEligibility, Denial>> {
    let found = check_found(found, login, checks);
    check_directories(conn, login, found, checks).await
}

/// [`check`] without locks, for a login whose grant exists.
pub(in crate::app) async fn check_read_only(
    conn: &mut Conn,
    login: LoginSubject<'_>,
    checks: &mut Vec<Check>,
) -> Result<Result<LoginEligibility, Denial>> {
    let found = find(conn, login).await?;
    check_read(conn, login, found, checks).await
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

/// Whether a directory of the organization has switched off a person with one of these addresses, and none knows them as active.
/// For people who prove by other means than a connection who they are. What the directories say of them stays so until the
/// transaction ends.
pub(in crate::app) async fn is_switched_off(
    tx: &mut Transaction,
    organization_id: OrganizationId,
    emails: &[Email],
) -> Result<bool> {
    if !login_eligibility::has_refusing_directory(tx, organization_id).await? {
        return Ok(false);
    }
    for email in emails {
        login_eligibility::lock_matching_users(tx, organization_id, email).await?;
        let status = login_eligibility::find_directory_status(tx, organization_id, email).await?;
        if status.refused && !status.active {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn find(conn: &mut Conn, login: LoginSubject<'_>) -> Result<Option<LoginEligibility>> {
    let LoginSubject { organization_id, connection_id, client_id, email } = login;
    Ok(login_eligibility::find(conn, organization_id, connection_id, client_id, email).await?)
}

/// What the organization, the connection, the client and the domain decide.
fn check_found(
    found: Option<LoginEligibility>,
    login: LoginSubject<'_>,
    checks: &mut Vec<Check>,
) -> std::result::Result<LoginEligibility, Denial> {
    let Some(found) = found.filter(|found| found.has_connection) else { return Err(Denial::Gone) };
    if let Some(refusal) = not_in_use(&found, login.client_id.is_some()) {
        checks.push(refusal.failed(None, None));
        return Err(Denial::Refused(refusal));
    }
    if !found.domain_counts {
        let refusal = Error::EmailOutsideOrganizationDomains;
        let expected = Some("a domain of the organization".to_owned());
        checks.push(refusal.failed(expected, Some(login.email.to_string())));
        return Err(Denial::Refused(refusal));
    }
    Ok(found)
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
