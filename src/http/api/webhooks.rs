//! `/v1/webhooks` and `/v1/webhook-deliveries`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::json;

use super::{
    Answer, api, done,
    fields::{Fields, id, required_id},
    page_query, query,
};
use crate::{
    app::{self, State, webhooks::WebhookChange},
    http::extract::{Call, ManagementKey},
    model::{
        self,
        event::EventKind,
        id::{EnvironmentId, WebhookDeliveryId, WebhookId},
        time::Timestamp,
        webhook::DeliveryState,
    },
};

/// A webhook, without its secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    id: WebhookId,
    environment_id: EnvironmentId,
    url: String,
    /// Empty: all.
    event_types: Vec<&'static str>,
    enabled: bool,
    disabled_at: Option<Timestamp>,
    /// The first event that it has no delivery for yet.
    next_sequence: u64,
    /// How many attempts failed in a row.
    failures: u32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<&model::webhook::Webhook> for Webhook {
    fn from(webhook: &model::webhook::Webhook) -> Self {
        Self {
            id: webhook.id,
            environment_id: webhook.environment_id,
            url: webhook.url.to_string(),
            event_types: webhook.event_types.iter().copied().map(EventKind::as_str).collect(),
            enabled: webhook.disabled_at.is_none(),
            disabled_at: webhook.disabled_at,
            next_sequence: webhook.next_sequence,
            failures: webhook.failures,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

/// What became of one event at one webhook.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookDelivery {
    id: WebhookDeliveryId,
    webhook_id: WebhookId,
    sequence: u64,
    state: &'static str,
    attempts: u32,
    next_attempt_at: Option<Timestamp>,
    last_status: Option<u16>,
    last_error: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<&model::webhook::WebhookDelivery> for WebhookDelivery {
    fn from(delivery: &model::webhook::WebhookDelivery) -> Self {
        Self {
            id: delivery.id,
            webhook_id: delivery.webhook_id,
            sequence: delivery.sequence,
            state: DeliveryState::as_str(delivery.state),
            attempts: delivery.attempts,
            next_attempt_at: delivery.next_attempt_at,
            last_status: delivery.last_status,
            last_error: delivery.last_error.clone(),
            created_at: delivery.created_at,
            updated_at: delivery.updated_at,
        }
    }
}

fn one(webhook: &model::webhook::Webhook) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "webhook": Webhook::from(webhook) }))
}

fn one_delivery(delivery: &model::webhook::WebhookDelivery) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "webhookDelivery": WebhookDelivery::from(delivery) }))
}

fn change(body: &mut Fields) -> app::Result<WebhookChange> {
    Ok(WebhookChange {
        url: body.text("url")?,
        event_types: body.texts("eventTypes")?,
        enabled: body.flag("enabled")?,
    })
}

/// `GET /v1/webhooks`
pub async fn list(state: web::Data<State>, call: Call<ManagementKey>, request: HttpRequest) -> Answer {
    let page = app::webhooks::list(&state, &call.actor, &page_query(&query(&request))).await.map_err(api)?;
    let webhooks: Vec<_> = page.items.iter().map(Webhook::from).collect();
    Ok(HttpResponse::Ok().json(json!({ "webhooks": webhooks, "nextPageToken": page.next_token })))
}

/// `POST /v1/webhooks`: the answer shows the secret, this once.
pub async fn create(state: web::Data<State>, mut call: Call<ManagementKey, Fields>) -> Answer {
    let change = change(&mut call.body).map_err(api)?;
    let (webhook, secret) = app::webhooks::create(&state, &call.actor, &change).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(json!({ "webhook": Webhook::from(&webhook), "secret": secret.reveal() })))
}

/// `GET /v1/webhooks/{id}`
pub async fn find(state: web::Data<State>, call: Call<ManagementKey>, path: web::Path<String>) -> Answer {
    let id = id("id", &path).map_err(api)?;
    Ok(one(&app::webhooks::find(&state, &call.actor, id).await.map_err(api)?))
}

/// `PATCH /v1/webhooks/{id}`
pub async fn update(
    state: web::Data<State>,
    mut call: Call<ManagementKey, Fields>,
    path: web::Path<String>,
) -> Answer {
    let id = id("id", &path).map_err(api)?;
    let change = change(&mut call.body).map_err(api)?;
    Ok(one(&app::webhooks::update(&state, &call.actor, id, &change).await.map_err(api)?))
}

/// `DELETE /v1/webhooks/{id}`
pub async fn remove(state: web::Data<State>, call: Call<ManagementKey>, path: web::Path<String>) -> Answer {
    let id = id("id", &path).map_err(api)?;
    app::webhooks::remove(&state, &call.actor, id).await.map_err(api)?;
    Ok(done())
}

/// `POST /v1/webhooks/{id}/replay` with `after`: every event after that sequence number, again.
pub async fn replay(
    state: web::Data<State>,
    mut call: Call<ManagementKey, Fields>,
    path: web::Path<String>,
) -> Answer {
    let id = id("id", &path).map_err(api)?;
    let after = call.body.number("after").map_err(api)?;
    let after = after.ok_or_else(|| api(app::Error::invalid("after", "is required")))?;
    Ok(one(&app::webhooks::replay_from(&state, &call.actor, id, after).await.map_err(api)?))
}

/// `GET /v1/webhook-deliveries?webhookId=…`, the newest first; `state` chooses.
pub async fn list_deliveries(
    state: web::Data<State>,
    call: Call<ManagementKey>,
    request: HttpRequest,
) -> Answer {
    let query = query(&request);
    let webhook = required_id("webhook_id", query.text("webhookId").as_deref()).map_err(api)?;
    let wanted = query.text("state").unwrap_or_default();
    let page = app::webhooks::list_deliveries(&state, &call.actor, webhook, &wanted, &page_query(&query))
        .await
        .map_err(api)?;
    let deliveries: Vec<_> = page.items.iter().map(WebhookDelivery::from).collect();
    Ok(HttpResponse::Ok().json(json!({ "webhookDeliveries": deliveries, "nextPageToken": page.next_token })))
}

/// `GET /v1/webhook-deliveries/{id}`
pub async fn find_delivery(
    state: web::Data<State>,
    call: Call<ManagementKey>,
    path: web::Path<String>,
) -> Answer {
    let id = id("id", &path).map_err(api)?;
    Ok(one_delivery(&app::webhooks::find_delivery(&state, &call.actor, id).await.map_err(api)?))
}

/// `POST /v1/webhook-deliveries/{id}/replay`
pub async fn replay_delivery(
    state: web::Data<State>,
    call: Call<ManagementKey, Fields>,
    path: web::Path<String>,
) -> Answer {
    let id = id("id", &path).map_err(api)?;
    Ok(one_delivery(&app::webhooks::replay_delivery(&state, &call.actor, id).await.map_err(api)?))
}
