//! Addresses of a user.

use actix_web::HttpResponse;

use super::{
    super::{
        call::{Call, JsonObject},
        reply::SecureauthResult,
    },
    objects::AddressObject,
    requests::{AddressBody, AddressRemovalBody, AddressUpdateBody},
};
use crate::{app::accounts::users, links::path};

/// Add an address to a user
#[utoipa::path(
    post,
    path = path::SECUREAUTH_USER_ADDRESSES_ADD,
    operation_id = "secureauthAddUserAddress",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = AddressBody,
    responses((status = 200, body = AddressObject))
)]
pub async fn add(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    let Call { state, principal, if_match, body, .. } = call;
    let new = body.read::<AddressBody>()?.parse("")?;
    let (_, added) = users::add_address(&state, &principal, of, if_match.as_ref(), &new).await?;
    Ok(HttpResponse::Ok().json(AddressObject::from(added)))
}

/// Update an address of a user
#[utoipa::path(
    post,
    path = path::SECUREAUTH_USER_ADDRESSES_UPDATE,
    operation_id = "secureauthUpdateUserAddress",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = AddressUpdateBody,
    responses((status = 200, body = AddressObject))
)]
pub async fn update(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    let Call { state, principal, if_match, body, .. } = call;
    let body: AddressUpdateBody = body.read()?;
    let (text, change) = body.parse()?;
    let (_, changed) = users::update_address(&state, &principal, of, if_match.as_ref(), text, change).await?;
    Ok(HttpResponse::Ok().json(AddressObject::from(changed)))
}

/// Remove an address of a user
#[utoipa::path(
    post,
    path = path::SECUREAUTH_USER_ADDRESSES_REMOVE,
    operation_id = "secureauthRemoveUserAddress",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = AddressRemovalBody,
    responses((status = 204))
)]
pub async fn remove(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    let Call { state, principal, if_match, body, .. } = call;
    let body: AddressRemovalBody = body.read()?;
    users::remove_address(&state, &principal, of, if_match.as_ref(), body.parse()?).await?;
    Ok(HttpResponse::NoContent().finish())
}
