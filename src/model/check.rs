//! Checks: the conditions a login must meet, as support reads them in a flow's timeline.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Who can mend a failed check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fixer {
    /// The customer's IT admin, in the identity provider's screens.
    IdentityProvider,
    /// The vendor who runs Ostiary, in the settings here.
    Vendor,
    /// The person who signs in, by trying again.
    User,
}

/// One condition that was verified, with what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Its stable name, the code of the refusal when it fails: `assertion_audience`.
    pub name: Cow<'static, str>,
    /// Whether it held.
    pub passed: bool,
    /// What would have passed. Shown to outsiders only once a signature verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What there was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// The clause it implements: `SAML 2.0 Core §2.5.1.4`.
    pub clause: Cow<'static, str>,
    /// Who can mend it when it fails.
    pub fixer: Fixer,
    /// What to do when it fails, one or two sentences to the fixer. Empty when it held.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub remedy: Cow<'static, str>,
}
