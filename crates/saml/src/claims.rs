//! The few values of a response that are read before, and without, verification.

use uppsala::Document;

use crate::dom::{Element, ns};

/// Unverified values from a response. Use them only to find the flow in which to show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnverifiedClaims {
    /// `InResponseTo` of the response (SAML 2.0 Core §3.2.2).
    pub in_response_to: Option<String>,
    /// The `ID` of its assertion (SAML 2.0 Core §2.3.3).
    pub assertion_id: Option<String>,
    /// The `Issuer` of the response, or else of the assertion (SAML 2.0 Core §2.2.5).
    pub issuer: Option<String>,
}

impl UnverifiedClaims {
    /// The maximum length of a value in bytes.
    const MAX_LENGTH: usize = 1024;

    /// Reads them from a document of any structure; none when it is not a response.
    pub(super) fn of(document: &Document<'_>) -> Self {
        let Some(response) = Element::root(document).filter(|root| root.is(ns::PROTOCOL, "Response")) else {
            return Self::default();
        };
        let assertion = response.child(ns::ASSERTION, "Assertion");
        let keep = |text: &str| (!text.is_empty() && text.len() <= Self::MAX_LENGTH).then(|| text.to_owned());
        let issuer = |element: Element<'_>| {
            element.child(ns::ASSERTION, "Issuer")?.text().and_then(|text| keep(&text))
        };
        Self {
            in_response_to: response.attribute("InResponseTo").and_then(keep),
            assertion_id: assertion.and_then(|assertion| assertion.attribute("ID")).and_then(keep),
            issuer: issuer(response).or_else(|| assertion.and_then(issuer)),
        }
    }
}
