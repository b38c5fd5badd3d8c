//! Passkeys of users.

use actix_web::{HttpResponse, http::StatusCode};
use base::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::required;
use crate::{
    app::{
        State,
        accounts::user_credentials::{self, PasskeyCredential},
        principal::Principal,
    },
    http::secureauth::{
        call::{Call, JsonObject},
        error::SecureauthError,
        reply::SecureauthResult,
    },
    links::path,
};

/// A passkey.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthPasskey)]
pub struct PasskeyObject {
    /// The authenticator's id of it, base64url.
    id: String,
    /// Its name.
    #[schema(example = "Passkey")]
    name: String,
    /// When it was added.
    created_at: Timestamp,
}

impl From<PasskeyCredential> for PasskeyObject {
    fn from(added: PasskeyCredential) -> Self {
        Self {
            id: added.credential_id,
            name: added.passkey.display_name,
            created_at: added.passkey.created_at,
        }
    }
}

/// Passkeys that were made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthPasskeys)]
pub struct Passkeys {
    /// The passkeys.
    credentials: Vec<PasskeyObject>,
}

/// 409 `passkeys_unavailable` where the host of the environment is no name.
pub(super) async fn require_supported(state: &State, principal: &Principal) -> Result<(), SecureauthError> {
    if user_credentials::passkeys_are_supported(state, principal)? {
        return Ok(());
    }
    let text = "passkeys need https and a host name in the public URL";
    Err(SecureauthError::new(StatusCode::CONFLICT, "passkeys_unavailable", text))
}

/// Begin to make a passkey for a user
///
/// The answer is for `navigator.credentials.create` (WebAuthn Level 3 §5.1.3), and good for ten minutes.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_PASSKEY_BEGIN,
    operation_id = "secureauthBeginWebAuthn",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    responses((status = 200, body = Object))
)]
pub async fn begin(call: Call) -> SecureauthResult {
    let of = call.user()?;
    require_supported(&call.state, &call.principal).await?;
    let options = user_credentials::begin_passkey(&call.state, &call.principal, of).await?;
    Ok(HttpResponse::Ok().json(options))
}

/// Add the passkey that an authenticator made
///
/// The body is the response of the authenticator, as `PublicKeyCredential.toJSON()` writes it.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_PASSKEY_COMPLETE,
    operation_id = "secureauthCompleteWebAuthn",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = Object,
    responses((status = 200, body = Passkeys))
)]
pub async fn complete(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    require_supported(&call.state, &call.principal).await?;
    let Call { state, principal, body, .. } = call;
    let answer = Value::Object(body.0);
    let added = user_credentials::complete_passkey(&state, &principal, of, &answer, "").await?;
    Ok(HttpResponse::Ok().json(Passkeys { credentials: vec![added.into()] }))
}

/// The name of a passkey.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthPasskeyName)]
pub struct NameBody {
    /// The name.
    #[schema(required = true, example = "Laptop")]
    name: Option<String>,
}

/// Name a passkey
#[utoipa::path(
    put,
    path = path::SECUREAUTH_PASSKEY_NAME,
    operation_id = "secureauthNameWebAuthn",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
        ("credential" = String, Path, description = "The authenticator's id of it, base64url."),
    ),
    request_body = NameBody,
    responses((status = 204))
)]
pub async fn name(call: Call<JsonObject>) -> SecureauthResult {
    let (of, credential) = (call.user()?, call.path("credential").to_owned());
    let Call { state, principal, body, .. } = call;
    let name = required("name", body.read::<NameBody>()?.name)?;
    user_credentials::rename_passkey(&state, &principal, of, &credential, &name).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Delete a passkey
#[utoipa::path(
    delete,
    path = path::SECUREAUTH_PASSKEY,
    operation_id = "secureauthDeleteWebAuthn",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
        ("credential" = String, Path, description = "The authenticator's id of it, base64url."),
    ),
    responses((status = 204))
)]
pub async fn delete(call: Call) -> SecureauthResult {
    let (state, credential) = (&call.state, call.path("credential"));
    user_credentials::remove_passkey(state, &call.principal, call.user()?, credential).await?;
    Ok(HttpResponse::NoContent().finish())
}
