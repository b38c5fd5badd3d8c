//! Federated identities: a person as their identity provider names them.

use base::{
    connection_id::ConnectionId,
    id::{EnvironmentId, OrganizationId},
    secret::Digest,
    time::Timestamp,
};

use crate::email::Email;

/// A person who signed in through a connection, as the identity provider names them (SAML 2.0 Core §2.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedIdentity {
    /// The connection.
    pub connection_id: ConnectionId,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// Its organization.
    pub organization_id: OrganizationId,
    /// The NameID.
    pub subject: String,
    /// Its `Format`.
    pub format: Option<String>,
    /// Its `NameQualifier`.
    pub name_qualifier: Option<String>,
    /// Its `SPNameQualifier`.
    pub sp_name_qualifier: Option<String>,
    /// Its `SPProvidedID`.
    pub sp_provided_id: Option<String>,
    /// The address of the latest login.
    pub email: Email,
    /// The session at the identity provider, of the latest login.
    pub session_index: Option<String>,
    /// When they signed in last.
    pub last_login_at: Timestamp,
}

impl FederatedIdentity {
    /// What tells people of a connection apart: the name with its format and qualifiers, byte for byte.
    pub fn digest(&self) -> Digest {
        let name = [
            Some(&self.subject),
            self.format.as_ref(),
            self.name_qualifier.as_ref(),
            self.sp_name_qualifier.as_ref(),
        ];
        Digest::of(serde_json::json!(name).to_string())
    }
}

#[cfg(test)]
mod tests {
    use base::id::Id;

    use super::*;

    #[test]
    fn a_name_is_another_with_another_qualifier() {
        let identity = |subject: &str, name_qualifier: Option<&str>, sp_name_qualifier: Option<&str>| {
            FederatedIdentity {
                connection_id: Id::from_bits(1),
                environment_id: Id::from_bits(2),
                organization_id: Id::from_bits(3),
                subject: subject.to_owned(),
                format: None,
                name_qualifier: name_qualifier.map(str::to_owned),
                sp_name_qualifier: sp_name_qualifier.map(str::to_owned),
                sp_provided_id: None,
                email: Email::parse("dana@acme.example").unwrap(),
                session_index: None,
                last_login_at: Timestamp::from_millis(0),
            }
            .digest()
        };
        let names = [
            identity("a", None, None),
            identity("A", None, None),
            identity("a", Some(""), None),
            identity("a", Some("b"), None),
            identity("a", None, Some("b")),
            identity("a\",\"b", None, None),
        ];
        for (at, name) in names.iter().enumerate() {
            assert!(!names[at + 1..].contains(name), "{at}");
        }
    }
}
