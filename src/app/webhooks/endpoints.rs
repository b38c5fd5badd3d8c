//! The endpoints of webhooks: created, found, listed, changed and removed, and their secrets rotated.

use std::time::Duration;

use base::id::{EnvironmentId, Id, WebhookId};
use model::{audit::audit_fields, event::EventKind, http_url::HttpUrl, webhook::Webhook};

use super::signature::WebhookSecret;
use crate::{
    app::{
        Error, Result, State,
        actor::Actor,
        audit::{self, Entry},
        events, input,
        pagination::{List, Page, PageQuery, PageRequest},
    },
    store,
};

/// The default overlap of a rotation: how long the previous secret also signs.
pub const DEFAULT_OVERLAP: Duration = Duration::from_secs(24 * 3600);

/// The maximum overlap.
const MAX_OVERLAP: Duration = Duration::from_secs(30 * 24 * 3600);

/// The maximum number of webhooks of an environment.
const MAX_WEBHOOKS: i64 = 100;

/// A change of a webhook, unvalidated. `None` leaves a field unchanged.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    /// The URL of the endpoint.
    pub url: Option<String>,
    /// The event types; empty for all.
    pub event_types: Option<Vec<String>>,
    /// Whether it receives events. When it is enabled again, it starts with new events; earlier ones can be sent
    /// with [`replay_from`](super::replay_from).
    pub enabled: Option<bool>,
}

impl WebhookChange {
    fn event_types(&self) -> Result<Option<Vec<EventKind>>> {
        let Some(names) = &self.event_types else { return Ok(None) };
        events::parse_kinds("eventTypes", names.iter().map(String::as_str)).map(Some)
    }

    fn url(&self, state: &State, stored: &Option<HttpUrl>) -> Result<Option<HttpUrl>> {
        let Some(text) = &self.url else { return Ok(None) };
        input::endpoint_url(state.settings.allow_private_targets, "url", text, stored).map(Some)
    }
}

/// Creates a webhook that receives events from now on. Its secret is returned only here.
pub async fn create(
    state: &State,
    actor: &Actor,
    change: &WebhookChange,
) -> Result<(Webhook, WebhookSecret)> {
    let environment_id = actor.authorize_manage()?;
    let now = state.now();
    let id: WebhookId = Id::new(now, &*state.random);
    let secret = WebhookSecret::new(&*state.random);
    let url = change.url(state, &None)?.ok_or_else(|| Error::invalid("url", "is required"))?;
    let event_types = change.event_types()?.unwrap_or_default();
    let mut tx = state.db.write().await?;
    if !store::environments::lock(&mut tx, environment_id).await? {
        return Err(Error::not_found("environment", environment_id));
    }
    if store::webhooks::list(&mut tx, environment_id, None, MAX_WEBHOOKS).await?.len()
        >= MAX_WEBHOOKS as usize
    {
        return Err(Error::FailedPrecondition(
            format!("an environment has at most {MAX_WEBHOOKS} webhooks; remove one first").into(),
        ));
    }
    let webhook = Webhook {
        id,
        environment_id,
        url,
        sealed_secret: secret.seal(state, id),
        previous_secret: None,
        event_types,
        disabled_at: (change.enabled == Some(false)).then_some(now),
        next_sequence: store::webhooks::next_sequence(&mut tx, environment_id).await?,
        failures: 0,
        created_at: now,
        updated_at: now,
    };
    store::webhooks::insert(&mut tx, &webhook).await?;
    audit::created(&mut tx, state, actor, &webhook).await?;
    tx.commit().await?;
    Ok((webhook, secret))
}

/// The webhook with this id.
pub async fn find(state: &State, actor: &Actor, id: WebhookId) -> Result<Webhook> {
    let environment_id = actor.authorize_view()?;
    load(&mut state.db.read().await?, environment_id, id).await
}

/// One page of the webhooks, in order of creation.
pub async fn list(state: &State, actor: &Actor, query: &PageQuery) -> Result<Page<Webhook>> {
    let environment_id = actor.authorize_view()?;
    let list = List::of(environment_id, "webhooks");
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found = store::webhooks::list(&mut conn, environment_id, wanted.from, wanted.limit()).await?;
    Ok(wanted.page_of(state, &list, found, |webhook| webhook.id))
}

/// Changes a webhook.
pub async fn update(state: &State, actor: &Actor, id: WebhookId, change: &WebhookChange) -> Result<Webhook> {
    let environment_id = actor.authorize_manage()?;
    let event_types = change.event_types()?;
    let now = state.now();
    let mut tx = state.db.write().await?;
    store::webhooks::lock(&mut tx, environment_id, id).await?;
    let before = load(&mut tx, environment_id, id).await?;
    let mut webhook = before.clone();
    webhook.url = change.url(state, &Some(before.url.clone()))?.unwrap_or(webhook.url);
    webhook.event_types = event_types.unwrap_or(webhook.event_types);
    match (change.enabled, webhook.disabled_at) {
        (Some(true), Some(_)) => {
            webhook.disabled_at = None;
            webhook.next_sequence = store::webhooks::next_sequence(&mut tx, environment_id).await?;
        }
        (Some(false), None) => webhook.disabled_at = Some(now),
        _ => {}
    }
    webhook.updated_at = now;
    webhook.failures = 0;
    store::webhooks::update(&mut tx, &webhook).await?;
    audit::updated(&mut tx, state, actor, &before, &webhook).await?;
    tx.commit().await?;
    Ok(webhook)
}

/// Gives a webhook a new secret, which is returned only here. The previous one also signs for `overlap`, so that
/// the receiver can switch without losing a message.
pub async fn rotate_secret(
    state: &State,
    actor: &Actor,
    id: WebhookId,
    overlap: Duration,
) -> Result<(Webhook, WebhookSecret)> {
    let environment_id = actor.authorize_manage()?;
    if overlap > MAX_OVERLAP {
        let most = MAX_OVERLAP.as_secs();
        return Err(Error::invalid("overlapSeconds", format!("must be a number from 0 to {most}")));
    }
    let now = state.now();
    let secret = WebhookSecret::new(&*state.random);
    let mut tx = state.db.write().await?;
    store::webhooks::lock(&mut tx, environment_id, id).await?;
    let mut webhook = load(&mut tx, environment_id, id).await?;
    let before = std::mem::replace(&mut webhook.sealed_secret, secret.seal(state, id));
    webhook.previous_secret = (!overlap.is_zero()).then(|| (before, now + overlap));
    webhook.updated_at = now;
    store::webhooks::update_secrets(&mut tx, &webhook).await?;
    let facts = audit_fields! { "overlapSeconds": overlap.as_secs() };
    let entry = Entry::of(&webhook, "secret_rotated").with_values(facts);
    audit::record(&mut tx, state, Some(environment_id), &actor.principal(), entry).await?;
    tx.commit().await?;
    Ok((webhook, secret))
}

/// Removes a webhook with its deliveries.
pub async fn remove(state: &State, actor: &Actor, id: WebhookId) -> Result<()> {
    let environment_id = actor.authorize_manage()?;
    let mut tx = state.db.write().await?;
    let webhook = load(&mut tx, environment_id, id).await?;
    if !store::webhooks::remove(&mut tx, environment_id, id).await? {
        return Err(not_found(id));
    }
    audit::deleted(&mut tx, state, actor, &webhook).await?;
    tx.commit().await?;
    Ok(())
}

/// Loads a webhook of an environment.
pub(super) async fn load(
    conn: &mut store::Conn,
    environment_id: EnvironmentId,
    id: WebhookId,
) -> Result<Webhook> {
    store::webhooks::find(conn, environment_id, id).await?.ok_or_else(|| not_found(id))
}

fn not_found(id: WebhookId) -> Error {
    Error::not_found("webhook", id)
}
