//! `/api/admin/{tenant}/organizations`: the same organizations as those of the system API, and those of a user.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    OrganizationParams, Organizations,
    objects::OrganizationObject,
    requests::{MetadataBody, OrganizationBody},
    shown,
};
use crate::{
    app::organizations::lists,
    http::secureauth::{
        call::{Call, JsonObject, UserCall},
        reply::SecureauthResult,
    },
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
pub async fn list_of_user(call: UserCall) -> SecureauthResult {
    call.query().limit()?;
    let found = lists::list_of_user(&call.state, call.tenant.environment_id, call.user_id).await?;
    let organizations = shown(&call.state, &call.tenant, found);
    Ok(HttpResponse::Ok().json(UserOrganizations { organizations, cursor: "" }))
}

/// Create an organization
///
/// The same as in the system API.
#[utoipa::path(
    post,
    path = path::ADMIN_ORGANIZATIONS,
    operation_id = "secureauthAdminCreateOrganization",
    tag = "Organizations",
    params(("tenant" = String, Path, description = "The environment: its slug or its id.")),
    request_body = OrganizationBody,
    responses((status = 201, body = OrganizationObject))
)]
pub async fn create(call: Call<JsonObject>) -> SecureauthResult {
    super::create(call).await
}

/// List organizations
///
/// The same as in the system API.
#[utoipa::path(
    get,
    path = path::ADMIN_ORGANIZATIONS,
    operation_id = "secureauthAdminListOrganizations",
    tag = "Organizations",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        OrganizationParams,
    ),
    responses((status = 200, body = Organizations))
)]
pub async fn list(call: Call) -> SecureauthResult {
    super::list(call).await
}

/// Get an organization
///
/// The same as in the system API.
#[utoipa::path(
    get,
    path = path::ADMIN_ORGANIZATION,
    operation_id = "secureauthAdminGetOrganization",
    tag = "Organizations",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("organization" = String, Path, description = "The organization."),
    ),
    responses((status = 200, body = OrganizationObject))
)]
pub async fn get(call: Call) -> SecureauthResult {
    super::get(call).await
}

/// Replace an organization
///
/// The same as in the system API.
#[utoipa::path(
    put,
    path = path::ADMIN_ORGANIZATION,
    operation_id = "secureauthAdminUpdateOrganization",
    tag = "Organizations",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("organization" = String, Path, description = "The organization."),
    ),
    request_body = OrganizationBody,
    responses((status = 200, body = OrganizationObject))
)]
pub async fn update(call: Call<JsonObject>) -> SecureauthResult {
    super::update(call).await
}

/// Delete an organization
///
/// The same as in the system API.
#[utoipa::path(
    delete,
    path = path::ADMIN_ORGANIZATION,
    operation_id = "secureauthAdminDeleteOrganization",
    tag = "Organizations",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("organization" = String, Path, description = "The organization."),
    ),
    responses((status = 204))
)]
pub async fn delete(call: Call) -> SecureauthResult {
    super::delete(call).await
}

/// Replace the metadata of an organization
///
/// The same as in the system API.
#[utoipa::path(
    put,
    path = path::ADMIN_ORGANIZATION_METADATA,
    operation_id = "secureauthAdminUpdateOrganizationMetadata",
    tag = "Organizations",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("organization" = String, Path, description = "The organization."),
    ),
    request_body = MetadataBody,
    responses((status = 200, body = OrganizationObject))
)]
pub async fn update_metadata(call: Call<JsonObject>) -> SecureauthResult {
    super::update_metadata(call).await
}
