//! Invitations to accounts: one-time links that last for three days. What one grants, and who may invite whom, is known to
//! the modules that use this one.

use std::time::Duration;

use base::{
    id::{EnvironmentId, Id},
    secret::Secret,
};
use model::{
    account::{AccountId, Invitation, InvitationGrant, InvitationPurpose},
    email::Email,
};

use crate::{
    app::{Error, Result, State},
    store::{self, Conn, Transaction},
};

/// How long a link is valid.
const LIFETIME: Duration = Duration::from_secs(72 * 3600);

/// The maximum number of open invitations of a kind in one environment, and of those to every environment.
const MAX_OPEN: i64 = 200;

/// An invitation to make.
#[derive(Debug, Clone)]
pub struct NewInvitation<G> {
    /// What it is for.
    pub purpose: InvitationPurpose,
    /// Whom it is for; `None` when anyone with the link may use it.
    pub email: Option<Email>,
    /// What is granted on acceptance.
    pub grant: G,
    /// Who invites; `None` for the operator.
    pub invited_by: Option<AccountId>,
}

/// Makes an invitation. Its token is returned only here.
pub async fn create<G: InvitationGrant>(
    tx: &mut Transaction,
    state: &State,
    new: NewInvitation<G>,
) -> Result<(Invitation<G>, Secret<G::Token>)> {
    let now = state.now();
    let invitation = Invitation {
        id: Id::new(now, &*state.random),
        purpose: new.purpose,
        email: new.email,
        grant: new.grant,
        invited_by: new.invited_by,
        created_at: now,
        expires_at: now + LIFETIME,
        consumed_at: None,
    };
    let token = Secret::new(&*state.random);
    store::invitations::insert(tx, &invitation, token.digest()).await?;
    Ok((invitation, token))
}

/// Returns an error if there is no room for one more invitation beside those that grant something in the same environment.
pub async fn require_room<G: InvitationGrant>(conn: &mut Conn, state: &State, grant: &G) -> Result<()> {
    let open =
        store::invitations::list_open::<G>(conn, grant.environment_id(), state.now(), MAX_OPEN).await?;
    if i64::try_from(open.len()).is_ok_and(|open| open < MAX_OPEN) {
        return Ok(());
    }
    Err(Error::FailedPrecondition(
        format!("there are {MAX_OPEN} open invitations; take some back first").into(),
    ))
}

/// The open invitations to an environment (`None`: to every environment).
pub async fn list_open<G: InvitationGrant>(
    state: &State,
    environment_id: Option<EnvironmentId>,
) -> Result<Vec<Invitation<G>>> {
    let mut conn = state.db.read().await?;
    Ok(store::invitations::list_open(&mut conn, environment_id, state.now(), MAX_OPEN).await?)
}

/// The open invitation of a link. One to another kind of account is not found.
pub async fn find_open<G: InvitationGrant>(
    conn: &mut Conn,
    state: &State,
    token: &str,
) -> Result<Invitation<G>> {
    let token: Secret<G::Token> = token.parse().map_err(|_| closed())?;
    let found = store::invitations::find_by_token::<G>(conn, &token).await?;
    found
        .filter(|invitation| invitation.consumed_at.is_none() && invitation.expires_at > state.now())
        .ok_or_else(closed)
}

/// Uses an invitation up. An error if it was used or taken back in the meantime.
pub async fn consume<G: InvitationGrant>(
    tx: &mut Transaction,
    state: &State,
    invitation: &Invitation<G>,
) -> Result<()> {
    match store::invitations::consume(tx, invitation, state.now()).await? {
        true => Ok(()),
        false => Err(closed()),
    }
}

/// The one error for every link that opens nothing.
pub fn closed() -> Error {
    Error::not_found("invitation", "")
}
