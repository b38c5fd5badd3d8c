//! Who is in a group, and in which groups a user is.

use actix_web::HttpResponse;

use super::{
    super::{
        call::Call,
        reply::{SecureauthResult, hex_id},
        users::{Users, objects, slice},
    },
    GroupObject, GroupParams, group_query, page,
};
use crate::{
    app::{Error, accounts::groups},
    links::path,
};

/// List the users in a group
#[utoipa::path(
    get,
    path = path::SECUREAUTH_GROUP_USERS,
    operation_id = "secureauthListGroupUsers",
    tag = "Groups",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("group" = String, Path, description = "The group."),
        ("limit" = Option<u32>, Query, description = "How many: 20 unless said, and 100 at most."),
        ("after_user_id" = Option<String>, Query, description = "Only those after this one."),
        ("before_user_id" = Option<String>, Query, description = "The last ones before this one."),
    ),
    responses((status = 200, body = Users))
)]
pub async fn list(call: Call) -> SecureauthResult {
    let (of, slice) = (call.group()?, slice(&call.query())?);
    let found = groups::list_members(&call.state, &call.principal, of, slice).await?;
    let users = objects::of(&call.state, &call.principal, &call.tenant.name, found).await?;
    Ok(HttpResponse::Ok().json(Users::all(users)))
}

/// Add a user to a group
///
/// Both are of the same pool. A user who is in it stays.
#[utoipa::path(
    put,
    path = path::SECUREAUTH_GROUP_USER,
    operation_id = "secureauthAddGroupUser",
    tag = "Groups",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("group" = String, Path, description = "The group."),
        ("user" = String, Path, description = "The user."),
    ),
    responses((status = 204))
)]
pub async fn add(call: Call) -> SecureauthResult {
    let (pool_id, group_id) = call.group()?;
    let of = (pool_id, group_id, call.user()?.1);
    groups::add_member(&call.state, &call.principal, of, call.if_match.as_ref()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Remove a user from a group
#[utoipa::path(
    delete,
    path = path::SECUREAUTH_GROUP_USER,
    operation_id = "secureauthRemoveGroupUser",
    tag = "Groups",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("group" = String, Path, description = "The group."),
        ("user" = String, Path, description = "The user."),
    ),
    responses((status = 204))
)]
pub async fn remove(call: Call) -> SecureauthResult {
    let (pool_id, group_id) = call.group()?;
    let of = (pool_id, group_id, call.user()?.1);
    groups::remove_member(&call.state, &call.principal, of, call.if_match.as_ref()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List the groups of a user
#[utoipa::path(
    get,
    path = path::SECUREAUTH_USER_GROUPS,
    operation_id = "secureauthListUserGroups",
    tag = "Groups",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
        GroupParams,
    ),
    responses((status = 200, body = Vec<GroupObject>))
)]
pub async fn list_groups(call: Call) -> SecureauthResult {
    let (pool_id, user_id) = call.user()?;
    let query = groups::GroupQuery { user_id: Some(user_id), ..group_query(&call.query())? };
    page(&call, pool_id, &query).await
}

/// Ask whether a user is in a group
///
/// 404 where they are not.
#[utoipa::path(
    get,
    path = path::SECUREAUTH_USER_GROUP,
    operation_id = "secureauthIsUserInGroup",
    tag = "Groups",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
        ("group" = String, Path, description = "The group."),
    ),
    responses((status = 204))
)]
pub async fn is_in(call: Call) -> SecureauthResult {
    let (pool_id, user_id) = call.user()?;
    let of = (pool_id, call.group()?.1, user_id);
    match groups::is_member(&call.state, &call.principal, of).await? {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(Error::not_found("group member", hex_id(user_id)).into()),
    }
}
