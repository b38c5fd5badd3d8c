//! `…/replay`: sends events or one delivery again.

use base::id::WebhookDeliveryId;

use super::{page::find, show::respond};
use crate::{
    app::{self, permissions},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            resource::href,
        },
        kit::{
            error::PageResult,
            forms::{FormErrors, FormValues},
        },
    },
};

/// `POST …/webhooks/{webhook}/replay`
pub async fn replay(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::WebhooksManage)?;
    let webhook = find(&context).await?;
    let after = form.text("after").trim().trim_start_matches('#').parse::<u64>();
    let after = after.map_err(|_| app::Error::invalid("after", "must be a whole number, such as 0 or 1204"));
    let outcome = match after {
        Ok(after) => app::webhooks::replay_from(&context.state, &context.principal, webhook.id, None, after)
            .await
            .map(drop),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => Ok(see_other(&href(&context, &webhook), Flash(ResourceKind::Events, Action::Queued))),
        Err(error) => {
            respond(&context, &webhook, &FormValues::from(&*form), &FormErrors::from_error(error)?).await
        }
    }
}

/// `POST …/webhook-deliveries/{delivery}/replay`
pub async fn replay_delivery(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let id: WebhookDeliveryId = context.id("delivery")?;
    let delivery = app::webhooks::replay_delivery(&context.state, &context.principal, id).await?;
    let page = context.href(console::WEBHOOK, &[&delivery.webhook_id]);
    Ok(see_other(&page, Flash(ResourceKind::Delivery, Action::Queued)))
}
