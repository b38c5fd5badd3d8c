//! Webhooks: their endpoints, the deliveries of events to them, and the signatures of messages.

pub mod dispatcher;
mod endpoints;
pub mod signature;

pub use endpoints::{
    DEFAULT_OVERLAP, WebhookChange, create, find, find_delivery, list, list_deliveries, remove,
    replay_delivery, replay_from, rotate_secret, update,
};
