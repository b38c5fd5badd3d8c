//! Credentials that are set by a one-time code.

use actix_web::{HttpResponse, web};
use model::account::OneTimeCodePurpose;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{ReferenceBody, of_code, passkeys, required};
use crate::{
    app::accounts::user_credentials::{self, Reset},
    http::secureauth::{
        call::{Call, JsonObject},
        reply::SecureauthResult,
    },
    links::path,
};

async fn request(call: Call<JsonObject>, purpose: OneTimeCodePurpose) -> SecureauthResult {
    let pool_id = call.pool_id()?;
    let Call { state, principal, body, .. } = call;
    let user: ReferenceBody = body.read()?;
    user_credentials::request_reset(&state, &principal, pool_id, purpose, &user.into()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Request a code that resets a password
///
/// The answer is the same whether there is such a user or not. The code goes to them by
/// mail, where a mail server is set up; `code/generate` returns one to the caller.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_RESET_PASSWORD_REQUEST,
    operation_id = "secureauthRequestResetPassword",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    request_body = ReferenceBody,
    responses((status = 204))
)]
pub async fn request_password(call: Call<JsonObject>) -> SecureauthResult {
    request(call, OneTimeCodePurpose::ResetPassword).await
}

/// Request a code that resets an authenticator app
///
/// The answer is the same whether there is such a user or not. The code goes to them by
/// mail, where a mail server is set up; `code/generate` returns one to the caller.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_RESET_TOTP_REQUEST,
    operation_id = "secureauthRequestResetTotp",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    request_body = ReferenceBody,
    responses((status = 204))
)]
pub async fn request_totp(call: Call<JsonObject>) -> SecureauthResult {
    request(call, OneTimeCodePurpose::ResetTotp).await
}

/// Request a code that adds a passkey
///
/// The answer is the same whether there is such a user or not. The code goes to them by
/// mail, where a mail server is set up; `code/generate` returns one to the caller.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_ADD_PASSKEY_REQUEST,
    operation_id = "secureauthRequestAddWebAuthn",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    request_body = ReferenceBody,
    responses((status = 204))
)]
pub async fn request_passkey(call: Call<JsonObject>) -> SecureauthResult {
    passkeys::require_supported(&call.state, &call.principal).await?;
    request(call, OneTimeCodePurpose::EnrollWebauthn).await
}

/// A code, and the password that it sets.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthCompletePasswordReset)]
pub struct PasswordBody {
    #[serde(flatten)]
    user: ReferenceBody,
    /// The code. In its extended form it names the user itself.
    #[schema(required = true, example = "287082")]
    code: Option<String>,
    /// The new password.
    #[schema(required = true, example = "violet kettle under snow")]
    new_password: Option<String>,
}

/// A code, and the authenticator app that it sets.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthCompleteTotpReset)]
pub struct TotpBody {
    #[serde(flatten)]
    user: ReferenceBody,
    /// The code. In its extended form it names the user itself.
    #[schema(required = true, example = "287082")]
    code: Option<String>,
    /// The secret of the new authenticator app, in base32.
    #[schema(required = true, example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    new_totp_secret: Option<String>,
}

/// A code, and the passkey that it adds.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthCompleteAddPasskey)]
pub struct PasskeyBody {
    #[serde(flatten)]
    user: ReferenceBody,
    /// The code. In its extended form it names the user itself.
    #[schema(required = true, example = "287082")]
    code: Option<String>,
    /// The response of the authenticator to the options of `webauthn/create/begin` (WebAuthn Level 3 §5.1).
    #[schema(required = true, value_type = Object)]
    new_web_authn: Option<Value>,
}

/// What a body sets by a code.
trait Completes: serde::de::DeserializeOwned {
    /// The user whom it names, the code, and what is set.
    fn parts(self) -> crate::app::Result<(ReferenceBody, String, Reset)>;
}

impl Completes for PasswordBody {
    fn parts(self) -> crate::app::Result<(ReferenceBody, String, Reset)> {
        let reset = Reset::Password(required("new_password", self.new_password)?);
        Ok((self.user, required("code", self.code)?, reset))
    }
}

impl Completes for TotpBody {
    fn parts(self) -> crate::app::Result<(ReferenceBody, String, Reset)> {
        let reset = Reset::Totp(required("new_totp_secret", self.new_totp_secret)?);
        Ok((self.user, required("code", self.code)?, reset))
    }
}

impl Completes for PasskeyBody {
    fn parts(self) -> crate::app::Result<(ReferenceBody, String, Reset)> {
        let reset = Reset::Passkey(required("new_web_authn", self.new_web_authn)?, String::new());
        Ok((self.user, required("code", self.code)?, reset))
    }
}

async fn complete<B: Completes>(call: Call<JsonObject>) -> SecureauthResult {
    let pool_id = call.pool_id()?;
    let Call { state, principal, body, .. } = call;
    let (user, code, reset) = body.read_with::<ReferenceBody, B>()?.parts()?;
    let user = user.into();
    let done = user_credentials::complete_reset(&state, &principal, pool_id, &user, &code, &reset).await;
    done.map_err(of_code)?;
    Ok(HttpResponse::NoContent().finish())
}

/// Reset a password by a code
///
/// 422 `invalid_code` whatever was wrong: the user, or the code. Sessions and access tokens of the user end.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_RESET_PASSWORD_COMPLETE,
    operation_id = "secureauthCompleteResetPassword",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    request_body = PasswordBody,
    responses((status = 204))
)]
pub async fn complete_password(call: Call<JsonObject>) -> SecureauthResult {
    complete::<PasswordBody>(call).await
}

/// Reset a password by a code, by identifier or id
///
/// As `password/reset/complete`.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_RESET_PASSWORD_CONFIRM,
    operation_id = "secureauthConfirmResetPassword",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    request_body = PasswordBody,
    responses((status = 204))
)]
pub async fn confirm_password(call: Call<JsonObject>) -> SecureauthResult {
    complete::<PasswordBody>(call).await
}

/// Reset an authenticator app by a code
///
/// 422 `invalid_code` whatever was wrong: the user, or the code. Sessions and access tokens of the user end.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_RESET_TOTP_COMPLETE,
    operation_id = "secureauthCompleteResetTotp",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    request_body = TotpBody,
    responses((status = 204))
)]
pub async fn complete_totp(call: Call<JsonObject>) -> SecureauthResult {
    complete::<TotpBody>(call).await
}

/// Add a passkey by a code
///
/// 422 `invalid_code` whatever was wrong: the user, or the code.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_ADD_PASSKEY_COMPLETE,
    operation_id = "secureauthCompleteAddWebAuthn",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    request_body = PasskeyBody,
    responses((status = 204))
)]
pub async fn complete_passkey(call: Call<JsonObject>) -> SecureauthResult {
    let state: &web::Data<crate::app::State> = &call.state;
    passkeys::require_supported(state, &call.principal).await?;
    complete::<PasskeyBody>(call).await
}
