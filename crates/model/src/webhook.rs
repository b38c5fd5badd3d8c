//! Webhooks: a vendor's endpoints for events, and their deliveries.

use base::{
    id::{EnvironmentId, WebhookDeliveryId, WebhookId},
    time::Timestamp,
};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    event::EventType,
    http_url::HttpUrl,
};

/// One webhook endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The environment whose events it receives.
    pub environment_id: EnvironmentId,
    /// The version of its settings and secrets: 1, and one more with each change. What the deliveries of events write is
    /// no part of it.
    pub version: i64,
    /// The URL that events are posted to.
    pub url: HttpUrl,
    /// Its signing secret, sealed.
    pub sealed_secret: String,
    /// The previous secret, sealed, and until when it signs too (rotation).
    pub previous_secret: Option<(String, Timestamp)>,
    /// The types of event it receives; empty for all, including those added in later versions.
    pub event_types: Vec<EventType>,
    /// When it was disabled.
    pub disabled_at: Option<Timestamp>,
    /// The sequence number of the first event without a delivery for it.
    pub next_sequence: u64,
    /// The number of consecutive failed attempts.
    pub failures: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its settings or secrets were last changed.
    pub updated_at: Timestamp,
}

impl Webhook {
    /// Whether it receives events of this type.
    pub fn subscribes_to(&self, kind: &EventType) -> bool {
        self.event_types.is_empty() || self.event_types.contains(kind)
    }
}

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryState {
    /// Waiting for its first or its next attempt.
    Pending,
    /// The endpoint responded with 2xx.
    Delivered,
    /// All attempts failed.
    Failed,
}

impl DeliveryState {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The delivery of one event to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// Its id, sent as `webhook-id`; the same at every attempt.
    pub id: WebhookDeliveryId,
    /// The endpoint.
    pub webhook_id: WebhookId,
    /// The environment of both.
    pub environment_id: EnvironmentId,
    /// The sequence number of the event.
    pub sequence: u64,
    /// Its state.
    pub state: DeliveryState,
    /// The number of attempts made.
    pub attempts: u32,
    /// When the next attempt is due, while it is pending.
    pub next_attempt_at: Option<Timestamp>,
    /// The HTTP status of the last response.
    pub last_status: Option<u16>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Audited for Webhook {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "webhook", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        let kinds: Vec<&str> = self.event_types.iter().map(EventType::as_str).collect();
        audit_fields! {
            "url": self.url.as_str(),
            "eventTypes": kinds,
            "enabled": self.disabled_at.is_none(),
        }
    }
}
