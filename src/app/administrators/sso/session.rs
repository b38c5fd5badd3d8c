//! The session of a person whom the identity provider signed in: for an administrator or for an open invitation, and
//! recently authenticated only if the provider asked for credentials.

use std::time::Duration;

use base::{id::Id, time::Timestamp};
use model::{
    account::AuthenticationMethod,
    administrator::{Administrator, RoleGrant},
    audit::audit_fields,
    email::Email,
};

use crate::{
    app::{
        Error, Result, State,
        accounts::{Device, attempts::record_unknown},
        administrators::{
            roles::grant_role,
            sessions::NewSession,
            start_session::{principal_of, start_session},
        },
        audit::{self, Entry},
        principal::Principal,
        resource::update_locked,
    },
    store::{self, Transaction, table},
};

/// A completed sign-in through an identity provider.
#[derive(Debug)]
pub struct SsoCallback {
    /// The session.
    pub session: NewSession,
    /// The path to redirect the browser to.
    pub next: String,
}

/// The time of authentication, if the provider had to ask for credentials and states that it did so after the
/// sign-in began. `None` if it may have used a session of its own, or states no time.
pub(super) fn asserted_auth_time(
    forced: bool,
    auth_time: Option<Timestamp>,
    started_at: Timestamp,
    skew: Duration,
) -> Option<Timestamp> {
    auth_time.filter(|at| forced && *at + skew >= started_at)
}

/// Sets the authentication time of the new session: not later than now, and never recent if it is unknown.
pub(super) async fn set_authentication_time(
    tx: &mut Transaction,
    begun: &mut NewSession,
    authenticated_at: Option<Timestamp>,
) -> Result<()> {
    let authenticated_at =
        authenticated_at.unwrap_or(Timestamp::from_millis(0)).min(begun.session.authenticated_at);
    begun.session.authenticated_at = authenticated_at;
    store::sessions::update_authenticated(tx, &begun.session, authenticated_at).await?;
    Ok(())
}

/// Starts a session for a verified address: of an administrator, or of an open invitation, which is accepted.
pub(super) async fn sign_in_with_email(
    tx: &mut Transaction,
    state: &State,
    email: &Email,
    method: AuthenticationMethod,
    device: &Device,
) -> Result<NewSession> {
    let now = state.now();
    // The account is locked before its invitations, as by its removal.
    let known = store::administrators::find_by_email_for_update(tx, email).await?;
    if let Some(known) = known.as_ref().filter(|known| known.disabled_at.is_none()) {
        return start_session(tx, state, known, method, device).await;
    }
    let invitation = store::invitations::find_open_by_email::<RoleGrant>(tx, email, now).await?;
    let Some(invitation) = invitation else {
        // Not awaited: this transaction may be the only one that can write.
        let (state, device) = (state.clone(), device.clone());
        tokio::spawn(async move { record_unknown(&state, method, &device).await });
        return Err(Error::Unauthenticated(
            "Your sign-in went well, but you are no administrator here. Ask an owner for an invitation."
                .into(),
        ));
    };
    if !store::invitations::consume(tx, &invitation, now).await? {
        return Err(Error::FailedPrecondition(
            "the invitation was used in the meantime; sign in again".into(),
        ));
    }
    let administrator = match known {
        Some(mut removed) => {
            removed.disabled_at = None;
            update_locked(tx, &mut removed, state).await?;
            removed
        }
        None => {
            let administrator = Administrator {
                id: Id::new(now, &*state.random),
                version: 1,
                email: email.clone(),
                display_name: String::new(),
                created_at: now,
                updated_at: now,
                disabled_at: None,
            };
            table::insert(tx, &administrator).await?;
            administrator
        }
    };
    let principal = Principal::SERVICE.at(device.address);
    grant_role(tx, state, &principal, &administrator, invitation.grant).await?;
    let principal = principal_of(tx, &administrator, device).await?;
    let said = audit_fields! { "email": email.as_str(), "invitationId": invitation.id };
    let entry = Entry::of(&administrator, "joined").with_values(said);
    audit::record(tx, state, invitation.grant.environment_id, &principal, entry).await?;
    start_session(tx, state, &administrator, method, device).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_provider_was_made_to_ask_for_and_says_that_it_did_is_a_proof() {
        let (started_at, skew) = (Timestamp::from_seconds(1_000), Duration::from_secs(60));
        for (forced, auth_time, is_proof) in [
            (true, Some(1_005), true),
            (true, Some(940), true),
            (true, Some(939), false),
            (true, None, false),
            (false, Some(1_005), false),
            (false, None, false),
        ] {
            let auth_time = auth_time.map(Timestamp::from_seconds);
            let expected = auth_time.filter(|_| is_proof);
            assert_eq!(
                asserted_auth_time(forced, auth_time, started_at, skew),
                expected,
                "{forced} {auth_time:?}"
            );
        }
    }
}
