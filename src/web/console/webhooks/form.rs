//! The form with the settings of a webhook.

use maud::{Markup, html};

use crate::{
    app::webhooks::WebhookChange,
    model::{event::EventKind, webhook::Webhook},
    web::kit::{
        forms::{Choice, FormValues, FormView},
        posted::PostedForm,
    },
};

/// The event kinds as checkboxes.
const KINDS: [Choice<'static>; EventKind::ALL.len()] = {
    let mut choices = [Choice::new("", "", ""); EventKind::ALL.len()];
    let mut at = 0;
    while at < choices.len() {
        let name = EventKind::ALL[at].as_str();
        choices[at] = Choice::new(name, name, "");
        at += 1;
    }
    choices
};

/// The fields.
pub(in crate::web::console) fn fields(view: &FormView<'_>) -> Markup {
    html! {
        (view.url("url", "URL").code()
            .hint("An endpoint of your backend. It answers 2xx within a few seconds; anything else is tried again, twelve times over two and a half days."))
        (view.checkboxes("eventTypes", "Events", &KINDS)
            .hint("None ticked: all of them, those of later versions too."))
    }
}

/// Parses the posted form.
pub(in crate::web::console) fn change(form: &PostedForm) -> WebhookChange {
    WebhookChange {
        url: Some(form.text("url").to_owned()),
        event_types: Some(form.texts("eventTypes").map(str::to_owned).collect()),
        enabled: None,
    }
}

/// The current settings as form values.
pub(in crate::web::console) fn typed(webhook: &Webhook) -> FormValues {
    webhook.event_types.iter().fold(FormValues::new().with("url", &webhook.url), |typed, kind| {
        typed.with("eventTypes", kind.as_str())
    })
}
