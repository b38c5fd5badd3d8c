//! The form with the settings of a webhook.

use actix_web::HttpResponse;
use maud::{Markup, html};
use model::{event::EventKind, webhook::Webhook};

use super::{
    page::{find, href},
    secret::secret_page,
};
use crate::{
    app::{self, webhooks::WebhookChange},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            shell::Section,
        },
        kit::{
            error::PageResult,
            forms::{self, Choice, FormErrors, FormValues, FormView},
            posted::PostedForm,
        },
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

/// `GET …/webhooks/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    Ok(new_page(&context, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/webhooks/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    match app::webhooks::create(&context.state, &context.actor, &change(&form)).await {
        Ok((webhook, secret)) => {
            Ok(secret_page(&context, &webhook, &secret.reveal(), "Webhook created", None))
        }
        Err(error) => Ok(new_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?)),
    }
}

fn new_page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> HttpResponse {
    let (action, back) = (context.href(console::NEW_WEBHOOK, &[]), context.href(console::WEBHOOKS, &[]));
    let content = new_view(typed, errors, &action, &back, context.csrf());
    context.shell(Section::Webhooks, "New webhook").respond_with(errors.status(), content)
}

/// The form of a new webhook.
pub(in crate::web::console) fn new_view(
    typed: &FormValues,
    errors: &FormErrors,
    action: &str,
    back: &str,
    csrf: Markup,
) -> Markup {
    let view = FormView::new(typed, errors);
    let form = forms::Form::new(action, "Create webhook", csrf).cancel(back);
    html! {
        h1 { "New webhook" }
        p { "It gets what happens from now on. Its secret is shown once, after it was made." }
        section.card { (view.render(&form, fields(&view))) }
    }
}

/// `GET …/webhooks/{webhook}/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let webhook = find(&context).await?;
    Ok(edit_page(&context, &webhook, &typed(&webhook), &FormErrors::none()))
}

/// `POST …/webhooks/{webhook}/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let webhook = find(&context).await?;
    match app::webhooks::update(&context.state, &context.actor, webhook.id, &change(&form)).await {
        Ok(_) => Ok(see_other(&href(&context, webhook.id), Flash(ResourceKind::Webhook, Action::Saved))),
        Err(error) => {
            Ok(edit_page(&context, &webhook, &FormValues::from(&*form), &FormErrors::from_error(error)?))
        }
    }
}

fn edit_page(
    context: &EnvironmentContext,
    webhook: &Webhook,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let (action, back) = (context.href(console::EDIT_WEBHOOK, &[&webhook.id]), href(context, webhook.id));
    let content = edit_view(typed, errors, &action, &back, context.csrf());
    context
        .shell(Section::Webhooks, "Edit webhook")
        .crumb(webhook.url.as_str(), back.as_str())
        .respond_with(errors.status(), content)
}

/// The form of a webhook.
pub(in crate::web::console) fn edit_view(
    typed: &FormValues,
    errors: &FormErrors,
    action: &str,
    back: &str,
    csrf: Markup,
) -> Markup {
    let view = FormView::new(typed, errors);
    let form = forms::Form::new(action, "Save", csrf).cancel(back);
    html! { h1 { "Edit webhook" } section.card { (view.render(&form, fields(&view))) } }
}
