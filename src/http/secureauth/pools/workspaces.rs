//! Identity pools of a workspace: of an organization, or of `root` for those that belong to none.

use actix_web::HttpResponse;

use super::{
    super::{
        call::{Call, JsonObject},
        reply::SecureauthResult,
    },
    PoolParams, Pools, create_in,
    objects::PoolObject,
    page,
    requests::PoolBody,
};
use crate::{
    app::{Error, accounts::pools},
    links::path,
};

/// List the identity pools of a workspace
#[utoipa::path(
    get,
    path = path::SECUREAUTH_WORKSPACE_POOLS,
    operation_id = "secureauthListWorkspacePools",
    tag = "Identity pools",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("workspace" = String, Path, description = "The organization, or `root` for the pools that belong to none."),
        PoolParams,
    ),
    responses((status = 200, body = Pools))
)]
pub async fn list(call: Call) -> SecureauthResult {
    let organization_id = pools::organization(&call.state, &call.principal, call.path("workspace")).await?;
    page(&call, Some(organization_id)).await
}

/// List the identity pools of a workspace, as an administrator
#[utoipa::path(
    get,
    path = path::SECUREAUTH_ADMIN_WORKSPACE_POOLS,
    operation_id = "secureauthAdminListWorkspacePools",
    tag = "Identity pools",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("workspace" = String, Path, description = "The organization, or `root` for the pools that belong to none."),
        PoolParams,
    ),
    responses((status = 200, body = Pools))
)]
pub async fn list_for_administrators(call: Call) -> SecureauthResult {
    list(call).await
}

/// Create an identity pool of a workspace
#[utoipa::path(
    post,
    path = path::SECUREAUTH_ADMIN_WORKSPACE_POOLS,
    operation_id = "secureauthCreateWorkspacePool",
    tag = "Identity pools",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("workspace" = String, Path, description = "The organization, or `root` for none."),
    ),
    request_body = PoolBody,
    responses((status = 201, body = PoolObject))
)]
pub async fn create(call: Call<JsonObject>) -> SecureauthResult {
    let workspace = call.path("workspace").to_owned();
    create_in(call, Some(workspace)).await
}

/// Delete an identity pool of a workspace
#[utoipa::path(
    delete,
    path = path::SECUREAUTH_ADMIN_WORKSPACE_POOL,
    operation_id = "secureauthDeleteWorkspacePool",
    tag = "Identity pools",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("workspace" = String, Path, description = "The organization, or `root` for none."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    responses((status = 204))
)]
pub async fn delete(call: Call) -> SecureauthResult {
    let id = call.pool_id()?;
    let organization_id = pools::organization(&call.state, &call.principal, call.path("workspace")).await?;
    let pool = pools::find(&call.state, &call.principal, id).await?;
    if pool.organization_id != organization_id {
        return Err(Error::not_found("identity pool", id).into());
    }
    pools::remove(&call.state, &call.principal, id, call.if_match.as_ref()).await?;
    Ok(HttpResponse::NoContent().finish())
}
