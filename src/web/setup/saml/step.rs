//! One step of the setup of a connection: shows it and saves what was entered.

use actix_web::web;
use base::{id::SamlConnectionId, time::Timestamp};
use maud::{Markup, html};
use model::{
    login_flow::{FlowOrigin, LoginFlow},
    saml_connection::SamlConnection,
};

use super::connection::{Progress, load, progress_of};
use crate::{
    app::{
        self, Error,
        connections::saml::{SamlConnectionChange, metadata::source},
        login::BeginOutcome,
    },
    links::{self, path},
    web::{
        kit::{
            components::{ButtonStyle, Icon, button, facts, link_button, mark, notice, time},
            error::{PageError, PageResult},
            forms::{FormErrors, FormValues, button_form},
            request,
            response::{PagePolicy, see_other},
        },
        login::{browser_cookie, idp_redirect},
        setup::{
            form::SetupForm,
            providers::{
                self,
                provider::{MetadataSource, StepPart},
            },
            saml::metadata_form,
            session::SetupContext,
            steps::{self, PartContents, SetupValues},
        },
    },
};

/// `GET /setup/saml/{connection}/{step}`
pub async fn step(context: SetupContext, path: web::Path<(String, String)>) -> PageResult {
    let connection = load(&context, &path.0).await?;
    show(&context, &connection, &path.1, &FormValues::new(), &FormErrors::none()).await
}

async fn show(
    context: &SetupContext,
    connection: &SamlConnection,
    slug: &str,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let provider = providers::for_kind(connection.idp_kind);
    let test = app::login::test_login::latest(&context.state, &context.principal, connection.id).await?;
    let progress = progress_of(connection, test.as_ref());
    let href = |slug: &str| links::setup_saml_step(connection.id, slug);
    if slug == "done" {
        return Ok(context.layout().answer("Single sign-on is set up", done(context, connection)));
    }
    let at = provider.saml.iter().position(|step| step.slug == slug);
    let at = at.ok_or_else(|| Error::not_found("step", "(no such step)"))?;
    let step = &provider.saml[at];
    let gives = provider
        .saml
        .iter()
        .position(|step| step.parts.iter().any(|part| matches!(part, StepPart::Metadata(_))))
        .unwrap_or(0);
    let metadata_url = context.state.links_of(&context.environment).saml_metadata(connection.id).to_string();
    let values = SetupValues::of(connection, metadata_url, context.application());
    let csrf = context.csrf();
    let ways = step.parts.iter().find_map(|part| match part {
        StepPart::Metadata(ways) => Some(*ways),
        _ => None,
    });
    let action = href(slug);
    let contents = PartContents {
        values: &values,
        connection: Some(connection.id),
        metadata: ways.map(|ways| {
            html! {
                @if progress != Progress::Started { (stored_settings(connection)) }
                (metadata_form::metadata_forms(ways, &action, typed, errors, &csrf))
            }
        }),
        test: Some(test_part(context, connection, progress, test.as_ref(), &action, &csrf)),
        token: None,
        live: None,
    };
    let is_done = |index: usize| match progress {
        Progress::Started => false,
        Progress::Configured => index <= gives,
        Progress::Tested => true,
    };
    let content = html! {
        p.back { a href=(path::SETUP_SAML) { "Single sign-on" } " with " (provider.in_text()) }
        (steps::progress(provider.saml, slug, is_done, href))
        h1 { (step.title) }
        (warnings(connection, context.state.now()))
        section.card { (steps::parts(step, &contents)) }
        (steps::step_links(provider.saml, at, href, ways.is_none() || progress != Progress::Started))
    };
    // A test redirects to another site, and browsers apply `form-action` to the whole chain of redirects.
    let policy = if step.parts.contains(&StepPart::Test) {
        PagePolicy::AnyFormTarget
    } else {
        PagePolicy::SameOriginForms
    };
    Ok(context.layout().answer_with(errors.status(), policy, step.title, content))
}

/// The identity provider's stored settings.
fn stored_settings(connection: &SamlConnection) -> Markup {
    html! {
        (notice(Icon::Good, "Saved", html! {
            (facts(&[
                ("Entity ID", html! { code { (connection.idp_entity_id.as_deref().unwrap_or_default()) } }),
                ("Sign-on URL", html! { code { @if let Some(url) = &connection.idp_redirect_url { (url) } } }),
                ("Signing certificates", html! { (connection.idp_certificates.len()) }),
            ]))
            p { "Send it again here to replace it." }
        }))
    }
}

/// What is to be said of the certificates that were given.
fn warnings(connection: &SamlConnection, now: Timestamp) -> Markup {
    html! {
        @for warning in app::connections::saml::certificates::warnings(connection, now) {
            (notice(Icon::Attention, "Check the signing certificates", html! { p { (warning) } }))
        }
    }
}

fn test_part(
    context: &SetupContext,
    connection: &SamlConnection,
    progress: Progress,
    test: Option<&LoginFlow>,
    action: &str,
    csrf: &Markup,
) -> Markup {
    if progress == Progress::Started {
        let provider = providers::for_kind(connection.idp_kind);
        let slug = provider
            .saml
            .iter()
            .find(|step| step.parts.iter().any(|part| matches!(part, StepPart::Metadata(_))));
        return notice(
            Icon::Attention,
            "One step is missing before the test",
            html! {
                p { "We do not know your identity provider yet." }
                @if let Some(step) = slug {
                    p { a href=(links::setup_saml_step(connection.id, step.slug)) { (step.title) } }
                }
            },
        );
    }
    html! {
        p {
            "Press the button and sign in with your own work account. Nothing happens in " (context.application())
            ": you come back here, and see what was received."
        }
        form.form method="post" action=(action) {
            (csrf)
            div.actions { (button(ButtonStyle::Primary, "Test sign-in")) }
        }
        @if let Some(flow) = test {
            p.small {
                a href=(context.state.links.setup_saml_test(connection.id, flow.id).path()) { "The last test" }
                ", " (time(flow.created_at, context.state.now()))
            }
        }
        @if progress == Progress::Tested {
            div.actions { (link_button(ButtonStyle::Plain, "Finish", &links::setup_saml_step(connection.id, "done"))) }
        }
    }
}

fn done(context: &SetupContext, connection: &SamlConnection) -> Markup {
    let waiting = context.organization.accepted_domains().next().is_none();
    html! {
        section.card {
            p { (mark(Icon::Good, "Done")) }
            h1 { "Single sign-on is set up" }
            p.lead {
                "People whom you gave access in " (providers::for_kind(connection.idp_kind).in_text())
                " can sign in to " (context.application()) " with their work account."
            }
            @if waiting {
                (notice(Icon::Attention, "One thing is open", html! {
                    p { "No e-mail domain of your company counts yet, so nobody is let in." }
                    @if context.link.can_manage_domains { p { a href=(path::SETUP_DOMAINS) { "Confirm your domain" } } }
                    @else { p { "The team of " (context.application()) " must add it: tell them." } }
                }))
            }
            div.actions {
                (link_button(ButtonStyle::Primary, "To the overview", path::SETUP_HOME))
                (link_button(ButtonStyle::Plain, "Test again", &links::setup_saml_step(connection.id, "test")))
            }
        }
    }
}

/// `POST /setup/saml/{connection}/{step}`: stores metadata, or begins the test.
pub async fn submit(sent: SetupForm, path: web::Path<(String, String)>) -> PageResult {
    let context = &sent.context;
    let connection = load(context, &path.0).await?;
    let provider = providers::for_kind(connection.idp_kind);
    let at = provider.saml.iter().position(|step| step.slug == path.1);
    let at = at.ok_or_else(|| Error::not_found("step", "(no such step)"))?;
    let step = &provider.saml[at];
    if step.parts.contains(&StepPart::Test) {
        return test(context, &connection).await;
    }
    let typed = FormValues::from(&*sent);
    let change = match parse_change(&sent) {
        Ok(change) => change,
        Err(error) => {
            return show(context, &connection, &path.1, &typed, &FormErrors::from_error(error)?).await;
        }
    };
    match app::connections::saml::update(&context.state, &context.principal, connection.id, None, &change)
        .await
    {
        Ok(saved) if saved.connection.missing_settings().is_empty() => {
            let next = provider.saml.get(at + 1).map_or("test", |step| step.slug);
            Ok(see_other(&links::setup_saml_step(connection.id, next)))
        }
        Ok(saved) => {
            let mut errors = FormErrors::none();
            for field in saved.connection.missing_settings() {
                errors = errors.and(field, "This is needed too.");
            }
            show(context, &saved.connection, &path.1, &typed, &errors).await
        }
        Err(error) => show(context, &connection, &path.1, &typed, &FormErrors::from_error(error)?).await,
    }
}

/// The change that the form asks for, from the one way of giving metadata that was sent.
fn parse_change(sent: &SetupForm) -> app::Result<SamlConnectionChange> {
    let none = SamlConnectionChange::default;
    match sent.text("way") {
        way if way == metadata_form::source_name(MetadataSource::Url) => {
            match sent.text("idpMetadataUrl").trim() {
                "" => Err(Error::invalid("idpMetadataUrl", "enter the address of the metadata")),
                url => Ok(SamlConnectionChange { idp_metadata_url: Some(url.to_owned()), ..none() }),
            }
        }
        way if way == metadata_form::source_name(MetadataSource::File) => {
            let file = sent.file("idpMetadata").filter(|file| !file.bytes.is_empty());
            let file = file.ok_or_else(|| Error::invalid("idpMetadata", "choose the metadata file"))?;
            let xml = source::decode_document(&file.bytes)?;
            Ok(SamlConnectionChange { idp_metadata: Some(xml), ..none() })
        }
        _ => {
            for (field, what) in [
                ("idpEntityId", "enter the entity ID"),
                ("idpRedirectUrl", "enter the sign-on URL"),
                ("idpCertificate", "enter the signing certificate"),
            ] {
                if sent.text(field).trim().is_empty() {
                    return Err(Error::invalid(field, what));
                }
            }
            Ok(SamlConnectionChange {
                idp_entity_id: Some(sent.text("idpEntityId").trim().to_owned()),
                idp_redirect_url: Some(sent.text("idpRedirectUrl").trim().to_owned()),
                idp_certificate: Some(sent.text("idpCertificate").to_owned()),
                ..none()
            })
        }
    }
}

async fn test(context: &SetupContext, connection: &SamlConnection) -> PageResult {
    let (browser, host) =
        (browser_cookie::browser(&context.state.links, &context.request), request::host(&context.request));
    let begun = app::login::test_login::begin(
        &context.state,
        &context.principal,
        connection.id.into(),
        FlowOrigin::Setup,
        browser,
        host,
    )
    .await?;
    Ok(match begun {
        BeginOutcome::Begun(begun) => idp_redirect::send_to_idp(&context.state, begun),
        BeginOutcome::Refused(refused) => match refused.test_result_url {
            Some(page) => see_other(&page),
            None => return Err(PageError(Error::FailedPrecondition(refused.refusal.remedy().into()))),
        },
    })
}

/// A button that begins another test.
pub fn test_again_button(context: &SetupContext, connection: SamlConnectionId, style: ButtonStyle) -> Markup {
    button_form(&links::setup_saml_step(connection, "test"), "Test again", style, context.csrf())
}
