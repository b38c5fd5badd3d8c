//! The credentials of users, below `/pools/{pool}/users/{user}` and `/pools/{pool}/user`: passwords, authenticator apps, passkeys,
//! one-time codes, activation and registration.

pub mod activation;
pub mod codes;
pub mod passkeys;
pub mod passwords;
pub mod resets;

use serde::Deserialize;
use utoipa::ToSchema;

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
    #[schema(required = false, example = "dana@acme.com")]
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
