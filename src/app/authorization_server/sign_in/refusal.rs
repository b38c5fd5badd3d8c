//! Why a step of a sign-in is refused.

/// Why somebody is not signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// What they gave is not right. Which part of it is not told.
    Wrong,
    /// The code is wrong, used or expired.
    WrongCode,
    /// The passkey is not accepted. Why is not told.
    WrongPasskey,
    /// They are who they say, and their account may not be used.
    NotActive,
    /// They are who they say, and their password is good for nothing but to be reset.
    MustBeReset,
    /// The request was answered, has expired, or is of another browser; or its client may not be used any more.
    Gone,
}

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub why: Refusal,
    /// How the login is quoted, if it is in the log.
    pub reference: Option<String>,
}

impl From<Refusal> for Refused {
    fn from(why: Refusal) -> Self {
        Self { why, reference: None }
    }
}
