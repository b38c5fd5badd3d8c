//! What there is of an account, at a glance.

use model::{
    account::CredentialSummary,
    user::{User, UserAddress, UserIdentifier},
};

use super::{SignedIn, sessions};
use crate::app::{
    Result, State,
    accounts::{credentials, users::UserDetails, users::details::details_of},
};

/// An account at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// By what the user is found.
    pub identifiers: Vec<UserIdentifier>,
    /// Where they are reached.
    pub addresses: Vec<UserAddress>,
    /// What they sign in with.
    pub credentials: Vec<CredentialSummary>,
    /// In how many browsers and programs they are signed in.
    pub sessions: usize,
}

impl Overview {
    /// What the user knows their account by: what they sign in with, else where they are reached, else its id.
    pub fn name(&self, user: &User) -> String {
        let identifier = self.identifiers.first().map(|identifier| identifier.text.as_str());
        let address = self.addresses.first().map(|address| address.address.as_str());
        identifier.or(address).map_or_else(|| user.id.to_string(), str::to_owned)
    }

    /// Whether there is a password.
    pub fn has_password(&self) -> bool {
        self.credentials.iter().any(|one| matches!(one, CredentialSummary::Password { .. }))
    }

    /// Whether there is an authenticator app.
    pub fn has_app(&self) -> bool {
        self.credentials.iter().any(|one| matches!(one, CredentialSummary::Totp { .. }))
    }
}

/// The account of whoever is signed in.
pub async fn load(state: &State, signed_in: &SignedIn) -> Result<Overview> {
    let sessions = sessions::list(state, signed_in).await?.len();
    let mut conn = state.db.read().await?;
    let credentials = credentials::summaries(&mut conn, signed_in.id()).await?;
    let found = details_of(&mut conn, vec![signed_in.user().clone()]).await?.pop();
    let (identifiers, addresses) =
        found.map(|UserDetails { identifiers, addresses, .. }| (identifiers, addresses)).unwrap_or_default();
    Ok(Overview { identifiers, addresses, credentials, sessions })
}
