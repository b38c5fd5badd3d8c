//! A check: one condition of a login, with what was expected and found, who can fix it and how.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Who can fix a failed check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fixer {
    /// The customer's IT admin, in the identity provider's screens.
    IdentityProvider,
    /// The operator of the service provider, in the settings of the connection.
    Vendor,
    /// The user who signs in, by trying again.
    User,
}

/// One condition that was verified, with what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Its stable name, also the error code when it fails: `assertion_audience`.
    pub name: Cow<'static, str>,
    /// Whether it passed.
    pub passed: bool,
    /// The expected value. Shown to outsiders only once a signature was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The value found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// The clause it implements: `SAML 2.0 Core §2.5.1.4`.
    pub clause: Cow<'static, str>,
    /// Who can fix it when it fails.
    pub fixer: Fixer,
    /// What the fixer should do, in one or two sentences. Empty when it passed.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub remedy: Cow<'static, str>,
    /// In the check of a signature that verified: the SHA-256 fingerprint of the certificate whose key made it,
    /// in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_sha256: Option<String>,
}

/// The maximum length in bytes of a value in a check; values in a response can be far longer.
const MAX_VALUE_BYTES: usize = 512;

/// Truncates a value to the maximum length.
pub(super) fn truncate_value(mut text: String) -> String {
    if text.len() > MAX_VALUE_BYTES {
        let mut end = MAX_VALUE_BYTES;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_short_and_whole_characters() {
        let shown = truncate_value("ü".repeat(1000));
        assert!(shown.len() <= MAX_VALUE_BYTES + '…'.len_utf8() && shown.ends_with('…'));
        assert_eq!(truncate_value("short".to_owned()), "short");
    }
}
