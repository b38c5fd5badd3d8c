//! Whether a login may still let its person in: its organization, connection and domain are there, and no
//! directory of the organization says otherwise (ruling 3): whom the customer switched off there does not come
//! in here, whatever the identity provider's sign-in service still asserts.
//!
//! One function asks, in the transaction that accepts a login or uses up its code, and before each thing that
//! its access token opens. So a deactivation that commits in between counts in either order: before the login
//! it refuses it, after it it ends what the login gave.

use super::{Result, sign_in::Refusal};
use crate::{
    model::{
        check::Check,
        email::Email,
        id::{OrganizationId, SamlConnectionId, SamlFlowId},
        saml_flow::StepKind,
        secret::Digest,
        time::Timestamp,
    },
    store::{
        Conn, Transaction,
        login_eligibility::{self, DirectoryStatus, LoginEligibility, LoginPolicy},
        saml_flows::{self, NewStep},
    },
};

/// Which login is asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoginOf<'a> {
    /// The organization that it came through.
    pub(super) organization_id: OrganizationId,
    /// The SAML connection that it came through.
    pub(super) connection_id: SamlConnectionId,
    /// Who signed in.
    pub(super) email: &'a Email,
}

/// Why a login lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denial {
    /// Its organization or its connection is gone.
    Gone,
    /// The organization or its directories refuse the person.
    Refused(Refusal),
}

/// Asks in the transaction that accepts the login or uses up what it gave. The person's rows in directories stay
/// as they are until it ends, so ask before anything else is written: whoever changes a person takes those
/// first too. `checks` gets what refuses the login and what the directories say.
pub(super) async fn check(
    tx: &mut Transaction,
    login: LoginOf<'_>,
    checks: &mut Vec<Check>,
) -> Result<Result<LoginEligibility, Denial>> {
    let found = find(tx, login, checks).await?;
    if found.as_ref().is_ok_and(|found| found.policy.is_some()) {
        login_eligibility::lock_matching_users(tx, login.organization_id, login.email).await?;
    }
    ask_directories(tx, login, found, checks).await
}

/// [`check`] for the code of a login that an app brings. Where it refuses, the login tells so from now on, or nobody
/// could say why the app's answer was no; then, and where the login's organization or connection is gone, the
/// transaction is over.
pub(super) async fn check_code(
    mut tx: Transaction,
    flow: SamlFlowId,
    code: Digest,
    login: LoginOf<'_>,
    now: Timestamp,
) -> Result<Option<(Transaction, LoginEligibility)>> {
    let mut checks = Vec::new();
    match check(&mut tx, login, &mut checks).await? {
        Ok(admission) => Ok(Some((tx, admission))),
        Err(Denial::Gone) => Ok(None),
        Err(Denial::Refused(refusal)) => {
            if saml_flows::update_code_refused(&mut tx, flow, code, refusal.code(), now).await? {
                let step = NewStep { at: now, kind: StepKind::Refused, checks: &checks, document: None };
                saml_flows::insert_step(&mut tx, flow, step).await?;
                tx.commit().await?;
                tracing::info!(flow = %flow, reason = refusal.code(), "code refused");
            }
            Ok(None)
        }
    }
}

/// Asks where nothing is written.
pub(super) async fn ask(
    conn: &mut Conn,
    login: LoginOf<'_>,
    checks: &mut Vec<Check>,
) -> Result<Result<LoginEligibility, Denial>> {
    let found = find(conn, login, checks).await?;
    ask_directories(conn, login, found, checks).await
}

async fn ask_directories(
    conn: &mut Conn,
    login: LoginOf<'_>,
    found: std::result::Result<LoginEligibility, Denial>,
    checks: &mut Vec<Check>,
) -> Result<Result<LoginEligibility, Denial>> {
    let (admission, policy) = match found {
        Ok(admission) => match admission.policy {
            Some(policy) => (admission, policy),
            None => return Ok(Ok(admission)),
        },
        Err(denial) => return Ok(Err(denial)),
    };
    let standing = login_eligibility::find_directory_status(conn, login.organization_id, login.email).await?;
    Ok(decide(policy, standing, checks).map(|()| admission).map_err(Denial::Refused))
}

async fn find(
    conn: &mut Conn,
    login: LoginOf<'_>,
    checks: &mut Vec<Check>,
) -> Result<Result<LoginEligibility, Denial>> {
    let domain = login.email.domain();
    let found = login_eligibility::find(conn, login.organization_id, login.connection_id, domain).await?;
    Ok(match found.filter(|found| found.has_connection) {
        None => Err(Denial::Gone),
        Some(found) if !found.domain_counts => {
            let refusal = Refusal::EmailOutsideOrganizationDomains;
            let expected = Some("a domain of the organization".to_owned());
            checks.push(refusal.failed(expected, Some(login.email.to_string())));
            Err(Denial::Refused(refusal))
        }
        Some(found) => Ok(found),
    })
}

fn decide(policy: LoginPolicy, standing: DirectoryStatus, checks: &mut Vec<Check>) -> Result<(), Refusal> {
    let found = match standing {
        DirectoryStatus { active: true, .. } => "active in a directory",
        DirectoryStatus { inactive: true, .. } => "inactive or deleted in the directory",
        DirectoryStatus { .. } => "in no directory",
    };
    let mut holds = |refusal: Refusal, expected: &str, holds: bool| {
        let (expected, found) = (Some(expected.to_owned()), Some(found.to_owned()));
        checks.push(if holds { refusal.passed(expected, found) } else { refusal.failed(expected, found) });
        if holds { Ok(()) } else { Err(refusal) }
    };
    let switched_off = !standing.active && standing.inactive;
    let refused = switched_off && (standing.refused || policy.require_provisioned);
    holds(
        Refusal::DirectoryUserInactive,
        "not switched off in every directory that knows the person",
        !refused,
    )?;
    if policy.require_provisioned {
        holds(Refusal::DirectoryUserUnknown, "active in a directory", standing.active)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directorys_word_counts() {
        let (inactive, unknown) = (Err(Refusal::DirectoryUserInactive), Err(Refusal::DirectoryUserUnknown));
        let standing = |active, inactive, refused| DirectoryStatus { active, inactive, refused };
        for (require_provisioned, standing, expected) in [
            (false, standing(false, false, false), Ok(())),
            (false, standing(true, false, false), Ok(())),
            (false, standing(false, true, true), inactive),
            (false, standing(false, true, false), Ok(())),
            (false, standing(true, true, true), Ok(())),
            (true, standing(false, false, false), unknown),
            (true, standing(true, false, false), Ok(())),
            (true, standing(true, true, true), Ok(())),
            (true, standing(false, true, false), inactive),
        ] {
            let mut checks = Vec::new();
            assert_eq!(decide(LoginPolicy { require_provisioned }, standing, &mut checks), expected);
            assert_eq!(checks.iter().all(|check| check.passed), expected.is_ok());
        }
    }
}
