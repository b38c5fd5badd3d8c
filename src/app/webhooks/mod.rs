//! Webhooks: their endpoints, the deliveries of events to them, and the signatures of messages.

mod deliveries;
pub mod dispatcher;
mod endpoints;
mod retries;
pub mod signature;

pub use deliveries::{find_delivery, list_deliveries, replay_delivery, replay_from};
pub use endpoints::{DEFAULT_OVERLAP, WebhookChange, WebhookObject, create, rotate_secret, update};
