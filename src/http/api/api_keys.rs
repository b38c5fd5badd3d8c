//! An API key as programs read it.

use serde::Serialize;

use crate::model::{
    self,
    id::{ApiKeyId, EnvironmentId},
    secret::ApiKeySecret,
    time::Timestamp,
};

/// An API key; its secret is there only in the answer that made it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    id: ApiKeyId,
    environment_id: EnvironmentId,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_token: Option<String>,
    has_management_api_access: bool,
    created_at: Timestamp,
}

impl ApiKey {
    /// A key that was just made, with its secret.
    pub fn created(key: &model::api_key::ApiKey, secret: &ApiKeySecret) -> Self {
        Self { secret_token: Some(secret.reveal()), ..Self::from(key) }
    }
}

impl From<&model::api_key::ApiKey> for ApiKey {
    fn from(key: &model::api_key::ApiKey) -> Self {
        Self {
            id: key.id,
            environment_id: key.environment_id,
            secret_token: None,
            has_management_api_access: key.management,
            created_at: key.created_at,
        }
    }
}
