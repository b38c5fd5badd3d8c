//! Members as the surface shows them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::members::list::Member,
    http::sigid::reply::{optional_time, time},
};

/// A member of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigidMember)]
pub struct MemberObject {
    /// The user.
    pub user_id: String,
    /// The user's address; may be empty.
    pub email: String,
    /// The user's name; may be empty.
    pub display_name: String,
    /// `owner`, `admin` or `member`.
    pub role: &'static str,
    /// `active` or `suspended`.
    pub status: &'static str,
    /// How they became one.
    pub source: &'static str,
    /// Whether a directory decides on them.
    pub directory_managed: bool,
    /// Whether they are kept outside of an enforced single sign-on.
    pub break_glass: bool,
    /// Whether they have a second factor.
    pub mfa_enrolled: bool,
    /// Since when.
    pub joined_at: String,
    /// When they last signed in to the organization, or switched to it.
    pub last_login_at: Option<String>,
}

impl MemberObject {
    /// A member.
    pub fn new(member: Member) -> Self {
        let Member { membership, email, display_name, has_second_factor } = member;
        Self {
            user_id: membership.user_id.to_string(),
            email,
            display_name,
            role: membership.tier.as_str(),
            status: membership.status.as_str(),
            source: membership.source.as_str(),
            directory_managed: membership.is_directory_managed(),
            break_glass: membership.break_glass,
            mfa_enrolled: has_second_factor,
            joined_at: time(membership.joined_at),
            last_login_at: optional_time(membership.last_login_at),
        }
    }
}
