//! The endpoints of webhooks: created and changed, and their secrets rotated.

use std::time::Duration;

use base::{
    id::{EnvironmentId, Id, WebhookId},
    time::Timestamp,
};
use clap::Args;
use model::{
    audit::audit_fields,
    entity_tag::EntityTags,
    event::{EventKind, EventType},
    webhook::Webhook,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::signature::WebhookSecret;
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        events, input,
        permissions::Action,
        principal::{On, Principal},
        resource::{self, Edit, Resource},
    },
    store::webhooks,
};

/// The default overlap of a rotation: how long the previous secret also signs.
pub const DEFAULT_OVERLAP: Duration = Duration::from_secs(24 * 3600);

/// The maximum overlap.
const MAX_OVERLAP: Duration = Duration::from_secs(30 * 24 * 3600);

/// The maximum number of webhooks of an environment.
const MAX_WEBHOOKS: i64 = 100;

/// A URL to which events are delivered. Its secret is returned only when it is created.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
pub struct WebhookObject {
    id: WebhookId,
    environment_id: EnvironmentId,
    /// The URL to which events are posted.
    #[schema(example = "https://app.example.com/webhooks/ostiary")]
    url: String,
    /// The event types that it receives; empty for all, including those of later versions.
    #[schema(example = json!(["scim_user.created"]))]
    event_types: Vec<String>,
    /// Whether it receives events.
    enabled: bool,
    /// When it was disabled; `null` if it is enabled.
    disabled_at: Option<Timestamp>,
    /// The sequence number of the first event without a delivery.
    next_sequence: u64,
    /// The number of consecutive failed attempts.
    failures: u32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<&Webhook> for WebhookObject {
    fn from(webhook: &Webhook) -> Self {
        Self {
            id: webhook.id,
            environment_id: webhook.environment_id,
            url: webhook.url.to_string(),
            event_types: webhook.event_types.iter().map(|kind| kind.as_str().to_owned()).collect(),
            enabled: webhook.disabled_at.is_none(),
            disabled_at: webhook.disabled_at,
            next_sequence: webhook.next_sequence,
            failures: webhook.failures,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

/// The settings of a webhook.
#[derive(Debug, Clone, Default, Deserialize, ToSchema, Args)]
#[schema(as = WebhookInput)]
#[serde(rename_all = "camelCase")]
pub struct WebhookChange {
    /// The URL to which events are posted; required to create a webhook.
    #[schema(example = "https://app.example.com/webhooks/ostiary")]
    #[arg(long, value_name = "URL", required = true)]
    pub url: Option<String>,
    /// The event types that it receives; empty for all.
    #[schema(example = json!(["scim_user.created"]))]
    #[arg(long = "event-type", value_name = "TYPE")]
    pub event_types: Option<Vec<String>>,
    /// Whether it receives events. When it is enabled again, it receives events from then on; use replay for those in
    /// between.
    #[arg(skip)]
    pub enabled: Option<bool>,
}

impl Resource for Webhook {
    type Change = WebhookChange;

    const VIEW: Action = Action::WebhooksView;
    const MANAGE: Action = Action::WebhooksManage;

    fn apply(&mut self, state: &State, change: &WebhookChange) -> Result<()> {
        if let Some(url) = &change.url {
            let stored = Some(self.url.clone());
            self.url = input::endpoint_url(state.settings.allow_private_targets, "url", url, &stored)?;
        }
        if let Some(names) = &change.event_types {
            // Types that a newer version wrote may stay.
            let is_foreign = |name: &&str| {
                name.parse::<EventKind>().is_err() && self.event_types.contains(&EventType::new(name))
            };
            let (foreign, known): (Vec<_>, Vec<_>) = names.iter().map(String::as_str).partition(is_foreign);
            let known = events::parse_kinds("eventTypes", known.into_iter())?;
            let known = known.into_iter().map(EventType::from);
            self.event_types = known.chain(foreign.into_iter().map(EventType::new)).collect();
        }
        match change.enabled {
            Some(true) => self.disabled_at = None,
            Some(false) => self.disabled_at = self.disabled_at.or(Some(state.now())),
            None => {}
        }
        Ok(())
    }
}

/// Creates a webhook that receives events from now on. Its secret is returned only here.
pub async fn create(
    state: &State,
    principal: &Principal,
    change: &WebhookChange,
) -> Result<(Webhook, WebhookSecret)> {
    let environment_id = principal.authorize(Action::WebhooksManage, On::Environment)?;
    let now = state.now();
    let id: WebhookId = Id::new(now, &*state.random);
    let secret = WebhookSecret::new(&*state.random);
    let url = change.url.as_deref().ok_or_else(|| Error::invalid("url", "is required"))?;
    let mut webhook = Webhook {
        id,
        environment_id,
        version: 1,
        url: input::endpoint_url(state.settings.allow_private_targets, "url", url, &None)?,
        sealed_secret: secret.seal(state, id),
        previous_secret: None,
        event_types: Vec::new(),
        disabled_at: None,
        next_sequence: 0,
        failures: 0,
        created_at: now,
        updated_at: now,
    };
    webhook.apply(state, change)?;
    let mut tx = state.db.write().await?;
    resource::require_room::<Webhook>(&mut tx, environment_id, MAX_WEBHOOKS).await?;
    webhook.next_sequence = webhooks::next_sequence(&mut tx, environment_id).await?;
    resource::insert(&mut tx, state, principal, &webhook).await?;
    tx.commit().await?;
    Ok((webhook, secret))
}

/// Changes a webhook and ends its backoff. One that is enabled again starts with new events; earlier ones can be sent
/// with [`replay_from`](super::replay_from).
pub async fn update(
    state: &State,
    principal: &Principal,
    id: WebhookId,
    expected: Option<&EntityTags>,
    change: &WebhookChange,
) -> Result<Webhook> {
    let environment_id = principal.authorize(Action::WebhooksManage, On::Environment)?;
    let mut edit = Edit::<Webhook>::begin(state.db.write().await?, environment_id, id, expected).await?;
    edit.row.apply(state, change)?;
    edit.save(state, principal).await?;
    if edit.before.disabled_at.is_some() && edit.row.disabled_at.is_none() {
        edit.row.next_sequence = webhooks::next_sequence(&mut edit.tx, environment_id).await?;
        webhooks::set_next_sequence(&mut edit.tx, &edit.row).await?;
    }
    webhooks::reset_backoff(&mut edit.tx, id).await?;
    edit.row.failures = 0;
    edit.commit().await
}

/// Gives a webhook a new secret, which is returned only here. The previous one also signs for `overlap`, so that
/// the receiver can switch without losing a message.
pub async fn rotate_secret(
    state: &State,
    principal: &Principal,
    id: WebhookId,
    expected: Option<&EntityTags>,
    overlap: Duration,
) -> Result<(Webhook, WebhookSecret)> {
    let environment_id = principal.authorize(Action::WebhooksManage, On::Environment)?;
    if overlap > MAX_OVERLAP {
        let most = MAX_OVERLAP.as_secs();
        return Err(Error::invalid("overlapSeconds", format!("must be a number from 0 to {most}")));
    }
    let secret = WebhookSecret::new(&*state.random);
    let mut edit = Edit::<Webhook>::begin(state.db.write().await?, environment_id, id, expected).await?;
    let before = std::mem::replace(&mut edit.row.sealed_secret, secret.seal(state, id));
    edit.row.previous_secret = (!overlap.is_zero()).then(|| (before, state.now() + overlap));
    edit.write(state).await?;
    let facts = audit_fields! { "overlapSeconds": overlap.as_secs() };
    let entry = Entry::of(&edit.row, "secret_rotated").with_values(facts);
    audit::record(&mut edit.tx, state, Some(environment_id), principal, entry).await?;
    Ok((edit.commit().await?, secret))
}
