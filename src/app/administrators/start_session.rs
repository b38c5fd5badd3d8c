//! The start of a session after any method of authentication.

use model::{account::AuthenticationMethod, administrator::Administrator, audit::audit_fields};

use super::{
    sessions::{self, NewSession},
    signed_in,
};
use crate::{
    app::{
        Error, Result, State,
        accounts::Device,
        audit::{self, Entry},
        principal::Principal,
    },
    store::{self, Transaction},
};

/// Starts the session of an authenticated administrator and records it in the audit log.
pub(in crate::app) async fn start_session(
    tx: &mut Transaction,
    state: &State,
    administrator: &Administrator,
    method: AuthenticationMethod,
    device: &Device,
) -> Result<NewSession> {
    // A concurrent removal of the account waits for this lock and then ends this session, or it came first.
    if signed_in::lock_enabled(tx, administrator.id).await?.is_none() {
        return Err(Error::Unauthenticated("this account was removed".into()));
    }
    let begun = sessions::create(tx, state, administrator.id, method, device).await?;
    let principal = principal_of(tx, administrator, device).await?;
    let said = audit_fields! {
        "method": method.as_str(),
        "sessionId": begun.session.id,
        "userAgent": begun.session.user_agent,
    };
    audit::record(tx, state, None, &principal, Entry::of(administrator, "signed_in").with_values(said))
        .await?;
    Ok(begun)
}

/// An administrator who authenticates in this request, as the principal of changes to their own account.
pub(in crate::app) async fn principal_of(
    tx: &mut Transaction,
    administrator: &Administrator,
    device: &Device,
) -> Result<Principal> {
    let grants = store::administrators::list_grants(tx, administrator.id).await?;
    Ok(signed_in::principal(administrator.id, &grants, device.address))
}
