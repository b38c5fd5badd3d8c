//! Somebody whom an identity provider has proven, in the same form whatever the protocol.

use base::{secret::Digest, time::Timestamp};
use model::{
    email::Email,
    federated_identity::FederatedIdentity,
    login_flow::{Attributes, LoginFlow},
};
use saml::VerifiedAssertion;
use serde_json::{Map, Value};

use super::{assertion_claims, federated};
use crate::app::accounts::users::LastingName;

/// Somebody whom the identity provider of a login has proven.
#[derive(Debug)]
pub(super) struct Proven {
    /// Their address.
    pub(super) email: Email,
    /// What the identity provider says about them, as apps get it.
    pub(super) attributes: Attributes,
    /// When they authenticated, by its word.
    pub(super) authenticated_at: Option<Timestamp>,
    /// How it names them; `None` where the name is good for one session only.
    pub(super) identity: Option<FederatedIdentity>,
    /// The same, to find their account by.
    pub(super) name: Option<LastingName>,
    /// The profile of a new account, by the names of OpenID Connect.
    pub(super) claims: Map<String, Value>,
    /// How they authenticated (RFC 8176).
    pub(super) methods: Vec<String>,
    /// The response that proves it, where it must not count twice. By OpenID Connect that is the code, which the provider takes
    /// once, and `state`.
    pub(super) response: Option<SingleUse>,
}

/// A response that counts once.
#[derive(Debug, Clone, Copy)]
pub(super) struct SingleUse {
    /// The digest of its ID.
    pub(super) id: Digest,
    /// Until when it would be accepted.
    pub(super) until: Timestamp,
}

impl Proven {
    /// The person of a verified assertion, whose address is `email`.
    pub(super) fn by_assertion(
        flow: &LoginFlow,
        email: Email,
        assertion: &VerifiedAssertion,
        now: Timestamp,
    ) -> Self {
        let identity = federated::identity_of(flow, &email, assertion, now);
        let mut attributes = Attributes::new();
        for (name, values) in &assertion.subject.attributes {
            attributes.entry(name.clone()).or_default().extend(values.iter().cloned());
        }
        let name = identity.as_ref().map(|identity| match Email::parse(&identity.subject) {
            // Their case does not count, and another address in the NameID is one that was not compared.
            Some(address) if address.key() == email.key() => LastingName::Address(address.key()),
            _ => LastingName::Other(identity.digest()),
        });
        Self {
            email,
            attributes,
            authenticated_at: assertion.authn_instant,
            identity,
            name,
            claims: assertion_claims::profile(assertion),
            methods: assertion_claims::methods(assertion),
            response: Some(SingleUse { id: Digest::of(&assertion.id), until: assertion.not_on_or_after }),
        }
    }
}
