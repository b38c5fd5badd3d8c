//! New users: registered by themselves, and activated by a one-time code.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{ReferenceBody, of_code, required};
use crate::{
    app::accounts::user_credentials::{self, Activation, Registration},
    http::secureauth::{
        call::{Call, JsonObject},
        reply::{SecureauthResult, hex_id},
        users::objects::{self, UserObject},
    },
    links::path,
};

/// Request an activation code for a user
///
/// The answer is the same whether one is made or not. The code goes to the user by mail, where a mail
/// server is set up; `activation/generate` returns one to the caller.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_SEND_ACTIVATION,
    operation_id = "secureauthSendActivation",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = ReferenceBody,
    responses((status = 204))
)]
pub async fn send(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    let Call { state, principal, body, .. } = call;
    let body: ReferenceBody = body.read()?;
    // An address by its former name.
    let address = body.identifier.or(body.address);
    user_credentials::send_activation(&state, &principal, of, address.as_deref()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A code, and what a new user sets with it.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthActivate)]
pub struct ActivateBody {
    /// The code.
    #[schema(required = true, example = "287082")]
    code: Option<String>,
    /// The password, if the user has none.
    #[schema(required = false)]
    password: Option<String>,
    /// The secret of the user's authenticator app, in base32.
    #[schema(required = false)]
    totp_secret: Option<String>,
}

impl ActivateBody {
    fn parse(self) -> crate::app::Result<(String, Activation)> {
        let Self { code, password, totp_secret } = self;
        Ok((required("code", code)?, Activation { password, totp_secret }))
    }
}

/// Activate a user by a code
///
/// The address that the code was for is verified, and becomes an identifier if nobody has it. 422 `invalid_code` whatever was
/// wrong with the code, and where the user is not new.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_ACTIVATE,
    operation_id = "secureauthActivateUser",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = ActivateBody,
    responses((status = 201, body = UserObject))
)]
pub async fn activate(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    let Call { state, principal, tenant, body, .. } = call;
    let (code, activation) = body.read::<ActivateBody>()?.parse()?;
    let activated = user_credentials::activate(&state, &principal, of, &code, &activation).await;
    let user = activated.map_err(of_code)?;
    let shown = objects::of(&state, &principal, &tenant.name, vec![user]).await?;
    Ok(HttpResponse::Created().json(shown.into_iter().next()))
}

/// Activate the user whom a code in its extended form names
///
/// As `activate`.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_ACTIVATE_EXTENDED,
    operation_id = "secureauthActivateUserByExtendedCode",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    request_body = ActivateBody,
    responses((status = 201, body = UserObject))
)]
pub async fn activate_extended(call: Call<JsonObject>) -> SecureauthResult {
    let pool_id = call.pool_id()?;
    let Call { state, principal, tenant, body, .. } = call;
    let (code, activation) = body.read::<ActivateBody>()?.parse()?;
    let activated =
        user_credentials::activate_extended(&state, &principal, pool_id, &code, &activation).await;
    let user = activated.map_err(of_code)?;
    let shown = objects::of(&state, &principal, &tenant.name, vec![user]).await?;
    Ok(HttpResponse::Created().json(shown.into_iter().next()))
}

/// What somebody registers with.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthSelfRegister)]
pub struct RegisterBody {
    /// By what they want to sign in.
    #[schema(required = true, example = "dana@acme.com")]
    identifier: Option<String>,
    /// Where they are reached, if that is not the identifier: of another type than that.
    #[schema(required = false)]
    otp_address: Option<String>,
    /// Their password.
    #[schema(required = false)]
    password: Option<String>,
    /// The secret of their authenticator app, in base32.
    #[schema(required = false)]
    totp_secret: Option<String>,
    /// Their profile.
    #[schema(required = false, value_type = Object)]
    payload: Option<Map<String, Value>>,
}

/// The id of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthUserId)]
pub struct UserIdObject {
    /// The id.
    id: String,
}

/// Register a user on their own behalf
///
/// The pool must allow it. The answer is the same where somebody has the identifier: then the id is nobody's.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_REGISTER,
    operation_id = "secureauthSelfRegister",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    request_body = RegisterBody,
    responses((status = 201, body = UserIdObject))
)]
pub async fn register(call: Call<JsonObject>) -> SecureauthResult {
    let pool_id = call.pool_id()?;
    let Call { state, principal, body, .. } = call;
    let body: RegisterBody = body.read()?;
    let new = Registration {
        identifier: required("identifier", body.identifier)?,
        otp_address: body.otp_address.filter(|text| !text.is_empty()),
        password: body.password,
        totp_secret: body.totp_secret,
        payload: body.payload,
    };
    let id = user_credentials::register(&state, &principal, pool_id, &new).await?;
    Ok(HttpResponse::Created().json(UserIdObject { id: hex_id(id) }))
}
