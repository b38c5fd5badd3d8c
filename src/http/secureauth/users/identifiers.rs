//! Identifiers of a user.

use actix_web::HttpResponse;

use super::{
    super::{
        call::{Call, JsonObject},
        reply::SecureauthResult,
    },
    objects::IdentifierObject,
    requests::{IdentifierBody, IdentifierRemovalBody},
};
use crate::{app::accounts::users, links::path};

/// Add an identifier to a user
///
/// No other user of the pool has it (409 `user_identifier_exists`).
#[utoipa::path(
    post,
    path = path::SECUREAUTH_USER_IDENTIFIERS_ADD,
    operation_id = "secureauthAddUserIdentifier",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = IdentifierBody,
    responses((status = 200, body = IdentifierObject))
)]
pub async fn add(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    let Call { state, principal, if_match, body, .. } = call;
    let new = body.read::<IdentifierBody>()?.parse("")?;
    let (_, added) = users::add_identifier(&state, &principal, of, if_match.as_ref(), &new).await?;
    Ok(HttpResponse::Ok().json(IdentifierObject::from(added)))
}

/// Remove an identifier of a user
#[utoipa::path(
    post,
    path = path::SECUREAUTH_USER_IDENTIFIERS_REMOVE,
    operation_id = "secureauthRemoveUserIdentifier",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = IdentifierRemovalBody,
    responses((status = 204))
)]
pub async fn remove(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    let Call { state, principal, if_match, body, .. } = call;
    let body: IdentifierRemovalBody = body.read()?;
    users::remove_identifier(&state, &principal, of, if_match.as_ref(), body.parse()?).await?;
    Ok(HttpResponse::NoContent().finish())
}
