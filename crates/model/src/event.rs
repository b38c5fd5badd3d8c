//! Events of an environment: one ordered feed, read by apps and delivered by webhooks.

use std::borrow::Cow;

use base::{
    id::{EnvironmentId, OrganizationId, ScimDirectoryId},
    time::Timestamp,
};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal;)*) => {
        /// The kinds of event that this version records.
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
    /// A user was provisioned for the first time. Data: `after`.
    UserCreated "scim_user.created";
    /// A user's attributes changed. Data: `before`, `after`.
    UserUpdated "scim_user.updated";
    /// A user may no longer use the app. Data: `before`, `after`.
    UserDeactivated "scim_user.deactivated";
    /// A user may use the app again. Data: `before`, `after`.
    UserReactivated "scim_user.reactivated";
    /// A user was deleted. Data: `before`.
    UserDeleted "scim_user.deleted";
    /// A group was provisioned for the first time. Data: `after`.
    GroupCreated "scim_group.created";
    /// A group's attributes changed, not its members. Data: `before`, `after`.
    GroupUpdated "scim_group.updated";
    /// A group was deleted. Data: `before`.
    GroupDeleted "scim_group.deleted";
    /// Members were added or removed. Data: `added`, `removed`: the changes only, never the whole list.
    GroupMembershipChanged "scim_group.membership_changed";
    /// The identity provider's metadata changed, and the connection was updated from it. Data: `before`,
    /// `after`.
    MetadataChanged "saml_connection.metadata_changed";
    /// The last certificate of a connection's identity provider expires soon, or has expired. Data: `within`
    /// (`30d`, `14d`, `7d`, `1d`, `expired`), `expiresAt`.
    CertificateExpiring "saml_connection.certificate_expiring";
    /// Domains of the organization are now accepted for another organization of the environment too. Data:
    /// `domains`: for each, the ids of the other organizations.
    DomainShared "organization.domain_shared";
}

impl EventKind {
    /// Parses the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The type of a stored event: the name of an [`EventKind`], or of one that a newer version records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventType(Cow<'static, str>);

impl EventType {
    /// The type with this stored name.
    pub fn new(name: &str) -> Self {
        EventKind::parse(name).map_or_else(|| Self(Cow::Owned(name.to_owned())), Self::from)
    }

    /// The stable name: stored, and in the feed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<EventKind> for EventType {
    fn from(kind: EventKind) -> Self {
        Self(Cow::Borrowed(kind.as_str()))
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The environment it happened in.
    pub environment_id: EnvironmentId,
    /// Its sequence number in the environment: from 1, without gaps.
    pub sequence: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Its type.
    pub kind: EventType,
    /// The organization concerned.
    pub organization_id: OrganizationId,
    /// The directory concerned, if any.
    pub directory_id: Option<ScimDirectoryId>,
    /// The id of the user, group, SAML connection or organization concerned.
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
        assert_eq!(EventType::new("scim_user.exploded").as_str(), "scim_user.exploded");
        assert_eq!(EventType::new("scim_user.created"), EventKind::UserCreated.into());
    }
}
