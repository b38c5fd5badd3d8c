//! Organizations as the surface shows them.

use base::{id::EnvironmentId, time::Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{app::members::organizations::SeenOrganization, http::sigid::reply::time};

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigidOrganization)]
pub struct OrganizationObject {
    /// Its id.
    pub id: String,
    /// The tenant.
    pub tenant_id: EnvironmentId,
    /// Its name.
    pub name: String,
    /// Its short name, unique in the tenant.
    pub slug: Option<String>,
    /// What is said of it.
    pub description: String,
    /// Where its logo is.
    pub logo_url: Option<String>,
    /// Your own id for it.
    pub external_id: Option<String>,
    /// The organization above it; `null` for none.
    pub parent_id: Option<String>,
    /// `active`, `disabled`.
    pub status: &'static str,
    /// What programs keep with it.
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// Who owns it.
    pub owner_user_id: Option<String>,
    /// How many members it has.
    pub member_count: i64,
    /// Whether its members sign in through its provider only.
    pub sso_enforced: bool,
    /// Whether those who administer it need a second factor for that.
    pub require_admin_mfa: bool,
    /// The role of the caller: `owner`, `admin`, `member`; `null` where they are no member.
    pub my_role: Option<&'static str>,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: String,
    /// When it was last changed.
    #[schema(value_type = String)]
    pub updated_at: String,
}

impl OrganizationObject {
    /// An organization as a caller sees it.
    pub fn new(seen: SeenOrganization) -> Self {
        let SeenOrganization { organization, summary, role } = seen;
        let at = |at: Timestamp| time(at);
        let name = match organization.shown_name() {
            "" => organization.id.to_string(),
            // The name that was given here goes before the one for people.
            _ => organization.name.clone().unwrap_or_else(|| organization.display_name.clone()),
        };
        Self {
            id: organization.id.to_string(),
            tenant_id: organization.environment_id,
            name,
            slug: organization.handle.as_ref().map(|handle| handle.as_str().to_owned()),
            description: organization.description.clone(),
            logo_url: None,
            external_id: organization.external_id.clone(),
            parent_id: organization.parent().map(|id| id.to_string()),
            status: organization.status.as_str(),
            metadata: organization.metadata.to_map(),
            owner_user_id: summary.owner.map(|id| id.to_string()),
            member_count: summary.members,
            sso_enforced: false,
            require_admin_mfa: organization.require_admin_mfa,
            my_role: role.map(|tier| tier.as_str()),
            created_at: at(organization.created_at),
            updated_at: at(organization.updated_at),
        }
    }
}
