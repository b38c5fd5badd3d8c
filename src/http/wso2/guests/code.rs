//! A confirmation code, as it is sent.

use serde::Deserialize;

/// The code of an invitation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CodeBody {
    /// It.
    pub confirmation_code: String,
}
