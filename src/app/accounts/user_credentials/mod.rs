//! The credentials of users: what a program with the scope `identity` does with them, and what users do by one-time codes.
//!
//! | What | Proven by |
//! |---|---|
//! | a password changed, an authenticator app replaced | the present password, a code of the present app |
//! | a password or an app reset, a passkey added | a one-time code |
//! | an account activated, an address verified | a one-time code |
//! | a passkey added or removed, an app or recovery codes taken away, the state of a password set | the caller's scope |
//! | a password set, a one-time code made | the caller's scope; of an administrator also a recent authentication |
//!
//! A change of a password or an app ends the user's sessions and access tokens. No failure says which of user, code and
//! password was wrong, and what a stranger can begin without a proof answers alike whether there is such a user or not. What is
//! asked for on behalf of a user goes to them by mail, where that is set up; what a program asks for to hand over does not.

mod activation;
pub(super) mod codes;
mod invitations;
pub(super) mod letters;
pub(super) mod passkeys;
mod passwords;
pub(super) mod place;
mod registration;
mod removal;
mod resets;
mod self_service;
mod send_again;
mod sign_in;
mod verification;

pub use activation::{Activation, activate, activate_extended, ask_for_password, send_activation};
pub use codes::{generate, generate_for};
pub use invitations::{ask_again, open_invitations, withdraw_invitation};
pub(in crate::app) use letters::{find_registered, usual_address};
pub use passkeys::{
    PasskeyCredential, begin_passkey, complete_passkey, passkeys_are_supported, remove_passkey,
    rename_passkey,
};
pub use passwords::{
    PasswordResult, PasswordVerdict, change_password, change_totp, set_password, set_password_state,
    verify_password,
};
pub use place::{UserReference, counted_text};
pub use registration::{Registration, register};
pub use removal::{Removal, remove_credential};
pub use resets::{Reset, complete_reset, request_reset};
pub use self_service::{SelfService, can_name_somebody, self_service, send_way_in};
pub use send_again::send_again;
pub use sign_in::{
    Account, add_own_passkey, begin as begin_sign_in, change_own_password, enrol_totp, find as find_account,
    load as load_account, lock, names, offers_passkeys, prepare_password,
};
pub use verification::{request_verification, verify_address};
