//! The credentials of accounts, as they are shown: never what proves anything.

use base::time::Timestamp;
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::Passkey;

/// Whether a credential can be used as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, IntoStaticStr, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CredentialState {
    /// It can.
    #[default]
    Valid,
    /// It is good for one more authentication, after which it is changed.
    MustBeChanged,
    /// It is good for none: it is reset first.
    MustBeReset,
}

impl CredentialState {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A credential of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialSummary {
    /// Its password.
    Password {
        /// Whether it can be used.
        state: CredentialState,
        /// When it was set.
        changed_at: Timestamp,
        /// Until when it can be used.
        expires_at: Option<Timestamp>,
    },
    /// A passkey.
    Passkey {
        /// The passkey.
        passkey: Passkey,
        /// The authenticator's id of it, base64url (WebAuthn Level 3 §4, credential id).
        credential_id: String,
    },
    /// An authenticator app.
    Totp {
        /// When it was added.
        created_at: Timestamp,
    },
    /// Recovery codes.
    RecoveryCodes {
        /// How many are not used.
        left: i64,
        /// When they were made.
        created_at: Timestamp,
    },
}
