//! API keys: created, renamed, removed, and authenticated.

use std::time::Duration;

use base::{
    id::{ApiKeyId, EnvironmentId, Id},
    secret::ApiKeySecret,
    time::Timestamp,
};
use clap::Args;
use model::{api_key::ApiKey, entity_tag::EntityTags};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::{
        Error, Result, State, input,
        permissions::Action,
        principal::{On, Principal, Subject},
        resource::{self, Resource},
    },
    store,
};

/// The maximum number of keys of an environment.
const MAX_KEYS: i64 = 1000;

/// The resolution of a key's last use: each update is a write.
const LAST_USED_RESOLUTION: Duration = Duration::from_secs(10 * 60);

/// A credential of your programs, for one environment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub struct ApiKeyObject {
    id: ApiKeyId,
    environment_id: EnvironmentId,
    /// Its name for people; may be empty.
    #[schema(example = "Backend")]
    display_name: String,
    /// The key itself: present only in the response that created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "ssoready_sk_12vqjrnxk9xeov6o4f05pan0g")]
    secret_token: Option<String>,
    /// Whether it may call the management API; otherwise only the calls that apps need to sign people in.
    has_management_api_access: bool,
    /// Whether it is switched off: calls with it are refused.
    disabled: bool,
    created_at: Timestamp,
    /// When it was last used, accurate to ten minutes; `null` for never.
    last_used_at: Option<Timestamp>,
}

impl ApiKeyObject {
    /// A key that was just created, with its secret.
    pub fn created(key: &ApiKey, secret: &ApiKeySecret) -> Self {
        Self { secret_token: Some(secret.reveal()), ..Self::from(key) }
    }
}

impl From<&ApiKey> for ApiKeyObject {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id,
            environment_id: key.environment_id,
            display_name: key.display_name.clone(),
            secret_token: None,
            has_management_api_access: key.management,
            disabled: key.disabled,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
        }
    }
}

/// The settings of an API key.
#[derive(Debug, Clone, Default, Deserialize, ToSchema, Args)]
#[schema(as = ApiKeyInput)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyChange {
    /// Its name for people.
    #[schema(example = "Backend")]
    #[arg(long, value_name = "NAME")]
    pub display_name: Option<String>,
    /// Whether it may call the management API: organizations, connections and the rest. Set when the key is created.
    #[schema(default = false)]
    #[arg(long = "management", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub has_management_api_access: Option<bool>,
    /// Switch it off: calls with it are refused until it is switched on again.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub disabled: Option<bool>,
}

impl Resource for ApiKey {
    type Change = ApiKeyChange;

    const VIEW: Action = Action::ApiKeysView;
    const MANAGE: Action = Action::ApiKeysManage;

    fn apply(&mut self, _: &State, change: &ApiKeyChange) -> Result<()> {
        if let Some(name) = &change.display_name {
            self.display_name = input::line("displayName", name, 200)?;
        }
        if change.has_management_api_access.is_some_and(|management| management != self.management) {
            return Err(Error::invalid(
                "hasManagementApiAccess",
                "cannot be changed; create another key, and delete this one",
            ));
        }
        self.disabled = change.disabled.unwrap_or(self.disabled);
        Ok(())
    }
}

/// Authenticates the holder of the key with this secret. The lookup is by digest, so its timing reveals nothing
/// about other secrets.
pub async fn authenticate(state: &State, secret: &str) -> Result<Principal> {
    let unknown = || Error::Unauthenticated("api key not found".into());
    let secret: ApiKeySecret = secret.parse().map_err(|_| unknown())?;
    let found = {
        let mut conn = state.db.read().await?;
        store::api_keys::find_by_secret(&mut conn, secret.digest()).await?
    };
    let key = found.ok_or_else(unknown)?;
    if key.disabled {
        return Err(Error::Unauthenticated(
            "this API key is switched off (disabled); switch it on again, or use another".into(),
        ));
    }
    let now = state.now();
    let noted = now - LAST_USED_RESOLUTION;
    if key.last_used_at.is_none_or(|at| at <= noted) {
        let mut tx = state.db.write().await?;
        store::api_keys::update_last_used(&mut tx, key.id, now, noted).await?;
        tx.commit().await?;
    }
    Ok(Principal::from_api_key(&key))
}

/// Creates a key. Its secret is returned only here.
pub async fn create(
    state: &State,
    principal: &Principal,
    change: &ApiKeyChange,
) -> Result<(ApiKey, ApiKeySecret)> {
    let environment_id = principal.authorize(Action::ApiKeysManage, On::Environment)?;
    let now = state.now();
    principal.require_recent_authentication(now)?;
    let secret = ApiKeySecret::new(&*state.random);
    let mut key = ApiKey {
        id: Id::new(now, &*state.random),
        environment_id,
        version: 1,
        secret: secret.digest(),
        display_name: String::new(),
        management: change.has_management_api_access.unwrap_or(false),
        disabled: false,
        created_at: now,
        last_used_at: None,
    };
    key.apply(state, change)?;
    let mut tx = state.db.write().await?;
    resource::require_room::<ApiKey>(&mut tx, environment_id, MAX_KEYS).await?;
    resource::insert(&mut tx, state, principal, &key).await?;
    tx.commit().await?;
    Ok((key, secret))
}

/// Changes a key. A key cannot switch itself off, which could lock its holder out.
pub async fn update(
    state: &State,
    principal: &Principal,
    id: ApiKeyId,
    expected: Option<&EntityTags>,
    change: &ApiKeyChange,
) -> Result<ApiKey> {
    if is_own(principal, id) && change.disabled == Some(true) {
        return Err(Error::FailedPrecondition("a key cannot disable itself; use another one".into()));
    }
    resource::update(state, principal, id, expected, change).await
}

fn is_own(principal: &Principal, id: ApiKeyId) -> bool {
    principal.subject == Subject::ApiKey(id)
}

/// Removes a key. A key cannot remove itself, which could lock its holder out.
pub async fn remove(
    state: &State,
    principal: &Principal,
    id: ApiKeyId,
    expected: Option<&EntityTags>,
) -> Result<()> {
    if is_own(principal, id) {
        return Err(Error::FailedPrecondition("a key cannot delete itself; use another one".into()));
    }
    resource::remove::<ApiKey>(state, principal, id, expected).await
}
