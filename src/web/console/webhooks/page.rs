//! What the pages of a webhook show.

use base::{id::WebhookDeliveryId, time::Timestamp};
use maud::Markup;
use model::webhook::{Webhook, WebhookDelivery};

use crate::{
    app::{pagination::Page, resource},
    web::{
        console::kit::context::EnvironmentContext,
        kit::{
            error::PageError,
            forms::{FormErrors, FormValues},
            list::ListUrl,
        },
    },
};

/// The page of a webhook.
pub(in crate::web::console) struct WebhookPage<'a> {
    pub webhook: &'a Webhook,
    pub deliveries: &'a Page<WebhookDelivery>,
    pub place: &'a ListUrl,
    /// Errors of the filter.
    pub filter_errors: &'a FormErrors,
    /// The actions, if the administrator may use them.
    pub actions: Option<WebhookActions<'a>>,
    pub now: Timestamp,
}

/// The paths and form state of the page's actions.
pub(in crate::web::console) struct WebhookActions<'a> {
    pub csrf: Markup,
    pub edit: String,
    pub delete: String,
    /// The path that enables a disabled webhook, or disables an enabled one.
    pub toggle: String,
    pub replay: String,
    pub delivery: &'a dyn Fn(WebhookDeliveryId) -> String,
    pub typed: &'a FormValues,
    pub errors: &'a FormErrors,
}

pub(super) async fn find(context: &EnvironmentContext) -> Result<Webhook, PageError> {
    Ok(resource::find(&context.state, &context.principal, context.id("webhook")?).await?)
}
