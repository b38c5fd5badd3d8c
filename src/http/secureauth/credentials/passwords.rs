//! Passwords of users, and authenticator apps that replace one another.

use actix_web::HttpResponse;
use model::account::CredentialState;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ReferenceBody, of_proof, required};
use crate::{
    app::{
        Error,
        accounts::user_credentials::{self, PasswordVerdict},
    },
    http::secureauth::{
        call::{Call, JsonObject},
        reply::{SecureauthResult, hex_id},
    },
    links::path,
};

/// A password that is changed.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthChangePassword)]
pub struct ChangePasswordBody {
    /// The present password.
    #[schema(required = true, example = "violet kettle under snow")]
    old_password: Option<String>,
    /// The new password.
    #[schema(required = true, example = "a green kettle on thick ice")]
    new_password: Option<String>,
}

/// Change a password
///
/// The present password permits it; 422 `password_incorrect` where it is another one. Sessions and access tokens of the user end.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_CHANGE_PASSWORD,
    operation_id = "secureauthChangePassword",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = ChangePasswordBody,
    responses((status = 204))
)]
pub async fn change(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    let Call { state, principal, body, .. } = call;
    let body: ChangePasswordBody = body.read()?;
    let old = required("old_password", body.old_password)?;
    let new = required("new_password", body.new_password)?;
    user_credentials::change_password(&state, &principal, of, &old, &new).await.map_err(of_proof)?;
    Ok(HttpResponse::NoContent().finish())
}

/// Whether a password can be used.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthPasswordState)]
pub struct PasswordStateBody {
    /// `valid`, `must_be_changed` or `must_be_reset`.
    #[schema(required = true, example = "must_be_changed")]
    state: Option<String>,
}

/// Set whether a password can be used
///
/// `must_be_changed`: it is good for one more sign-in. `must_be_reset`: it is good for none, and the sessions of the user end.
#[utoipa::path(
    put,
    path = path::SECUREAUTH_PASSWORD_STATE,
    operation_id = "secureauthSetPasswordState",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = PasswordStateBody,
    responses((status = 204))
)]
pub async fn set_state(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    let Call { state, principal, body, .. } = call;
    let body: PasswordStateBody = body.read()?;
    let wanted: CredentialState = required("state", body.state)?
        .parse()
        .map_err(|_| Error::invalid("state", "must be one of valid, must_be_changed, must_be_reset"))?;
    user_credentials::set_password_state(&state, &principal, of, wanted).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A password to verify.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthVerifyPassword)]
pub struct VerifyPasswordBody {
    #[serde(flatten)]
    user: ReferenceBody,
    /// The password.
    #[schema(required = true, example = "violet kettle under snow")]
    password: Option<String>,
}

/// What came of the verification of a password.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthPasswordVerified)]
pub struct PasswordVerified {
    /// The user's id; empty if there is none who may sign in.
    id: String,
    /// `password_correct`, `password_incorrect`, `password_expired`, `no_password` or `user_not_found`.
    #[schema(example = "password_correct")]
    result: &'static str,
    /// `valid`, `must_be_changed` or `must_be_reset`.
    #[schema(example = "valid")]
    state: &'static str,
}

/// Verify a password
///
/// Only an active user is found. Too many wrong passwords are refused for a while, for this account.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_VERIFY_PASSWORD,
    operation_id = "secureauthVerifyPassword",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    request_body = VerifyPasswordBody,
    responses((status = 200, body = PasswordVerified))
)]
pub async fn verify(call: Call<JsonObject>) -> SecureauthResult {
    let pool_id = call.pool_id()?;
    let Call { state, principal, body, .. } = call;
    let body: VerifyPasswordBody = body.read_with::<ReferenceBody, _>()?;
    let password = required("password", body.password)?;
    let found =
        user_credentials::verify_password(&state, &principal, pool_id, &body.user.into(), &password).await?;
    Ok(HttpResponse::Ok().json(PasswordVerified {
        id: found.user_id.map(hex_id).unwrap_or_default(),
        result: match found.verdict {
            PasswordVerdict::Correct => "password_correct",
            PasswordVerdict::Incorrect => "password_incorrect",
            PasswordVerdict::Expired => "password_expired",
            PasswordVerdict::NoPassword => "no_password",
            PasswordVerdict::UserNotFound => "user_not_found",
        },
        state: found.state.as_str(),
    }))
}

/// An authenticator app that replaces another.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthChangeTotp)]
pub struct ChangeTotpBody {
    /// The secret of the new app, in base32.
    #[schema(required = true, example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    new_totp_secret: Option<String>,
    /// A code of the present app.
    #[schema(required = true, example = "287082")]
    totp: Option<String>,
}

/// Change the secret of an authenticator app
///
/// A code of the present one permits it, and each code is good once; 422 `invalid_code` where it is none. Sessions and access
/// tokens of the user end.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_CHANGE_TOTP,
    operation_id = "secureauthChangeTotp",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = ChangeTotpBody,
    responses((status = 204))
)]
pub async fn change_totp(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    let Call { state, principal, body, .. } = call;
    let body: ChangeTotpBody = body.read()?;
    let new = required("new_totp_secret", body.new_totp_secret)?;
    let code = required("totp", body.totp)?;
    user_credentials::change_totp(&state, &principal, of, &code, &new).await.map_err(of_proof)?;
    Ok(HttpResponse::NoContent().finish())
}
