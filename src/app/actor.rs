//! Who asks, and in which environment: every use case that reads or changes something begins here.

use super::{Error, Result};
use crate::model::{
    api_key::ApiKey,
    id::{ApiKeyId, EnvironmentId},
};

/// A caller who proved who it is. It can only speak of the things of its one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    environment_id: EnvironmentId,
    credential: Credential,
}

/// How a caller proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// With an API key.
    ApiKey {
        /// Which one.
        id: ApiKeyId,
        /// Whether it may also manage.
        management: bool,
    },
    /// By sitting at the server's own command line.
    Operator,
}

impl Actor {
    /// Whoever holds this key.
    pub fn holder_of(key: &ApiKey) -> Self {
        Self {
            environment_id: key.environment_id,
            credential: Credential::ApiKey { id: key.id, management: key.management },
        }
    }

    /// The operator of the service, at work in this environment.
    pub fn operator(environment_id: EnvironmentId) -> Self {
        Self { environment_id, credential: Credential::Operator }
    }

    /// How the caller proved who it is.
    pub fn credential(&self) -> Credential {
        self.credential
    }

    /// The environment whose logins the caller may begin and redeem.
    pub fn environment(&self) -> EnvironmentId {
        self.environment_id
    }

    /// The environment that the caller may manage.
    pub fn managed_environment(&self) -> Result<EnvironmentId> {
        match self.credential {
            Credential::Operator | Credential::ApiKey { management: true, .. } => Ok(self.environment_id),
            // 401, not 403: what SSOReady answers, and its SDKs know (contracts §2.1).
            Credential::ApiKey { management: false, .. } => {
                Err(Error::Unauthenticated("api key is not authorized to access management api".into()))
            }
        }
    }
}
