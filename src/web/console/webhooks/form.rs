//! A webhook in the console's forms: `…/webhooks/new`, `…/{webhook}/edit` and `…/{webhook}/delete`.

use actix_web::HttpResponse;
use base::id::WebhookId;
use maud::{Markup, html};
use model::{
    entity_tag::EntityTags,
    event::{EventKind, EventType},
    webhook::Webhook,
};
use strum::VariantArray;

use super::secret::secret_page;
use crate::{
    app::{
        Result, permissions,
        webhooks::{self, WebhookChange},
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::ResourceKind,
            form::ConsoleForm,
            resource::{ConsoleResource, new_form},
            shell::Section,
        },
        kit::{
            error::PageResult,
            forms::{Choice, FormErrors, FormValues, FormView},
        },
    },
};

/// The types of event as checkboxes: those of this version, and others that the webhook has.
fn types(webhook: Option<&Webhook>) -> Vec<Choice<'_>> {
    let known: Vec<&str> = EventKind::VARIANTS.iter().map(<&str>::from).collect();
    let own = webhook.map_or(&[][..], |webhook| &webhook.event_types).iter().map(EventType::as_str);
    let names = known.iter().copied().chain(own.filter(|name| !known.contains(name)));
    names.map(|name| Choice::new(name, name, "")).collect()
}

impl ConsoleResource for Webhook {
    const SECTION: Section = Section::Webhooks;
    const FLASH: ResourceKind = ResourceKind::Webhook;
    const SEGMENT: &'static str = "webhook";
    const LIST_PATH: &'static str = console::WEBHOOKS;
    const PATH: &'static str = console::WEBHOOK;
    const EDIT_PATH: &'static str = console::EDIT_WEBHOOK;
    const DELETE_PATH: &'static str = console::DELETE_WEBHOOK;

    /// The URL's host.
    fn name(&self) -> String {
        let host = self.url.to_url().and_then(|url| url.host_str().map(str::to_owned));
        host.unwrap_or_else(|| self.url.to_string())
    }

    fn values(&self) -> FormValues {
        self.event_types.iter().fold(FormValues::new().with("url", &self.url), |values, kind| {
            values.with("eventTypes", kind.as_str())
        })
    }

    fn fields(view: &FormView<'_>, webhook: Option<&Self>) -> Markup {
        html! {
            (view.url("url", "URL").code()
                .hint("An endpoint of your backend. It answers 2xx within a few seconds; anything else is tried again, twelve times over two and a half days."))
            (view.checkboxes("eventTypes", "Events", &types(webhook))
                .hint("None ticked: all of them, those of later versions too."))
        }
    }

    async fn effects(&self, _: &EnvironmentContext) -> Result<Vec<String>> {
        Ok(vec![
            format!("{} gets no events any more, and what waits to be sent is not.", self.url),
            "The log of its deliveries goes with it. The events themselves stay.".to_owned(),
        ])
    }

    async fn change(
        context: &EnvironmentContext,
        id: WebhookId,
        expected: &EntityTags,
        change: &WebhookChange,
    ) -> Result<Self> {
        webhooks::update(&context.state, &context.principal, id, Some(expected), change).await
    }
}

/// `GET …/webhooks/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::WebhooksManage)?;
    Ok(new_page(&context, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/webhooks/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::WebhooksManage)?;
    let created = match form.change() {
        Ok(change) => webhooks::create(&context.state, &context.principal, &change).await,
        Err(error) => Err(error),
    };
    match created {
        Ok((webhook, secret)) => {
            Ok(secret_page(&context, &webhook, &secret.reveal(), "Webhook created", None))
        }
        Err(error) => Ok(new_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?)),
    }
}

fn new_page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> HttpResponse {
    let about =
        html! { p { "It gets what happens from now on. Its secret is shown once, after it was made." } };
    new_form::<Webhook>(context, &context.href(console::NEW_WEBHOOK, &[]), typed, errors, Some(about))
}
