//! An invitation as the API and events show it.

use base::{
    id::{OrganizationId, OrganizationInvitationId, UserId},
    time::Timestamp,
};
use model::organization_invitation::{InvitationStatus, OrganizationInvitation};
use serde::Serialize;
use utoipa::ToSchema;

/// An invitation, without its link.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = OrganizationInvitation)]
pub struct InvitationObject {
    /// Its id.
    #[schema(value_type = String)]
    pub id: OrganizationInvitationId,
    /// The organization.
    #[schema(value_type = String)]
    pub organization_id: OrganizationId,
    /// Whom it is for.
    pub email: String,
    /// What they become: `admin` or `member`.
    pub role: &'static str,
    /// `pending`, `accepted`, `revoked` or `expired`.
    #[schema(value_type = String)]
    pub status: InvitationStatus,
    /// The id of whoever invited them; `null` for the operator.
    pub invited_by: Option<String>,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// Who accepted it.
    #[schema(value_type = Option<String>)]
    pub accepted_user_id: Option<UserId>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// How many links were made for it.
    pub send_count: i64,
    /// When the last one was made.
    pub last_sent_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

impl InvitationObject {
    /// The invitation with its status at `now`.
    pub fn at(now: Timestamp, invitation: &OrganizationInvitation) -> Self {
        Self {
            id: invitation.id,
            organization_id: invitation.organization_id,
            email: invitation.email.as_str().to_owned(),
            role: invitation.role.as_str(),
            status: invitation.status(now),
            invited_by: Some(invitation.invited_by.clone()).filter(|id| !id.is_empty()),
            expires_at: invitation.expires_at,
            accepted_at: invitation.accepted_at,
            accepted_user_id: invitation.accepted_user_id,
            revoked_at: invitation.revoked_at,
            send_count: invitation.send_count,
            last_sent_at: invitation.last_sent_at,
            created_at: invitation.created_at,
        }
    }
}
