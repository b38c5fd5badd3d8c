//! `/api/admin/{tenant}/user/organizations`: the organizations of the user whose access token it is.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::{objects::OrganizationObject, shown};
use crate::{
    app::organizations::lists,
    http::secureauth::{call::UserCall, reply::SecureauthResult},
    links::path,
};

/// A page of a user's organizations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthUserOrganizations)]
pub struct UserOrganizations {
    /// The organizations.
    organizations: Vec<OrganizationObject>,
    /// Where the next page begins; empty: there is none.
    cursor: &'static str,
}

/// List the organizations of the user
///
/// With an access token of the user.
#[utoipa::path(
    get,
    path = path::ADMIN_USER_ORGANIZATIONS,
    operation_id = "secureauthListUserOrganizations",
    tag = "Organizations",
    params(("tenant" = String, Path, description = "The environment: its slug or its id.")),
    responses((status = 200, body = UserOrganizations))
)]
pub async fn list(call: UserCall) -> SecureauthResult {
    call.query().limit()?;
    let found = lists::list_of_user(&call.state, call.tenant.environment_id, call.user_id).await?;
    let organizations = shown(&call.state, &call.tenant, found);
    Ok(HttpResponse::Ok().json(UserOrganizations { organizations, cursor: "" }))
}
