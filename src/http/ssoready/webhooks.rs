//! `/v1/webhooks` and `/v1/webhook-deliveries`.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use base::{
    id::{WebhookDeliveryId, WebhookId},
    time::Timestamp,
};
use model::webhook::Webhook;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::{ApiCall, ManagementKey},
    fields::{Fields, id, required_id},
    reply::{ApiResult, api, done, page_query, query, versioned},
    schema::{Done, IfMatch, PageParams},
};
use crate::{
    app::{
        self, State, resource,
        webhooks::{DEFAULT_OVERLAP, WebhookChange, WebhookObject, signature::WebhookSecret},
    },
    links::path,
};

/// The delivery of one event to one webhook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookDelivery {
    /// The `webhook-id` header: the same for every attempt.
    id: WebhookDeliveryId,
    webhook_id: WebhookId,
    /// The sequence number of the event.
    sequence: u64,
    /// `pending`, `delivered` or `failed`.
    #[schema(example = "delivered")]
    state: &'static str,
    /// The number of attempts.
    attempts: u32,
    /// When the next attempt is due, while it is pending.
    next_attempt_at: Option<Timestamp>,
    /// The HTTP status of the last attempt with a response.
    last_status: Option<u16>,
    /// Why the last attempt failed.
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
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            next_attempt_at: delivery.next_attempt_at,
            last_status: delivery.last_status,
            last_error: delivery.last_error.clone(),
            created_at: delivery.created_at,
            updated_at: delivery.updated_at,
        }
    }
}

/// One webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookReply {
    webhook: WebhookObject,
}

/// A webhook with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookSecretReply {
    webhook: WebhookObject,
    /// The signing secret (Standard Webhooks); it is returned only once.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

/// One page of the webhooks.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhooksReply {
    webhooks: Vec<WebhookObject>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

/// One delivery.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookDeliveryReply {
    webhook_delivery: WebhookDelivery,
}

/// One page of a webhook's deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookDeliveriesReply {
    webhook_deliveries: Vec<WebhookDelivery>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

fn reply(webhook: &Webhook) -> HttpResponse {
    versioned(webhook.version, WebhookReply { webhook: webhook.into() })
}

fn reply_with_secret((webhook, secret): &(Webhook, WebhookSecret)) -> HttpResponse {
    versioned(webhook.version, WebhookSecretReply { webhook: webhook.into(), secret: secret.reveal() })
}

fn delivery_reply(delivery: &model::webhook::WebhookDelivery) -> HttpResponse {
    HttpResponse::Ok().json(WebhookDeliveryReply { webhook_delivery: delivery.into() })
}

/// How to replace the secret.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RotateWebhookSecret {
    /// For how long the previous secret signs too: one day by default, 30 days at most.
    #[schema(minimum = 0, maximum = 2592000, default = 86400)]
    pub overlap_seconds: Option<u64>,
}

/// Which events to send again.
#[derive(Debug, ToSchema)]
pub struct ReplayEvents {
    /// The sequence number before the first event to send.
    #[schema(example = 0)]
    pub after: u64,
}

/// List webhooks
#[utoipa::path(
    get,
    path = path::WEBHOOKS,
    operation_id = "listWebhooks",
    tag = "Webhooks",
    params(PageParams),
    responses((status = 200, body = WebhooksReply))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<ManagementKey>, request: HttpRequest) -> ApiResult {
    let query = page_query(&query(&request));
    let page = resource::list::<Webhook>(&state, &call.principal, &query).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(WebhooksReply {
        webhooks: page.items.iter().map(WebhookObject::from).collect(),
        next_page_token: page.next_token,
    }))
}

/// Create a webhook
///
/// It receives events from now on. The response contains its secret, which is returned only once.
#[utoipa::path(
    post,
    path = path::WEBHOOKS,
    operation_id = "createWebhook",
    tag = "Webhooks",
    request_body = WebhookChange,
    responses((status = 200, body = WebhookSecretReply))
)]
pub async fn create(state: web::Data<State>, mut call: ApiCall<ManagementKey, Fields>) -> ApiResult {
    let change = call.body.change().map_err(api)?;
    Ok(reply_with_secret(&app::webhooks::create(&state, &call.principal, &change).await.map_err(api)?))
}

/// Get a webhook
#[utoipa::path(
    get,
    path = path::WEBHOOK,
    operation_id = "getWebhook",
    tag = "Webhooks",
    params(("id" = WebhookId, Path)),
    responses((status = 200, body = WebhookReply))
)]
pub async fn find(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    Ok(reply(&resource::find(&state, &call.principal, id).await.map_err(api)?))
}

/// Change a webhook
///
/// Sets the fields that are sent and leaves the others.
#[utoipa::path(
    patch,
    path = path::WEBHOOK,
    operation_id = "updateWebhook",
    tag = "Webhooks",
    params(("id" = WebhookId, Path), IfMatch),
    request_body = WebhookChange,
    responses((status = 200, body = WebhookReply))
)]
pub async fn update(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let change = call.body.change().map_err(api)?;
    let changed = app::webhooks::update(&state, &call.principal, id, call.if_match.as_ref(), &change).await;
    Ok(reply(&changed.map_err(api)?))
}

/// Delete a webhook
///
/// Deletes the log of its deliveries too.
#[utoipa::path(
    delete,
    path = path::WEBHOOK,
    operation_id = "deleteWebhook",
    tag = "Webhooks",
    params(("id" = WebhookId, Path), IfMatch),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let removed = resource::remove::<Webhook>(&state, &call.principal, id, call.if_match.as_ref());
    removed.await.map_err(api)?;
    Ok(done())
}

/// Rotate a webhook's secret
///
/// Creates a new secret, which is returned only once. Messages are signed with it and, for `overlapSeconds`, with the
/// previous one too: `webhook-signature` then has two signatures, either of which can be verified.
#[utoipa::path(
    post,
    path = path::WEBHOOK_ROTATE,
    operation_id = "rotateWebhookSecret",
    tag = "Webhooks",
    params(("id" = WebhookId, Path), IfMatch),
    request_body = Option<RotateWebhookSecret>,
    responses((status = 200, body = WebhookSecretReply))
)]
pub async fn rotate_secret(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let overlap =
        call.body.number("overlapSeconds").map_err(api)?.map_or(DEFAULT_OVERLAP, Duration::from_secs);
    let expected = call.if_match.as_ref();
    let rotated = app::webhooks::rotate_secret(&state, &call.principal, id, expected, overlap).await;
    Ok(reply_with_secret(&rotated.map_err(api)?))
}

/// Send events again
///
/// Sends every event after a sequence number again, as new deliveries.
#[utoipa::path(
    post,
    path = path::WEBHOOK_REPLAY,
    operation_id = "replayWebhook",
    tag = "Webhooks",
    params(("id" = WebhookId, Path), IfMatch),
    request_body = ReplayEvents,
    responses((status = 200, body = WebhookReply))
)]
pub async fn replay(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let after = call.body.number("after").map_err(api)?;
    let after = after.ok_or_else(|| api(app::Error::invalid("after", "is required")))?;
    let expected = call.if_match.as_ref();
    let replayed = app::webhooks::replay_from(&state, &call.principal, id, expected, after).await;
    Ok(reply(&replayed.map_err(api)?))
}

/// List a webhook's deliveries
///
/// Newest first.
#[utoipa::path(
    get,
    path = path::WEBHOOK_DELIVERIES,
    operation_id = "listWebhookDeliveries",
    tag = "Webhooks",
    params(
        ("webhookId" = WebhookId, Query),
        ("state" = Option<String>, Query, description = "Only `pending`, `delivered` or `failed` ones."),
        PageParams
    ),
    responses((status = 200, body = WebhookDeliveriesReply))
)]
pub async fn list_deliveries(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    request: HttpRequest,
) -> ApiResult {
    let query = query(&request);
    let webhook = required_id("webhook_id", query.text("webhookId")).map_err(api)?;
    let wanted = query.text("state").unwrap_or_default();
    let page = app::webhooks::list_deliveries(&state, &call.principal, webhook, &wanted, &page_query(&query))
        .await
        .map_err(api)?;
    Ok(HttpResponse::Ok().json(WebhookDeliveriesReply {
        webhook_deliveries: page.items.iter().map(WebhookDelivery::from).collect(),
        next_page_token: page.next_token,
    }))
}

/// Get a delivery
#[utoipa::path(
    get,
    path = path::WEBHOOK_DELIVERY,
    operation_id = "getWebhookDelivery",
    tag = "Webhooks",
    params(("id" = WebhookDeliveryId, Path)),
    responses((status = 200, body = WebhookDeliveryReply))
)]
pub async fn find_delivery(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    Ok(delivery_reply(&app::webhooks::find_delivery(&state, &call.principal, id).await.map_err(api)?))
}

/// Send a delivery again
///
/// With the same `webhook-id`.
#[utoipa::path(
    post,
    path = path::WEBHOOK_DELIVERY_REPLAY,
    operation_id = "replayWebhookDelivery",
    tag = "Webhooks",
    params(("id" = WebhookDeliveryId, Path)),
    responses((status = 200, body = WebhookDeliveryReply))
)]
pub async fn replay_delivery(
    state: web::Data<State>,
    call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    Ok(delivery_reply(&app::webhooks::replay_delivery(&state, &call.principal, id).await.map_err(api)?))
}
