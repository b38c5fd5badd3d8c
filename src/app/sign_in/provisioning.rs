//! A directory's word counts at login (ruling 3): whom the customer switched off there does not come in
//! here, whatever the identity provider's sign-in service still asserts.

use super::refusal::Refusal;
use crate::{
    app::{Result, State},
    model::{check::Check, email::Email, organization::Organization},
    store::scim_people::{self, LoginPolicy, Standing},
};

/// Whether the organization's directories let the person in. Without a directory there is nothing to check.
pub(super) async fn check(
    state: &State,
    organization: &Organization,
    email: &Email,
    checks: &mut Vec<Check>,
) -> Result<Result<(), Refusal>> {
    let mut conn = state.db.read().await?;
    let Some(policy) = scim_people::find_login_policy(&mut conn, organization.id).await? else {
        return Ok(Ok(()));
    };
    let standing = scim_people::find_standing(&mut conn, organization.id, email).await?;
    drop(conn);
    Ok(decide(policy, standing, checks))
}

fn decide(policy: LoginPolicy, standing: Standing, checks: &mut Vec<Check>) -> Result<(), Refusal> {
    let found = match standing {
        Standing { active: true, .. } => "active in a directory",
        Standing { inactive: true, .. } => "inactive or deleted in the directory",
        Standing { .. } => "in no directory",
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
        let standing = |active, inactive, refused| Standing { active, inactive, refused };
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
