//! `/pools`: identity pools, of the tenant and of its workspaces.

pub mod objects;
mod requests;
pub mod workspaces;

use actix_web::HttpResponse;
use base::id::{IdentityPoolId, OrganizationId};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    call::{Call, JsonObject},
    error::SecureauthError,
    reply::{SecureauthResult, versioned},
    sorted::sorted_query,
};
use crate::{
    app::{
        Error, Result,
        accounts::pools::{self, NewPool, PoolQuery},
        sorted_list::Sort,
    },
    links::path,
};
use objects::{PoolObject, workspace_id};
use requests::PoolBody;

/// A page of identity pools.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthPools)]
pub struct Pools {
    /// The identity pools.
    pools: Vec<PoolObject>,
}

/// Which identity pools.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PoolParams {
    /// How many: 20 unless said, and 100 at most.
    pub limit: Option<u32>,
    /// `id` (unless said), `name` or `created_at`.
    pub sort: Option<String>,
    /// `asc` (unless said) or `desc`.
    pub order: Option<String>,
    /// A part of the name, in whatever case, or the id.
    pub search_phrase: Option<String>,
    /// Only those after this one.
    pub after_pool_id: Option<String>,
    /// The last ones before this one.
    pub before_pool_id: Option<String>,
}

/// A page of pools of the environment, or of an organization.
async fn page(call: &Call, organization_id: Option<OrganizationId>) -> SecureauthResult {
    let query = PoolQuery { organization_id, page: sorted_query(&call.query(), Sort::Id)? };
    let found = pools::list(&call.state, &call.principal, &query).await?;
    let pools = found.into_iter().map(|pool| PoolObject::new(pool, &call.tenant.name)).collect();
    Ok(HttpResponse::Ok().json(Pools { pools }))
}

/// Creates a pool that the body describes.
async fn create_in(call: Call<JsonObject>, workspace: Option<String>) -> SecureauthResult {
    let Call { state, principal, tenant, body, .. } = call;
    let body: PoolBody = body.read()?;
    let named = body.workspace_id.clone().filter(|text| !text.is_empty());
    let organization_id = match (workspace, named) {
        (Some(workspace), named) => {
            let id = pools::organization(&state, &principal, &workspace).await?;
            check_workspace(&state, &principal, id, named.as_deref()).await?;
            Some(id)
        }
        (None, Some(named)) => Some(pools::organization(&state, &principal, &named).await?),
        (None, None) => None,
    };
    let new = NewPool { id: body.new_id()?, organization_id };
    let pool = pools::create(&state, &principal, new, &body.parse()?).await?;
    let version = pool.version;
    Ok(versioned(HttpResponse::Created(), version, &PoolObject::new(pool, &tenant.name)))
}

/// Requires that a workspace in a body, if there is one, is the one that the pool belongs to.
async fn check_workspace(
    state: &crate::app::State,
    principal: &crate::app::principal::Principal,
    organization_id: OrganizationId,
    named: Option<&str>,
) -> Result<()> {
    let Some(named) = named else { return Ok(()) };
    match pools::organization(state, principal, named).await {
        Ok(id) if id == organization_id => Ok(()),
        Ok(_) | Err(Error::NotFound { .. }) => Err(Error::invalid(
            "workspace_id",
            "is another one than that of the identity pool, which keeps it",
        )),
        Err(error) => Err(error),
    }
}

/// Create an identity pool
#[utoipa::path(
    post,
    path = path::SECUREAUTH_POOLS,
    operation_id = "secureauthCreatePool",
    tag = "Identity pools",
    params(("tenant" = String, Path, description = "The environment: its slug or its id.")),
    request_body = PoolBody,
    responses((status = 201, body = PoolObject))
)]
pub async fn create(call: Call<JsonObject>) -> SecureauthResult {
    create_in(call, None).await
}

/// List identity pools
#[utoipa::path(
    get,
    path = path::SECUREAUTH_POOLS,
    operation_id = "secureauthListPools",
    tag = "Identity pools",
    params(("tenant" = String, Path, description = "The environment: its slug or its id."), PoolParams),
    responses((status = 200, body = Pools))
)]
pub async fn list(call: Call) -> SecureauthResult {
    page(&call, None).await
}

/// Get an identity pool
#[utoipa::path(
    get,
    path = path::SECUREAUTH_POOL,
    operation_id = "secureauthGetPool",
    tag = "Identity pools",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    responses((status = 200, body = PoolObject))
)]
pub async fn get(call: Call) -> SecureauthResult {
    let pool = pools::find(&call.state, &call.principal, call.pool_id()?).await?;
    let version = pool.version;
    Ok(versioned(HttpResponse::Ok(), version, &PoolObject::new(pool, &call.tenant.name)))
}

/// Replace the settings of an identity pool
///
/// Settings that are absent get their defaults; only `identifier_case_insensitive` stays as it is then. The organization that it
/// belongs to does not change.
#[utoipa::path(
    put,
    path = path::SECUREAUTH_POOL,
    operation_id = "secureauthUpdatePool",
    tag = "Identity pools",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    request_body = PoolBody,
    responses((status = 200, body = PoolObject))
)]
pub async fn update(call: Call<JsonObject>) -> SecureauthResult {
    let id = call.pool_id()?;
    let Call { state, principal, tenant, if_match, body, .. } = call;
    let body: PoolBody = body.read()?;
    if let Some(text) = body.id.as_deref().filter(|text| !text.is_empty()) {
        let same = text.parse::<IdentityPoolId>().is_ok_and(|named| named == id);
        if !same {
            return Err(SecureauthError::id_mismatch());
        }
    }
    if let Some(named) = body.workspace_id.as_deref().filter(|text| !text.is_empty()) {
        let pool = pools::find(&state, &principal, id).await?;
        if named != workspace_id(&pool) {
            check_workspace(&state, &principal, pool.organization_id, Some(named)).await?;
        }
    }
    let pool = pools::replace(&state, &principal, id, if_match.as_ref(), &body.parse()?).await?;
    let version = pool.version;
    Ok(versioned(HttpResponse::Ok(), version, &PoolObject::new(pool, &tenant.name)))
}

/// Delete an identity pool
///
/// Sessions and access tokens of its users end, and the users are erased.
#[utoipa::path(
    delete,
    path = path::SECUREAUTH_POOL,
    operation_id = "secureauthDeletePool",
    tag = "Identity pools",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    responses((status = 204))
)]
pub async fn delete(call: Call) -> SecureauthResult {
    pools::remove(&call.state, &call.principal, call.pool_id()?, call.if_match.as_ref()).await?;
    Ok(HttpResponse::NoContent().finish())
}
