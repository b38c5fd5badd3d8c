//! What users do with their own account, on its pages: never with anybody else's.
//!
//! | What | Proven by |
//! |---|---|
//! | the profile, the name of a passkey, sessions ended, a code sent again | the session |
//! | a password changed | the present password |
//! | an address added or removed, a passkey added or removed, an authenticator app, recovery codes, a first password, the download and the erasure | a session whose user has authenticated recently |
//! | an organization left, an invitation accepted | the session |
//! | an organization handed over | a session whose user has authenticated recently |
//! | an address proven | a code that was sent there |
//!
//! What changes how somebody signs in is told to every address that they have proven, and a change of a password or an app ends
//! their other sessions. Nothing here takes away the last way in, or the last identifier.

pub mod addresses;
pub mod confirmation;
pub mod data;
pub mod erasure;
pub mod organizations;
pub mod overview;
pub mod passkeys;
pub mod passwords;
pub mod profile;
pub mod second_factor;
pub mod sessions;
mod signed_in;
mod visible;

pub use signed_in::{SignedIn, find};
