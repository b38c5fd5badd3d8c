//! What happened in an environment: one ordered list, which apps read and webhooks tell.

use super::{
    id::{EnvironmentId, OrganizationId, ScimDirectoryId},
    time::Timestamp,
};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal;)*) => {
        /// What kind of thing happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl EventKind {
            /// All of them.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The stable name: stored, and in the feed.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    /// A person was pushed for the first time. Data: `after`.
    UserCreated "scim_user.created";
    /// A person's attributes changed. Data: `before`, `after`.
    UserUpdated "scim_user.updated";
    /// A person may no longer use the app. Data: `before`, `after`.
    UserDeactivated "scim_user.deactivated";
    /// A person may use the app again. Data: `before`, `after`.
    UserReactivated "scim_user.reactivated";
    /// A person is gone. Data: `before`.
    UserDeleted "scim_user.deleted";
    /// A group was pushed for the first time. Data: `after`.
    GroupCreated "scim_group.created";
    /// A group's attributes changed, not its members. Data: `before`, `after`.
    GroupUpdated "scim_group.updated";
    /// A group is gone. Data: `before`.
    GroupDeleted "scim_group.deleted";
    /// Members came or went. Data: `added`, `removed`: what changed, never the whole list.
    GroupMembershipChanged "scim_group.membership_changed";
    /// The identity provider's metadata said something new, and the connection follows it. Data: `before`,
    /// `after`.
    MetadataChanged "saml_connection.metadata_changed";
    /// The last certificate of a connection's identity provider ends soon, or has ended. Data: `within`
    /// (`30d`, `14d`, `7d`, `1d`, `expired`), `expiresAt`.
    CertificateExpiring "saml_connection.certificate_expiring";
    /// Domains of the organization count for another organization of the environment too from now on. Data:
    /// `domains`: for each, the ids of the others.
    DomainShared "organization.domain_shared";
}

impl EventKind {
    /// Reads the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The environment it happened in.
    pub environment_id: EnvironmentId,
    /// Its place in the environment's order: from 1, without gaps.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// What kind of thing.
    pub kind: EventKind,
    /// Whose organization.
    pub organization_id: OrganizationId,
    /// In which directory, if in one.
    pub directory_id: Option<ScimDirectoryId>,
    /// To whom or what: the id of a user, a group, a SAML connection or an organization.
    pub resource_id: String,
    /// What changed.
    pub data: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(EventKind::parse("scim_user.exploded"), None);
    }
}
