//! What a login may use of a response: the verified assertion and its subject.

use crate::model::time::Timestamp;

/// An assertion that passed every check, read only from bytes whose signature verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAssertion {
    /// Its ID, for replay protection.
    pub id: String,
    /// The identity provider's entity ID.
    pub issuer: String,
    /// The ID of the request that it answers; none for an IdP-initiated login.
    pub in_response_to: Option<String>,
    /// The subject with its attributes.
    pub subject: Subject,
    /// The Format of its NameID.
    pub name_id_format: Option<String>,
    /// The time until which it could be accepted, clock skew included: replay protection must keep the ID
    /// until then. At most 24 hours and the skew after its IssueInstant.
    pub not_on_or_after: Timestamp,
    /// `SessionIndex`: the session at the identity provider.
    pub session_index: Option<String>,
    /// When the person authenticated there.
    pub authn_instant: Option<Timestamp>,
}

/// The subject and the attributes of an assertion whose signature verified.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// The NameID; empty when it is missing or malformed.
    pub name_id: String,
    /// The attributes by their `Name`, in document order, repeated names merged.
    pub attributes: Vec<(String, Vec<String>)>,
}
