//! `/console/{environment}/branding`: the vendor's name, colour and logo on pages for customers, with a
//! preview.

use actix_web::HttpResponse;
use maud::{Markup, html};
use model::branding::Branding;

use crate::{
    app::{
        Error,
        environments::branding::{self, LogoChange},
        permissions,
    },
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
            forms::{Form, FormErrors, FormValues, FormView},
            seen::{self, Seen},
        },
    },
};

/// `GET …/branding`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let branding = branding::find(&context.state, &context.principal, context.environment.id).await?;
    let values = values(&branding);
    Ok(page(&context, &branding, &Seen::of(branding.version, &values), &values, &FormErrors::none()))
}

/// The settings as the values of the form.
pub(in crate::web::console) fn values(branding: &Branding) -> FormValues {
    let logo = branding.logo.as_ref();
    FormValues::new()
        .with("applicationName", branding.application_name.as_deref().unwrap_or_default())
        .with("accentColor", branding.accent_color.map(|color| color.to_string()).unwrap_or_default())
        .with("returnUrl", branding.return_url.as_ref().map(ToString::to_string).unwrap_or_default())
        .with("supportContact", branding.support_contact.as_deref().unwrap_or_default())
        // No value of a file input: it tells that somebody else changed the logo. Of two lines, so that it is not told.
        .with(
            "logo",
            logo.map(|logo| format!("{}\n{}", logo.kind.media_type(), logo.sha256)).unwrap_or_default(),
        )
}

/// `POST …/branding`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::BrandingManage)?;
    let id = context.environment.id;
    let (seen, typed) = (Seen::posted(&form), FormValues::from(&*form));
    let logo = match (form.file("logo"), form.flag("removeLogo")) {
        (Some(file), _) => LogoChange::Replace(file.bytes.to_vec()),
        (None, true) => LogoChange::Remove,
        (None, false) => LogoChange::Keep,
    };
    let changed = match form.change() {
        Ok(change) => {
            let expected = seen.expected();
            branding::update(&context.state, &context.principal, id, Some(&expected), &change, logo).await
        }
        Err(error) => Err(error),
    };
    let error = match changed {
        Ok(_) => {
            let back = context.href(console::BRANDING, &[]);
            return Ok(see_other(&back, Flash(ResourceKind::Branding, Action::Saved)));
        }
        Err(error) => error,
    };
    let branding = branding::find(&context.state, &context.principal, id).await?;
    if let Error::Outdated { .. } = error {
        let current = values(&branding);
        let (typed, errors) = seen::merge(&seen, &typed, &current);
        let errors = errors.describe_changed("logo", "now the one shown below");
        return Ok(page(&context, &branding, &Seen::of(branding.version, &current), &typed, &errors));
    }
    Ok(page(&context, &branding, &seen, &typed, &FormErrors::from_error(error)?))
}

fn page(
    context: &EnvironmentContext,
    branding: &Branding,
    seen: &Seen,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let action = context.href(console::BRANDING, &[]);
    let form = || Form::new(&action, "Save", context.csrf()).multipart().seen(seen.fields());
    let content = view(
        branding,
        environment_name(&context.environment),
        &context.href(console::PREVIEW_BRANDING, &[]),
        context.may(permissions::Action::BrandingManage).then(form).as_ref(),
        typed,
        errors,
    );
    context.shell(Section::Branding, "Branding").respond_with(errors.status(), content)
}

/// The settings: a form for owners, else read-only.
pub(in crate::web::console) fn view(
    branding: &Branding,
    environment: &str,
    preview: &str,
    form: Option<&Form<'_>>,
    typed: &FormValues,
    errors: &FormErrors,
) -> Markup {
    html! {
        div.head-row {
            h1 { "Branding" }
            div.actions { (link_button(ButtonStyle::Plain, "Preview", preview)) }
        }
        p { "Your customers’ IT admins see this on the setup pages, so that they know whom they trust." }
        @match form {
            Some(form) => section.card { (settings(branding, form, typed, errors)) },
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

fn settings(branding: &Branding, form: &Form<'_>, typed: &FormValues, errors: &FormErrors) -> Markup {
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
    view.render(form, fields)
}

pub(super) fn logo(branding: &Branding) -> Markup {
    html! {
        @if let Some(logo) = &branding.logo {
            img.logo src=(links::branding_logo(branding.environment_id, &logo.sha256)) alt="Present logo";
        }
    }
}
