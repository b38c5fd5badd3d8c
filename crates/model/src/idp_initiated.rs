//! The policy for IdP-initiated logins.

use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

/// The policy for unsolicited (IdP-initiated) responses (SAML 2.0 Profiles §4.1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, IntoStaticStr, EnumString, VariantArray)]
#[serde(into = "&'static str")]
#[strum(serialize_all = "UPPERCASE")]
pub enum IdpInitiated {
    /// It signs the user in.
    Allow,
    /// It is discarded and an SP-initiated login of the same connection starts. The tile in the customer's
    /// portal works, and nobody can be signed in with another person's response (login CSRF).
    #[default]
    Restart,
    /// It is rejected.
    Refuse,
}

impl IdpInitiated {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
