//! Names and state marks of users.

use maud::Markup;
use model::{
    account::CredentialState,
    identity_pool::IdentityPool,
    user::{AddressKind, IdentifierKind, User, UserStatus},
};

use crate::{
    app::accounts::users::UserDetails,
    web::kit::components::{Icon, mark},
};

/// What a user is called: the name of the profile, else the first identifier or address, else the id.
pub(in crate::web::console) fn name(user: &UserDetails) -> String {
    let names = [user.user.display_name()];
    let identifiers = user.identifiers.iter().map(|identifier| identifier.text.as_str().to_owned());
    let addresses = user.addresses.iter().map(|address| address.address.clone());
    let found = names.into_iter().chain(identifiers).chain(addresses).find(|name| !name.is_empty());
    found.unwrap_or_else(|| user.user.id.to_string())
}

/// What a pool is called: its name, else its id.
pub(in crate::web::console) fn pool(pool: &IdentityPool) -> String {
    match pool.name.trim() {
        "" => pool.id.to_string(),
        name => name.to_owned(),
    }
}

/// Whether a user may sign in, as a mark. `is_invited`: whether there is an invitation that a new one can follow.
pub(in crate::web::console) fn status(user: &User, is_invited: bool) -> Markup {
    match user.status {
        UserStatus::New if is_invited => mark(Icon::Note, "Invited"),
        UserStatus::New => mark(Icon::Note, "New"),
        UserStatus::Active => mark(Icon::Good, "Active"),
        UserStatus::Inactive => mark(Icon::Attention, "Disabled"),
        UserStatus::Deleted => mark(Icon::Bad, "Deleted"),
    }
}

/// What an identifier is.
pub(super) const fn identifier_kind(kind: IdentifierKind) -> &'static str {
    match kind {
        IdentifierKind::Email => "E-mail address",
        IdentifierKind::Mobile => "Phone number",
        IdentifierKind::Uid => "User name",
        IdentifierKind::External => "ID in another system",
        IdentifierKind::Federated => "Name at an identity provider",
    }
}

/// What an address is.
pub(super) const fn address_kind(kind: AddressKind) -> &'static str {
    match kind {
        AddressKind::Email => "E-mail address",
        AddressKind::Mobile => "Phone number",
    }
}

/// Whether a password can be used, as a mark.
pub(super) fn credential_state(state: CredentialState) -> Markup {
    match state {
        CredentialState::Valid => mark(Icon::Good, "Valid"),
        CredentialState::MustBeChanged => mark(Icon::Attention, "Must be changed at the next sign-in"),
        CredentialState::MustBeReset => mark(Icon::Bad, "Must be reset: nobody signs in with it"),
    }
}
