//! `/console/{environment}/saml-connections/{connection}`: the service provider's values for the customer,
//! the identity provider's values, and how logins are checked.

use base::{id::SamlConnectionId, time::Timestamp};
use maud::{Markup, html};
use model::{
    environment::Environment, login_flow::FlowOrigin, organization::Organization,
    saml_connection::SamlConnection,
};

use super::switches;
use crate::{
    app::{
        self,
        connections::saml::{
            SamlConnectionView,
            certificates::{CertificateView, certificate_views},
        },
        login::BeginOutcome,
        permissions,
    },
    links::{Links, console},
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            labels,
            shell::Section,
        },
        kit::{
            components::{
                self, ButtonStyle, Icon, code_block, copyable, facts, link_button, mark, notice, time,
            },
            error::{PageError, PageResult},
            forms::button_form,
            request,
        },
        login::{browser_cookie, idp_redirect},
    },
};

/// How long before its expiry a certificate is marked.
const EXPIRY_WARNING: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 3600);

/// The page of a connection.
pub(in crate::web::console) struct ConnectionPage<'a> {
    pub described: &'a SamlConnectionView,
    pub organization: &'a Organization,
    pub certificates: &'a [CertificateView],
    pub environment: &'a Environment,
    pub links: &'a Links,
    pub may_manage: bool,
    pub href: crate::web::console::kit::labels::Href<'a>,
    pub csrf: Markup,
    pub now: Timestamp,
}

/// `GET …/saml-connections/{connection}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let described =
        app::connections::saml::find(&context.state, &context.principal, context.id("connection")?).await?;
    let organization = load_organization(&context, &described.connection).await?;
    let page = ConnectionPage {
        described: &described,
        organization: &organization,
        certificates: &certificate_views(&described.connection.idp_certificates),
        environment: &context.environment,
        links: &context.state.links_of(&context.environment),
        may_manage: context.may(permissions::Action::SamlConnectionsManage),
        href: &|pattern, segments| context.href(pattern, segments),
        csrf: context.csrf(),
        now: context.now(),
    };
    Ok(context
        .shell(Section::Organizations, &labels::connection(&described.connection))
        .crumb(labels::organization(&organization), context.href(console::ORGANIZATION, &[&organization.id]))
        .begins_login()
        .respond(view(&page)))
}

/// `POST …/saml-connections/{connection}/test`: starts a test login. It issues no code to an app and ends on
/// its timeline.
pub async fn test(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let id: SamlConnectionId = context.id("connection")?;
    let (browser, host) =
        (browser_cookie::browser(&context.state.links, context.request()), request::host(context.request()));
    let begun = app::login::test_login::begin(
        &context.state,
        &context.principal,
        id.into(),
        FlowOrigin::Console,
        browser,
        host,
    )
    .await?;
    Ok(match begun {
        BeginOutcome::Begun(begun) => idp_redirect::send_to_idp(&context.state, begun),
        BeginOutcome::Refused(refused) => {
            idp_redirect::see_other(&context.href(console::FLOW, &[&refused.flow]))
        }
    })
}

pub(super) async fn load_organization(
    context: &EnvironmentContext,
    connection: &SamlConnection,
) -> Result<Organization, PageError> {
    Ok(app::resource::find(&context.state, &context.principal, connection.organization_id).await?)
}

/// The page.
pub(in crate::web::console) fn view(page: &ConnectionPage<'_>) -> Markup {
    let connection = &page.described.connection;
    let id = &connection.id;
    let missing = connection.missing_settings();
    html! {
        div.head-row {
            h1 { (labels::connection(connection)) }
            @if page.may_manage {
                div.actions {
                    @if missing.is_empty() {
                        (button_form(&(page.href)(console::TEST_SAML_CONNECTION, &[id]), "Test login", ButtonStyle::Primary, page.csrf.clone()))
                    }
                    (link_button(ButtonStyle::Plain, "Edit", &(page.href)(console::EDIT_SAML_CONNECTION, &[id])))
                    (link_button(ButtonStyle::Danger, "Delete", &(page.href)(console::DELETE_SAML_CONNECTION, &[id])))
                }
            }
        }
        p { (labels::connection_state(connection)) }
        @if page.organization.is_disabled() {
            (labels::switched_off_notice("connection’s organization", "Nobody signs in through this connection meanwhile.",
                page.may_manage.then(|| (page.href)(console::EDIT_ORGANIZATION, &[&page.organization.id])).as_deref()))
        }
        @if connection.disabled {
            (labels::switched_off_notice("connection", "Its logins are refused.",
                page.may_manage.then(|| (page.href)(console::EDIT_SAML_CONNECTION, &[id])).as_deref()))
        }
        @if !missing.is_empty() {
            (notice(Icon::Attention, "Nobody can sign in through it yet", html! {
                p { "Still missing of the identity provider: " (components::join_with_and(&missing.iter().map(|name| setting_label(name)).collect::<Vec<_>>())) "." }
                @if page.may_manage {
                    p { a href=((page.href)(console::EDIT_SAML_CONNECTION, &[id])) { "Enter what is missing" } }
                }
            }))
        }
        @for warning in &page.described.warnings {
            (notice(Icon::Attention, "Check its signing certificates", html! { p { (warning) } }))
        }
        (sp_settings(page))
        (idp_settings(page))
        (metadata_status(page))
        (login_checks(page))
        (for_developers(page))
    }
}

/// The label of a missing setting.
fn setting_label(name: &str) -> &'static str {
    match name {
        "idpEntityId" => "its entity ID",
        "idpRedirectUrl" => "its sign-on address",
        _ => "its signing certificate",
    }
}

fn sp_settings(page: &ConnectionPage<'_>) -> Markup {
    let connection = &page.described.connection;
    html! {
        section.card aria-labelledby="for-them" {
            h2 #for-them { "What the customer’s IT enters" }
            p.soft { "In their identity provider, where the SAML app for your product is set up." }
            (facts(&[
                ("Reply URL (Assertion Consumer Service URL)", html! {
                    @for url in &connection.sp_acs_urls { div { (copyable(url, "reply URL")) } }
                }),
                ("Identifier (Entity ID, Audience URI)", copyable(&connection.sp_entity_id, "entity ID")),
                ("Metadata URL, instead of both", copyable(page.links.saml_metadata(connection.id).as_str(), "metadata URL")),
                ("Name ID", html! { "The person’s e-mail address (format " code { "emailAddress" } ")" }),
            ]))
            @if let Some(certificate) = &page.described.encryption_certificate {
                details {
                    summary { "Certificate to encrypt assertions to" }
                    (code_block("Encryption certificate", certificate))
                }
            }
        }
    }
}

fn idp_settings(page: &ConnectionPage<'_>) -> Markup {
    let connection = &page.described.connection;
    let none = || html! { span.mark.attention { "missing" } };
    html! {
        section.card aria-labelledby="theirs" {
            h2 #theirs { "Their identity provider" }
            (facts(&[
                ("Entity ID", connection.idp_entity_id.as_ref().map_or_else(none, |id| copyable(id, "entity ID"))),
                ("Sign-on address", connection.idp_redirect_url.as_ref().map_or_else(none, |url| copyable(url.as_str(), "sign-on address"))),
                ("Request binding", html! { (connection.idp_binding.as_str()) }),
            ]))
            h3 { "Signing certificates" }
            @if page.certificates.is_empty() { p { (none()) } }
            @for certificate in page.certificates {
                details {
                    summary { (certificate.subject) " " (validity(certificate, page.now)) }
                    (facts(&[
                        ("From", time(certificate.not_before, page.now)),
                        ("Until", time(certificate.not_after, page.now)),
                        ("SHA-256 fingerprint", copyable(&certificate.fingerprint, "fingerprint")),
                    ]))
                    (code_block("Certificate", &certificate.pem))
                }
            }
        }
    }
}

/// The validity of a certificate as a mark.
fn validity(certificate: &CertificateView, now: Timestamp) -> Markup {
    let day = components::relative(certificate.not_after, now);
    match () {
        () if certificate.not_after <= now => mark(Icon::Bad, &format!("ended {day}")),
        () if certificate.not_before > now => mark(Icon::Note, "not yet valid"),
        () if certificate.not_after <= now + EXPIRY_WARNING => mark(Icon::Attention, &format!("ends {day}")),
        () => mark(Icon::Good, &format!("valid until {day}")),
    }
}

fn metadata_status(page: &ConnectionPage<'_>) -> Markup {
    let connection = &page.described.connection;
    let state = &connection.metadata;
    html! {
        section.card aria-labelledby="metadata" {
            div.head-row {
                h2 #metadata { "Metadata" }
                @if page.may_manage && connection.idp_metadata_url.is_some() {
                    (button_form(&(page.href)(console::REFRESH_SAML_CONNECTION, &[&connection.id]), "Refresh now", ButtonStyle::Plain, page.csrf.clone()))
                }
            }
            @match &connection.idp_metadata_url {
                None => p {
                    "No metadata URL is set: new certificates must be entered by hand before the old ones end."
                },
                Some(url) => {
                    @if let Some(error) = &state.error {
                        (notice(Icon::Attention, "The last attempt to read it failed", html! {
                            p { (error) }
                            p { "What is stored stays in force." @if state.failures > 1 { " " (state.failures) " attempts in a row failed." } }
                        }))
                    }
                    (facts(&[
                        ("Address", copyable(url.as_str(), "metadata URL")),
                        ("Last read", state.fetched_at.map_or_else(|| html! { "never" }, |at| time(at, page.now))),
                        ("Next time", state.next_at.map_or_else(|| html! { "soon" }, |at| time(at, page.now))),
                    ]))
                },
            }
        }
    }
}

fn login_checks(page: &ConnectionPage<'_>) -> Markup {
    let connection = &page.described.connection;
    let policy = connection.idp_initiated.unwrap_or(page.environment.idp_initiated).as_str();
    let inherited = connection.idp_initiated.is_none();
    let mut all = vec![
        (
            "E-mail address",
            html! {
                @match &connection.email_attribute {
                    Some(name) => { "from the attribute " code { (name) } },
                    None => "from the NameID, else from the usual attributes",
                }
            },
        ),
        (
            "IdP-initiated logins",
            html! { (policy) @if inherited { span.soft { " (the environment’s rule)" } } },
        ),
    ];
    all.extend(switches::facts(connection));
    html! {
        section.card aria-labelledby="checking" {
            h2 #checking { "How logins are checked" }
            (facts(&all))
        }
    }
}

fn for_developers(page: &ConnectionPage<'_>) -> Markup {
    let connection = &page.described.connection;
    let curl = format!(
        "curl {} \\\n  -H 'Authorization: Bearer YOUR_API_KEY' \\\n  -H 'Content-Type: application/json' \\\n  -d '{{\"samlConnectionId\": \"{}\", \"state\": \"your own state\"}}'",
        page.links.saml_redirect(),
        connection.id
    );
    html! {
        section.card aria-labelledby="developers" {
            h2 #developers { "For your developers" }
            (facts(&[("ID", copyable(&connection.id.to_string(), "connection id"))]))
            details {
                summary { "Begin a login" }
                (code_block("curl", &curl))
            }
        }
    }
}

/// `POST …/saml-connections/{connection}/refresh`
pub async fn refresh(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let id: SamlConnectionId = context.id("connection")?;
    app::connections::saml::metadata::refresh::refresh_now(&context.state, &context.principal, id).await?;
    Ok(see_other(
        &context.href(console::SAML_CONNECTION, &[&id]),
        Flash(ResourceKind::Metadata, Action::Refreshed),
    ))
}
