//! The error of the document stage (limits, structure, signatures, decryption), with what was expected and found.

use crate::{check::Check, error::Error};

/// A failed check of the document stage: the error with what was expected and found.
#[derive(Debug)]
pub(super) struct FailedCheck {
    pub error: Error,
    pub expected: Option<String>,
    pub found: Option<String>,
}

impl FailedCheck {
    /// An error with what was found.
    pub fn found(error: Error, found: impl Into<String>) -> Self {
        Self { error, expected: None, found: Some(found.into()) }
    }

    /// Adds what would have passed.
    pub fn expected(self, expected: impl Into<String>) -> Self {
        Self { expected: Some(expected.into()), ..self }
    }

    /// The failed check.
    pub fn check(&self) -> Check {
        self.error.check(false, self.expected.clone(), self.found.clone())
    }
}

impl From<Error> for FailedCheck {
    fn from(error: Error) -> Self {
        Self { error, expected: None, found: None }
    }
}
