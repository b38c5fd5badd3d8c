//! Passkeys (WebAuthn Level 3): registered, listed, renamed, removed, and used to sign in without a user name.

mod authentication;
mod challenge;
mod credentials;
mod registration;
mod relying_party;

pub use authentication::{
    PasskeyProblem, PresentedPasskey, VerifiedPasskey, begin_authentication, begin_authentication_in, refused,
};
pub use challenge::Challenge;
pub use credentials::{list, remove, rename};
pub use registration::{
    NewPasskey, PasskeyUser, StoredChallenge, begin_registration, begin_registration_in, begin_stored,
    registration_challenge,
};
pub use relying_party::{Ceremony, RelyingParty, are_supported};
