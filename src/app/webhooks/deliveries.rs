//! The deliveries of a webhook: listed, and sent again.

use base::id::{WebhookDeliveryId, WebhookId};
use model::{
    audit::audit_fields,
    entity_tag::EntityTags,
    webhook::{Webhook, WebhookDelivery},
};

use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        pagination::{List, Page, PageQuery, PageRequest},
        permissions::Action,
        principal::{On, Principal},
        resource::{self, Edit},
    },
    store,
};

/// Sends all events after a sequence number again, as new deliveries.
pub async fn replay_from(
    state: &State,
    principal: &Principal,
    id: WebhookId,
    expected: Option<&EntityTags>,
    after: u64,
) -> Result<Webhook> {
    let environment_id = principal.authorize(Action::WebhooksManage, On::Environment)?;
    let mut edit = Edit::<Webhook>::begin(state.db.write().await?, environment_id, id, expected).await?;
    if edit.row.disabled_at.is_some() {
        return Err(Error::FailedPrecondition("the webhook is disabled; enable it first".into()));
    }
    let last = store::events::last_sequence(&mut edit.tx, environment_id).await?;
    if after > last {
        return Err(Error::invalid("after", format!("the last event is {last}")));
    }
    let first = store::events::first_sequence(&mut edit.tx, environment_id).await?.unwrap_or(last + 1);
    edit.row.next_sequence = (after + 1).max(first);
    edit.row.failures = 0;
    store::webhooks::set_next_sequence(&mut edit.tx, &edit.row).await?;
    store::webhooks::reset_backoff(&mut edit.tx, id).await?;
    let entry = Entry::of(&edit.row, "replayed").with_values(audit_fields! { "after": after });
    audit::record(&mut edit.tx, state, Some(environment_id), principal, entry).await?;
    edit.commit().await
}

/// One page of a webhook's deliveries, the newest first.
pub async fn list_deliveries(
    state: &State,
    principal: &Principal,
    webhook: WebhookId,
    delivery_state: &str,
    query: &PageQuery,
) -> Result<Page<WebhookDelivery>> {
    let environment_id = principal.authorize(Action::WebhooksView, On::Environment)?;
    let wanted_state = match delivery_state {
        "" => None,
        name => {
            Some(name.parse().map_err(|_| Error::invalid("state", "must be pending, delivered or failed"))?)
        }
    };
    let list = List::of(environment_id, format_args!("webhook_deliveries/{webhook}/{delivery_state}"));
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    resource::load::<Webhook>(&mut conn, environment_id, webhook).await?;
    let found = store::webhook_deliveries::list(
        &mut conn,
        environment_id,
        webhook,
        wanted_state,
        wanted.from,
        wanted.limit(),
    )
    .await?;
    Ok(wanted.page_of(state, &list, found, |delivery| delivery.id))
}

/// One delivery.
pub async fn find_delivery(
    state: &State,
    principal: &Principal,
    id: WebhookDeliveryId,
) -> Result<WebhookDelivery> {
    let environment_id = principal.authorize(Action::WebhooksView, On::Environment)?;
    let mut conn = state.db.read().await?;
    let found = store::webhook_deliveries::find(&mut conn, environment_id, id).await?;
    found.ok_or_else(|| delivery_not_found(id))
}

/// Sends one delivery again, under the same `webhook-id`.
pub async fn replay_delivery(
    state: &State,
    principal: &Principal,
    id: WebhookDeliveryId,
) -> Result<WebhookDelivery> {
    let environment_id = principal.authorize(Action::WebhooksManage, On::Environment)?;
    let mut tx = state.db.write().await?;
    if !store::webhook_deliveries::requeue(&mut tx, environment_id, id, state.now()).await? {
        return Err(delivery_not_found(id));
    }
    let delivery = store::webhook_deliveries::find(&mut tx, environment_id, id)
        .await?
        .ok_or_else(|| delivery_not_found(id))?;
    store::webhooks::reset_backoff(&mut tx, delivery.webhook_id).await?;
    let webhook: Webhook = resource::load(&mut tx, environment_id, delivery.webhook_id).await?;
    let facts = audit_fields! { "webhookDeliveryId": id.to_string() };
    let entry = Entry::of(&webhook, "delivery_replayed").with_values(facts);
    audit::record(&mut tx, state, Some(environment_id), principal, entry).await?;
    tx.commit().await?;
    Ok(delivery)
}

fn delivery_not_found(id: WebhookDeliveryId) -> Error {
    Error::not_found("webhook delivery", id)
}
