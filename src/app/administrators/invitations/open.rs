//! The invitation of a link, as the person who opens it sees it.

use model::{
    account::{AdminInvitation, InvitationPurpose},
    administrator::Administrator,
    environment::Environment,
};

use crate::{
    app::{
        Result, State,
        accounts::invitations::{closed, find_open},
    },
    store,
};

/// An invitation, found by the token of its link.
#[derive(Debug, Clone)]
pub struct OpenedInvitation {
    /// The invitation.
    pub invitation: AdminInvitation,
    /// The environment it is for; `None` for every one.
    pub environment: Option<Environment>,
    /// The account of its address, if there is one.
    pub account: Option<Administrator>,
}

/// Loads the invitation of a link. Does not consume it.
pub async fn open(state: &State, token: &str) -> Result<OpenedInvitation> {
    let mut conn = state.db.read().await?;
    let invitation: AdminInvitation = find_open(&mut conn, state, token).await?;
    let environment = match invitation.grant.environment_id {
        Some(id) => store::table::find(&mut conn, id, id).await?,
        None => None,
    };
    let account = match &invitation.email {
        Some(email) => store::administrators::find_by_email(&mut conn, email).await?,
        None => None,
    };
    let removed = account.as_ref().is_none_or(|account| account.disabled_at.is_some());
    if invitation.purpose == InvitationPurpose::Reset && removed {
        return Err(closed());
    }
    Ok(OpenedInvitation { invitation, environment, account })
}
