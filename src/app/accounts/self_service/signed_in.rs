//! A user with a session at their organization's issuer.

use base::time::Timestamp;
use model::{
    account::{AccountId, OneTimeCodePurpose, UserSession},
    letter::LetterKind,
    user::User,
};

use crate::{
    app::{
        Error, Result, State,
        accounts::{
            AccountHolder, Device, attempts::Attempt, recent_authentication, user_credentials,
            user_credentials::Account, users::UserEdit,
        },
        audit::{self, Entry},
        authorization_server::{
            issuers::Issuer,
            sign_in::{Visitor, session},
        },
        principal::Principal,
    },
    store::{self, Transaction},
};

/// A user who is signed in, and acts on their own account.
#[derive(Clone)]
pub struct SignedIn {
    /// The user with their pool.
    pub account: Account,
    /// The session.
    pub session: UserSession,
    /// The browser.
    device: Device,
}

/// Whoever has a session of their own in this browser, at this issuer. An operator's session is nobody's who is at a browser.
pub async fn find(state: &State, issuer: &Issuer, visitor: &Visitor) -> Result<Option<SignedIn>> {
    let Some((session, user)) = session::find(state, issuer, visitor).await? else { return Ok(None) };
    let mut conn = state.db.read().await?;
    let account =
        user_credentials::load_account(&mut conn, user.environment_id, user.organization_id, user.id).await?;
    Ok(account.map(|account| SignedIn { account, session, device: visitor.device.clone() }))
}

impl SignedIn {
    /// The user.
    pub fn user(&self) -> &User {
        &self.account.user
    }

    /// Whether they have authenticated recently.
    pub fn is_recent(&self, now: Timestamp) -> bool {
        recent_authentication::is_recent(&self.session, now)
    }

    /// The account.
    pub(super) fn id(&self) -> AccountId {
        self.user().id.into()
    }

    pub(in crate::app) fn device(&self) -> &Device {
        &self.device
    }

    /// They as who does it, for the audit log.
    pub(super) fn principal(&self) -> Principal {
        let user = self.user();
        let principal = Principal::user(user.id, user.environment_id).at(self.device.address);
        principal.authenticated(self.session.authenticated_at)
    }

    pub(super) fn holder(&self) -> AccountHolder {
        let environment_id = Some(self.user().environment_id);
        AccountHolder { account: self.id(), environment_id, principal: self.principal() }
    }

    /// An error unless they have authenticated recently.
    pub(super) fn require_recent(&self, state: &State) -> Result<()> {
        recent_authentication::require_recent(&self.session, state.now())
    }

    /// Begins an attempt to prove to be them, counted with those to sign in as them.
    pub(super) fn begin_attempt(&self, state: &State) -> Result<Attempt> {
        let user = self.user();
        user_credentials::begin_sign_in(state, user.organization_id, Some(user), "", &self.device)
    }

    /// Locks the user, whose credentials change.
    pub(super) async fn lock(&self, tx: &mut Transaction) -> Result<User> {
        let user = user_credentials::lock(tx, &self.account).await?;
        user.filter(|user| user.may_sign_in()).ok_or_else(ended)
    }

    /// Locks the user with their pool: identifiers, addresses or the profile change.
    pub(super) async fn edit(&self, state: &State) -> Result<UserEdit> {
        let edit = UserEdit::begin_own(state, self.user()).await?;
        match edit.edit.row.may_sign_in() {
            true => Ok(edit),
            false => Err(ended()),
        }
    }

    /// Ends what else there is of an account whose password or second factor has changed: other sessions with their tokens,
    /// and codes by which somebody could undo it.
    pub(super) async fn end_others(&self, tx: &mut Transaction, state: &State) -> Result<()> {
        let (id, now) = (self.user().id, state.now());
        store::users::end_other_sessions(tx, id, self.session.id, now).await?;
        end_codes(tx, state, self.user()).await
    }

    /// Records what was done to the account, and tells the user of it by mail.
    pub(super) async fn tell(
        &self,
        tx: &mut Transaction,
        state: &State,
        user: &User,
        done: &str,
        notice: LetterKind,
    ) -> Result<()> {
        self.record(tx, state, Entry::of(user, done)).await?;
        user_credentials::letters::send_notice(tx, state, user, notice, None).await
    }

    /// Records something that they tried and did not do: one a minute and network.
    pub(super) async fn record_refused(&self, state: &State, what: &str) {
        let (user, principal) = (self.user(), self.principal());
        let entry = Entry::of(user, what);
        let recorded = audit::record_bounded(state, Some(user.environment_id), &principal, entry);
        if let Err(error) = recorded.await {
            tracing::warn!(%error, what, "what was refused could not be recorded");
        }
    }

    pub(super) async fn record(&self, tx: &mut Transaction, state: &State, entry: Entry) -> Result<()> {
        audit::record(tx, state, Some(self.user().environment_id), &self.principal(), entry).await
    }
}

/// Ends the codes by which a user's credentials can be set.
pub(super) async fn end_codes(tx: &mut Transaction, state: &State, user: &User) -> Result<()> {
    for purpose in
        [OneTimeCodePurpose::ResetPassword, OneTimeCodePurpose::ResetTotp, OneTimeCodePurpose::EnrollWebauthn]
    {
        store::one_time_codes::end_for(tx, user.id, purpose, state.now()).await?;
    }
    Ok(())
}

fn ended() -> Error {
    Error::FailedPrecondition("your account was switched off in the meantime".into())
}
