//! Events of an environment: one ordered feed, read by apps and delivered by webhooks.

use std::borrow::Cow;

use base::{
    id::{EnvironmentId, OrganizationId, ScimDirectoryId},
    time::Timestamp,
};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// The kinds of event that this version records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantArray)]
pub enum EventKind {
    /// A user was provisioned for the first time. Data: `after`.
    #[strum(serialize = "scim_user.created")]
    UserCreated,
    /// A user's attributes changed. Data: `before`, `after`.
    #[strum(serialize = "scim_user.updated")]
    UserUpdated,
    /// A user may no longer use the app. Data: `before`, `after`.
    #[strum(serialize = "scim_user.deactivated")]
    UserDeactivated,
    /// A user may use the app again. Data: `before`, `after`.
    #[strum(serialize = "scim_user.reactivated")]
    UserReactivated,
    /// A user was deleted. Data: `before`.
    #[strum(serialize = "scim_user.deleted")]
    UserDeleted,
    /// A group was provisioned for the first time. Data: `after`.
    #[strum(serialize = "scim_group.created")]
    GroupCreated,
    /// A group's attributes changed, not its members. Data: `before`, `after`.
    #[strum(serialize = "scim_group.updated")]
    GroupUpdated,
    /// A group was deleted. Data: `before`.
    #[strum(serialize = "scim_group.deleted")]
    GroupDeleted,
    /// Members were added or removed. Data: `added`, `removed`: the changes only, never the whole list.
    #[strum(serialize = "scim_group.membership_changed")]
    GroupMembershipChanged,
    /// The identity provider's metadata changed, and the connection was updated from it. Data: `before`,
    /// `after`.
    #[strum(serialize = "saml_connection.metadata_changed")]
    MetadataChanged,
    /// The last certificate of a connection's identity provider expires soon, or has expired. Data: `within`
    /// (`30d`, `14d`, `7d`, `1d`, `expired`), `expiresAt`.
    #[strum(serialize = "saml_connection.certificate_expiring")]
    CertificateExpiring,
    /// Domains of the organization are now accepted for another organization of the environment too. Data:
    /// `domains`: for each, the ids of the other organizations.
    #[strum(serialize = "organization.domain_shared")]
    DomainShared,
    /// DNS proved a domain of the organization. Data: `domain`.
    #[strum(serialize = "organization.domain_verified")]
    DomainVerified,
    /// The record that was to prove a domain of the organization was not found in 30 days. Data: `domain`.
    #[strum(serialize = "organization.domain_verification_failed")]
    DomainVerificationFailed,
    /// Three daily looks in a row have not found the record that proved a domain of the organization. The domain counts until `countsUntil`, unless
    /// the record comes back. Data: `domain`, `reason`, `countsUntil`.
    #[strum(serialize = "organization.domain_record_lost")]
    DomainRecordLost,
    /// The record that proved a domain was gone for too long. Data: `domain`, `state`: `failed`, which does not count, or
    /// `whitelisted`, where the vendor had accepted the domain by itself too.
    #[strum(serialize = "organization.domain_lapsed")]
    DomainLapsed,
    /// The record of a domain that had lost it is there again, and the domain counts as proved. Data: `domain`.
    #[strum(serialize = "organization.domain_restored")]
    DomainRestored,
    /// A user of the organization above was invited. Data: `userId`, `expiresAt`.
    #[strum(serialize = "guest_invitation.created")]
    GuestInvited,
    /// A user who was invited has accepted. Data: `userId`, and `memberId`: their image in the organization.
    #[strum(serialize = "guest_invitation.accepted")]
    GuestJoined,
    /// An invitation was taken back. Data: `userId`.
    #[strum(serialize = "guest_invitation.deleted")]
    GuestInvitationDeleted,
    /// Somebody was invited to the organization. Data: `invitation`.
    #[strum(serialize = "organization.invitation.created")]
    InvitationCreated,
    /// An invitation got another link. Data: `invitation`.
    #[strum(serialize = "organization.invitation.resent")]
    InvitationResent,
    /// An invitation was taken back. Data: `invitation`.
    #[strum(serialize = "organization.invitation.revoked")]
    InvitationRevoked,
    /// Somebody accepted an invitation. Data: `invitation`.
    #[strum(serialize = "organization.invitation.accepted")]
    InvitationAccepted,
    /// Nobody accepted an invitation in time. Data: `invitation`.
    #[strum(serialize = "organization.invitation.expired")]
    InvitationExpired,
    /// Somebody made an organization by SigID's API. Data: `ownerUserId`.
    #[strum(serialize = "organization.created")]
    OrganizationCreated,
    /// Those who administer an organization changed it. Data: none.
    #[strum(serialize = "organization.updated")]
    OrganizationUpdated,
    /// Its owner deleted an organization. Data: none.
    #[strum(serialize = "organization.deleted")]
    OrganizationDeleted,
    /// An organization has another owner. Data: `before`, `after`: the users.
    #[strum(serialize = "organization.ownership_transferred")]
    OwnershipTransferred,
    /// Somebody became a member of an organization. Data: `after`: `role`, `status`, `source`.
    #[strum(serialize = "membership.created")]
    MembershipCreated,
    /// A member has another role or status. Data: `before`, `after`.
    #[strum(serialize = "membership.updated")]
    MembershipUpdated,
    /// Somebody is no member any more. Data: `before`.
    #[strum(serialize = "membership.deleted")]
    MembershipDeleted,
    /// A user began a session by the API. Data: `sessionId`.
    #[strum(serialize = "session.created")]
    SessionCreated,
    /// A user ended a session by the API. Data: `sessionId`.
    #[strum(serialize = "session.revoked")]
    SessionRevoked,
}

impl EventKind {
    /// The stable name: stored, and in the feed.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The type of a stored event: the name of an [`EventKind`], or of one that a newer version records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventType(Cow<'static, str>);

impl EventType {
    /// The type with this stored name.
    pub fn new(name: &str) -> Self {
        name.parse::<EventKind>().map_or_else(|_| Self(Cow::Owned(name.to_owned())), Self::from)
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
    /// The id of the user, group, SAML connection, organization or invitation concerned.
    pub resource_id: String,
    /// What changed.
    pub data: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_newer_versions_are_kept() {
        assert_eq!(EventType::new("scim_user.exploded").as_str(), "scim_user.exploded");
        assert_eq!(EventType::new("scim_user.created"), EventKind::UserCreated.into());
    }
}
