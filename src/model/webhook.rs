//! Webhooks: where a vendor wants events sent, and what became of each.

use serde_json::{Map, Value};

use super::{
    audit::{AuditTarget, Audited, audit_fields},
    event::EventKind,
    http_url::HttpUrl,
    id::{EnvironmentId, WebhookDeliveryId, WebhookId},
    time::Timestamp,
};

/// One endpoint of the vendor's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose events it gets.
    pub environment_id: EnvironmentId,
    /// Where they are posted.
    pub url: HttpUrl,
    /// Its signing secret, sealed.
    pub sealed_secret: String,
    /// The one before it, sealed, and until when that one signs too.
    pub previous_secret: Option<(String, Timestamp)>,
    /// Which kinds it gets; empty for all, those of later versions too.
    pub event_types: Vec<EventKind>,
    /// Since when it gets nothing.
    pub disabled_at: Option<Timestamp>,
    /// The first event that it was not yet given a delivery for.
    pub next_sequence: u64,
    /// How many attempts failed in a row.
    pub failures: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Webhook {
    /// Whether it wants events of this kind.
    pub fn wants(&self, kind: EventKind) -> bool {
        self.event_types.is_empty() || self.event_types.contains(&kind)
    }
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// Waiting for its first or its next attempt.
    Pending,
    /// The endpoint answered 2xx.
    Delivered,
    /// Given up.
    Failed,
}

impl DeliveryState {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Reads the stored name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Failed].into_iter().find(|state| state.as_str() == text)
    }
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// Its id, which the endpoint gets as `webhook-id`: the same at every attempt.
    pub id: WebhookDeliveryId,
    /// The endpoint.
    pub webhook_id: WebhookId,
    /// The environment of both.
    pub environment_id: EnvironmentId,
    /// The event.
    pub sequence: u64,
    /// How far it has come.
    pub state: DeliveryState,
    /// How many attempts were made.
    pub attempts: u32,
    /// When the next attempt is due, while it is pending.
    pub next_attempt_at: Option<Timestamp>,
    /// The HTTP status of the last attempt that was answered.
    pub last_status: Option<u16>,
    /// What was wrong with the last attempt.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Audited for Webhook {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "webhook", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        let kinds: Vec<&str> = self.event_types.iter().copied().map(EventKind::as_str).collect();
        audit_fields! {
            "url": self.url.as_str(),
            "eventTypes": kinds,
            "enabled": self.disabled_at.is_none(),
        }
    }
}
