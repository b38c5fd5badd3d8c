//! What a login may use of a response: the verified assertion and its subject.

use base::time::Timestamp;

/// An assertion that passed every check, read only from bytes whose signature verified (SAML 2.0 Core §2.3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAssertion {
    /// Its ID, for replay protection (SAML 2.0 Profiles §4.1.4.5).
    pub id: String,
    /// `Issuer`: the identity provider's entity ID (SAML 2.0 Core §2.2.5).
    pub issuer: String,
    /// `InResponseTo` (SAML 2.0 Core §2.4.1.2): the ID of the request that it answers; none for an IdP-initiated
    /// login (SAML 2.0 Profiles §4.1.5). Compare it by [`in_response_to`](crate::checks::in_response_to).
    pub in_response_to: Option<String>,
    /// The subject with its attributes.
    pub subject: Subject,
    /// The attributes of its NameID.
    pub name_id: NameIdAttributes,
    /// The time until which it could be accepted, clock skew included: replay protection must keep the ID
    /// until then. At most 24 hours and the skew after its IssueInstant (Ostiary SAML profile, replay memory).
    pub not_on_or_after: Timestamp,
    /// `SessionIndex`: the session at the identity provider (SAML 2.0 Core §2.7.2).
    pub session_index: Option<String>,
    /// `AuthnInstant`: when the person authenticated there (SAML 2.0 Core §2.7.2).
    pub authn_instant: Option<Timestamp>,
    /// `AuthnContextClassRef`: how the person authenticated there (SAML 2.0 Core §2.7.2.2).
    pub authn_context: Option<String>,
}

/// The subject (SAML 2.0 Core §2.4) and the attributes (§2.7.3) of an assertion whose signature verified.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// The NameID (SAML 2.0 Core §2.2.2). It is empty when it is missing or malformed; in a verified assertion only
    /// where `Trust::name_id_optional` allows that it is missing.
    pub name_id: String,
    /// The attributes by their `Name` (SAML 2.0 Core §2.7.3.1), in document order, repeated names merged.
    pub attributes: Vec<(String, Vec<String>)>,
}

/// The attributes of a NameID, as sent (SAML 2.0 Core §2.2.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameIdAttributes {
    /// `Format` (SAML 2.0 Core §8.3).
    pub format: Option<String>,
    /// `NameQualifier`: the domain of the name, usually the identity provider.
    pub name_qualifier: Option<String>,
    /// `SPNameQualifier`: for whom the name is good.
    pub sp_name_qualifier: Option<String>,
    /// `SPProvidedID`: a name that the service provider gave the person.
    pub sp_provided_id: Option<String>,
}
