//! `/console/{environment}/branding`: the vendor's name, colour and logo on pages for customers, with a
//! preview.

use actix_web::HttpResponse;
use maud::{Markup, html};
use model::branding::Branding;

use crate::{
    app::{self, environments::branding::BrandingChange},
    links::{self, console},
    web::{
        console::kit::{
            context::{EnvironmentContext, environment_name},
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            shell::Section,
        },
        kit::{
            components::{ButtonStyle, facts, link_button},
            error::PageResult,
            forms::{self, FormErrors, FormValues, FormView},
            posted::PostedForm,
        },
    },
};

/// `GET …/branding`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let branding =
        app::environments::branding::find(&context.state, &context.actor, context.environment.id).await?;
    Ok(page(&context, &branding, &typed(&branding), &FormErrors::none()))
}

fn typed(branding: &Branding) -> FormValues {
    FormValues::new()
        .with("applicationName", branding.application_name.as_deref().unwrap_or_default())
        .with("accentColor", branding.accent_color.map(|color| color.to_string()).unwrap_or_default())
        .with("returnUrl", branding.return_url.as_ref().map(ToString::to_string).unwrap_or_default())
        .with("supportContact", branding.support_contact.as_deref().unwrap_or_default())
}

/// `POST …/branding`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let id = context.environment.id;
    let saved =
        match app::environments::branding::update(&context.state, &context.actor, id, &change(&form)).await {
            Ok(branding) => match (form.file("logo"), form.flag("removeLogo")) {
                (Some(file), _) => {
                    app::environments::branding::set_logo(
                        &context.state,
                        &context.actor,
                        id,
                        Some(file.bytes.to_vec()),
                    )
                    .await
                }
                (None, true) => {
                    app::environments::branding::set_logo(&context.state, &context.actor, id, None).await
                }
                (None, false) => Ok(branding),
            },
            wrong => wrong,
        };
    match saved {
        Ok(_) => {
            Ok(see_other(&context.href(console::BRANDING, &[]), Flash(ResourceKind::Branding, Action::Saved)))
        }
        Err(error) => {
            let errors = FormErrors::from_error(error)?;
            let branding = app::environments::branding::find(&context.state, &context.actor, id).await?;
            Ok(page(&context, &branding, &FormValues::from(&*form), &errors))
        }
    }
}

fn change(form: &PostedForm) -> BrandingChange {
    let text = |name: &str| Some(form.text(name).trim().to_owned());
    BrandingChange {
        application_name: text("applicationName"),
        accent_color: text("accentColor"),
        return_url: text("returnUrl"),
        support_contact: text("supportContact"),
    }
}

fn page(
    context: &EnvironmentContext,
    branding: &Branding,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let content = view(
        branding,
        environment_name(&context.environment),
        &context.href(console::BRANDING, &[]),
        &context.href(console::PREVIEW_BRANDING, &[]),
        context.is_owner().then(|| context.csrf()),
        typed,
        errors,
    );
    context.shell(Section::Branding, "Branding").respond_with(errors.status(), content)
}

/// The settings: a form for owners (`csrf` is given), else read-only.
pub(in crate::web::console) fn view(
    branding: &Branding,
    environment: &str,
    action: &str,
    preview: &str,
    csrf: Option<Markup>,
    typed: &FormValues,
    errors: &FormErrors,
) -> Markup {
    html! {
        div.head-row {
            h1 { "Branding" }
            div.actions { (link_button(ButtonStyle::Plain, "Preview", preview)) }
        }
        p { "Your customers’ IT admins see this on the setup pages, so that they know whom they trust." }
        @match csrf {
            Some(csrf) => section.card { (form(branding, action, csrf, typed, errors)) },
            None => section.card {
                (facts(&[
                    ("Name", html! { (branding.application_name.as_deref().unwrap_or(environment)) }),
                    ("Colour", html! { @match branding.accent_color { Some(color) => code { (color) }, None => span.soft { "ours" } } }),
                    ("Logo", html! { @if branding.logo.is_some() { (logo(branding)) } @else { span.soft { "none" } } }),
                    ("Support", html! { @match &branding.support_contact { Some(text) => (text), None => span.soft { "none" } } }),
                ]))
                p.small.soft { "Owners of the environment can change it." }
            },
        }
    }
}

fn form(branding: &Branding, action: &str, csrf: Markup, typed: &FormValues, errors: &FormErrors) -> Markup {
    let view = FormView::new(typed, errors);
    let fields = html! {
        (view.text("applicationName", "Name of your application").optional().hint("Empty: the environment’s name."))
        (view.text("accentColor", "Colour").code().optional()
            .hint("As #rrggbb. Words keep a contrast that can be read, whatever you choose."))
        @if branding.logo.is_some() {
            div.field { p.label { "Present logo" } (logo(branding)) }
        }
        (view.file("logo", "Logo", "image/png,image/jpeg,image/gif,image/webp").optional()
            .hint("PNG, JPEG, GIF or WebP, at most 256 kB. No SVG: it can hold script."))
        @if branding.logo.is_some() { (view.checkbox("removeLogo", "Remove the present logo")) }
        (view.url("returnUrl", "Back to your application").code().optional()
            .hint("Where the link at the end of the setup leads."))
        (view.text("supportContact", "Support").optional()
            .hint("Whom a customer’s admin asks: an address or a sentence."))
    };
    view.render(&forms::Form::new(action, "Save", csrf).multipart(), fields)
}

pub(super) fn logo(branding: &Branding) -> Markup {
    html! {
        @if let Some(logo) = &branding.logo {
            img.logo src=(links::branding_logo(branding.environment_id, &logo.sha256)) alt="Present logo";
        }
    }
}
