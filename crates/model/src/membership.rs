//! Memberships: who belongs to which organization, and what they may do in its administration.

use base::{
    id::{EnvironmentId, OrganizationId, ScimDirectoryId, UserId},
    time::Timestamp,
};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    user::{AssociationKind, User, UserSource},
};

/// What a member may do in the administration of an organization. The greater one may what the lesser one may.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, EnumString, VariantNames,
)]
#[strum(serialize_all = "snake_case")]
pub enum Tier {
    /// They see it and its members, and may leave it.
    Member,
    /// They administer it, but for what only its owner may.
    Admin,
    /// It is theirs: an organization has one owner at most.
    Owner,
}

impl Tier {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether it administers the organization.
    pub fn administers(self) -> bool {
        self >= Self::Admin
    }
}

/// Whether a membership counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum MembershipStatus {
    /// It does.
    Active,
    /// It does not, until it is reactivated: the organization is as unknown to them as to anybody else.
    Suspended,
}

impl MembershipStatus {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How somebody became a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum MembershipSource {
    /// They made the organization.
    Creator,
    /// Somebody added them.
    Manual,
    /// They accepted an invitation.
    Invitation,
    /// They have an address on a domain of the organization.
    AutoJoin,
    /// They came through its single sign-on.
    SsoJit,
    /// A directory made them.
    Scim,
    /// They were shared with it from another organization.
    Shared,
}

impl MembershipSource {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A user in an organization. There is one for each pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The user, never somebody's image.
    pub user_id: UserId,
    /// The environment of both.
    pub environment_id: EnvironmentId,
    /// What they may do in the organization's administration.
    pub tier: Tier,
    /// Whether it counts.
    pub status: MembershipStatus,
    /// How it came to be.
    pub source: MembershipSource,
    /// The directory that manages it.
    pub directory_id: Option<ScimDirectoryId>,
    /// Whether they are kept outside of an enforced single sign-on, for an emergency.
    pub break_glass: bool,
    /// Since when.
    pub joined_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When they last signed in to the organization, or switched to it.
    pub last_login_at: Option<Timestamp>,
}

impl Membership {
    /// A new one that counts.
    pub fn new(
        (environment_id, organization_id): (EnvironmentId, OrganizationId),
        user_id: UserId,
        tier: Tier,
        source: MembershipSource,
        now: Timestamp,
    ) -> Self {
        Self {
            organization_id,
            user_id,
            environment_id,
            tier,
            status: MembershipStatus::Active,
            source,
            directory_id: None,
            break_glass: false,
            joined_at: now,
            updated_at: now,
            last_login_at: None,
        }
    }

    /// That of a new user in the organization whose pool they are in.
    pub fn at_home(user: &User) -> Self {
        let source = match user.source {
            UserSource::Jit => MembershipSource::SsoJit,
            UserSource::Standard => MembershipSource::Manual,
        };
        let place = (user.environment_id, user.organization_id);
        Self::new(place, user.id, Tier::Member, source, user.created_at)
    }

    /// Whether it counts.
    pub fn is_active(&self) -> bool {
        self.status == MembershipStatus::Active
    }

    /// Whether a directory decides on it: it is changed elsewhere only by force.
    pub fn is_directory_managed(&self) -> bool {
        self.directory_id.is_some()
    }
}

impl From<AssociationKind> for MembershipSource {
    fn from(kind: AssociationKind) -> Self {
        match kind {
            AssociationKind::Owner => Self::Creator,
            AssociationKind::Invited => Self::Invitation,
            AssociationKind::Shared => Self::Shared,
        }
    }
}

impl Audited for Membership {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget {
            kind: "organization.member",
            id: self.user_id.to_string(),
            organization_id: Some(self.organization_id),
        }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        let mut fields = audit_fields! {
            "role": self.tier.as_str(),
            "status": self.status.as_str(),
            "source": self.source.as_str(),
        };
        if self.break_glass {
            fields.insert("breakGlass".to_owned(), Value::Bool(true));
        }
        if let Some(id) = self.directory_id {
            fields.insert("directoryId".to_owned(), Value::String(id.to_string()));
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_in_order() {
        assert!(Tier::Owner > Tier::Admin && Tier::Admin > Tier::Member);
        assert!(Tier::Owner.administers() && Tier::Admin.administers() && !Tier::Member.administers());
        assert_eq!("sso_jit".parse(), Ok(MembershipSource::SsoJit));
    }
}
