//! API keys: how the vendor's backend proves which environment it speaks for.

use super::{
    id::{ApiKeyId, EnvironmentId},
    time::Timestamp,
};

/// One API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The one environment it opens.
    pub environment_id: EnvironmentId,
    /// Whether it may also call the management API.
    pub management: bool,
    /// When it was made.
    pub created_at: Timestamp,
}
