//! What the subject of a person is for OAuth clients.

use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

/// What `sub` is in the ID tokens and userinfo responses of an environment (OpenID Connect Core §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, IntoStaticStr, EnumString, VariantArray)]
#[serde(into = "&'static str")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum OauthSubject {
    /// The address in its normal form; of one address that several organizations sign in, the first one's person has it.
    #[default]
    Email,
    /// The address as the identity provider sent it: SSOReady's subject.
    EmailAsSent,
}

impl OauthSubject {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
