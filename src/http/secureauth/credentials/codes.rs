//! One-time codes that the caller hands over, and addresses that they prove.

use actix_web::HttpResponse;
use model::account::OneTimeCodePurpose;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ReferenceBody, of_code, required};
use crate::{
    app::{
        Error, Result,
        accounts::{one_time_codes::NewCode, user_credentials},
    },
    http::secureauth::{
        call::{Call, JsonObject},
        reply::{SecureauthResult, hex_id},
    },
    links::path,
};

/// A code to make.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthRequestCode)]
pub struct CodeBody {
    /// `activation`, `reset_password`, `reset_totp`, `enroll_webauthn` or `verify_address`.
    #[serde(rename = "type")]
    #[schema(required = true, example = "reset_password")]
    kind: Option<String>,
    #[serde(flatten)]
    user: ReferenceBody,
}

/// A new code. It is shown only here.
#[derive(Serialize, ToSchema)]
#[schema(as = SecureauthCodes)]
pub struct Codes {
    /// The id of the code.
    code_id: String,
    /// The code.
    #[schema(example = "287082")]
    code: String,
    /// The code in a form that names its user, for links.
    extended_code: String,
}

impl From<NewCode> for Codes {
    fn from(code: NewCode) -> Self {
        Self {
            code_id: hex_id(code.code.id),
            code: code.reveal().to_owned(),
            extended_code: code.reveal_extended(),
        }
    }
}

fn purpose(kind: Option<String>) -> Result<OneTimeCodePurpose> {
    required("type", kind)?.parse().map_err(|_| {
        Error::invalid(
            "type",
            "must be one of activation, reset_password, reset_totp, enroll_webauthn, verify_address",
        )
    })
}

/// Generate a one-time code for a user
///
/// It ends the earlier ones of its type. A code to verify an address takes the `address`; one to activate takes the user's only
/// address where none is given.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_GENERATE_CODE,
    operation_id = "secureauthGenerateCode",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = CodeBody,
    responses((status = 201, body = Codes))
)]
pub async fn generate(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    let Call { state, principal, body, .. } = call;
    let body: CodeBody = body.read_with::<ReferenceBody, _>()?;
    let (purpose, address) = (purpose(body.kind)?, body.user.address);
    let code = user_credentials::generate(&state, &principal, of, purpose, address.as_deref()).await?;
    Ok(HttpResponse::Created().json(Codes::from(code)))
}

/// Generate a one-time code by identifier or address
#[utoipa::path(
    post,
    path = path::SECUREAUTH_GENERATE_CODE_FOR,
    operation_id = "secureauthGenerateCodeForUser",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    request_body = CodeBody,
    responses((status = 201, body = Codes))
)]
pub async fn generate_for(call: Call<JsonObject>) -> SecureauthResult {
    let pool_id = call.pool_id()?;
    let Call { state, principal, body, .. } = call;
    let body: CodeBody = body.read_with::<ReferenceBody, _>()?;
    let purpose = purpose(body.kind)?;
    let code =
        user_credentials::generate_for(&state, &principal, pool_id, &body.user.into(), purpose).await?;
    Ok(HttpResponse::Created().json(Codes::from(code)))
}

/// Generate an activation code
///
/// It ends the earlier ones.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_GENERATE_ACTIVATION,
    operation_id = "secureauthGenerateActivationCode",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = ReferenceBody,
    responses((status = 201, body = Codes))
)]
pub async fn generate_activation(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    let Call { state, principal, body, .. } = call;
    let body: ReferenceBody = body.read()?;
    // An address by its former name.
    let address = body.identifier.or(body.address);
    let purpose = OneTimeCodePurpose::Activation;
    let code = user_credentials::generate(&state, &principal, of, purpose, address.as_deref()).await?;
    Ok(HttpResponse::Created().json(Codes::from(code)))
}

/// An address to prove.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthVerifyAddress)]
pub struct AddressBody {
    /// The address.
    #[schema(required = true, example = "dana@acme.com")]
    address: Option<String>,
    /// The code that proves it.
    #[schema(required = false, example = "287082")]
    code: Option<String>,
}

/// Request a code that verifies an address of a user
///
/// It goes to that address by mail, where a mail server is set up; `code/generate` returns one to the caller.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_VERIFICATION_REQUEST,
    operation_id = "secureauthRequestAddressVerification",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = AddressBody,
    responses((status = 204))
)]
pub async fn request_verification(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    let Call { state, principal, body, .. } = call;
    let body: AddressBody = body.read()?;
    let address = required("address", body.address)?;
    user_credentials::request_verification(&state, &principal, of, &address).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Verify an address of a user by a code
///
/// 422 `invalid_code` whatever was wrong: the address, or the code.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_VERIFICATION_COMPLETE,
    operation_id = "secureauthCompleteAddressVerification",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = AddressBody,
    responses((status = 204))
)]
pub async fn complete_verification(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    let Call { state, principal, body, .. } = call;
    let body: AddressBody = body.read()?;
    let (address, code) = (required("address", body.address)?, required("code", body.code)?);
    user_credentials::verify_address(&state, &principal, of, &address, &code).await.map_err(of_code)?;
    Ok(HttpResponse::NoContent().finish())
}
