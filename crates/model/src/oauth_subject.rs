//! What the subject of a person is for OAuth clients.

use serde::Serialize;

/// What `sub` is in the ID tokens and userinfo responses of an environment (OpenID Connect Core §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OauthSubject {
    /// The address in its normal form; of one address that several organizations sign in, the first one's person has it.
    #[default]
    Email,
    /// The address as the identity provider sent it: SSOReady's subject.
    EmailAsSent,
}

impl OauthSubject {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Email, Self::EmailAsSent];

    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::EmailAsSent => "EMAIL_AS_SENT",
        }
    }

    /// Parses the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subject| subject.as_str() == text)
    }
}
