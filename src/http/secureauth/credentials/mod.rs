//! The credentials of users, below `/pools/{pool}/users/{user}` and `/pools/{pool}/user`: passwords, authenticator apps, passkeys,
//! one-time codes, activation and registration.

pub mod activation;
pub mod codes;
pub mod passkeys;
pub mod passwords;
pub mod resets;

use serde::Deserialize;
use utoipa::ToSchema;

use super::error::SecureauthError;
use crate::app::{Error, Result, accounts::user_credentials::UserReference};

/// How a call names a user, with what else it sends.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthUserReference)]
pub struct ReferenceBody {
    /// The user's id.
    #[serde(rename = "userID")]
    #[schema(required = false)]
    user_id: Option<String>,
    /// One of the user's identifiers, instead of the id.
    #[schema(required = false, example = "dana@acme.com")]
    identifier: Option<String>,
    /// An address that the user has proven.
    #[schema(required = false)]
    address: Option<String>,
}

impl From<ReferenceBody> for UserReference {
    fn from(body: ReferenceBody) -> Self {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            user_id: given(body.user_id),
            identifier: given(body.identifier),
            address: given(body.address),
        }
    }
}

/// A member that must be there.
fn required<T>(field: &'static str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::invalid(field, "is required"))
}

/// A proof that somebody sent for a user, which is not accepted. 401 would say that the caller's own token is refused, and clients
/// would get another one and ask again.
fn refused(code: &'static str, path: &str, message: String) -> SecureauthError {
    SecureauthError::violations(code, [(path.to_owned(), message)])
}

/// 422 `invalid_code` for a one-time code that is wrong, used or expired, whoever's it was to be.
fn of_code(error: Error) -> SecureauthError {
    match error {
        Error::Unauthenticated(text) => refused("invalid_code", "code", text.into_owned()),
        other => other.into(),
    }
}

/// 422 for what somebody sent to prove who they are, and is not theirs: `password_incorrect` for a password, `invalid_code` for a
/// code of an authenticator app.
fn of_proof(error: Error) -> SecureauthError {
    match error {
        Error::Invalid { field, reason } if field == "old_password" => {
            refused("password_incorrect", &field, reason.into_owned())
        }
        Error::Invalid { field, reason } if field == "totp" => {
            refused("invalid_code", &field, reason.into_owned())
        }
        other => other.into(),
    }
}
