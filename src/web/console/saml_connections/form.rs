//! Creates and edits a SAML connection, by metadata or single values.

use actix_web::HttpResponse;
use base::{
    id::{OrganizationId, SamlConnectionId},
    time::Timestamp,
};
use maud::{Markup, html};
use model::{
    organization::Organization,
    saml_connection::{IdpBinding, SamlConnection},
};

use super::switches;
use crate::{
    app::{
        self,
        connections::saml::{
            SamlConnectionChange,
            certificates::{certificate_views, parse_certificates},
            metadata::source,
        },
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            labels,
            shell::Section,
        },
        kit::{
            components::relative,
            error::PageResult,
            forms::{self, Choice, FormErrors, FormValues, FormView},
            posted::PostedForm,
            seen::{FormAgain, Seen},
        },
    },
};

const BINDINGS: [(&str, &str); 2] =
    [("POST", "POST: a form that submits itself"), ("REDIRECT", "Redirect: in the address")];

const IDP_INITIATED: [Choice<'static>; 4] = [
    Choice::new("", "As the environment has it", ""),
    Choice::new(
        "RESTART",
        "Begin them again from here",
        "Safe, and the tile in the customer’s portal works.",
    ),
    Choice::new("ALLOW", "Accept them", "For identity providers that can do nothing else. Less safe."),
    Choice::new("REFUSE", "Refuse them", "People must begin in your app."),
];

/// `GET …/organizations/{organization}/saml-connections/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::SamlConnectionsManage)?;
    let organization =
        app::resource::find(&context.state, &context.principal, context.id("organization")?).await?;
    let typed = FormValues::new().with_flag("primary", true);
    Ok(new_page(&context, &organization, &typed, &FormErrors::none()))
}

/// `POST …/organizations/{organization}/saml-connections/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::SamlConnectionsManage)?;
    let id: OrganizationId = context.id("organization")?;
    let made = match change(&form, &FormValues::new()) {
        Ok(change) => app::connections::saml::create(&context.state, &context.principal, id, &change).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => Ok(see_other(
            &context.href(console::SAML_CONNECTION, &[&made.connection.id]),
            Flash(ResourceKind::SamlConnection, Action::Created),
        )),
        Err(error) => {
            let errors = FormErrors::from_error(error)?;
            let organization = app::resource::find(&context.state, &context.principal, id).await?;
            Ok(new_page(&context, &organization, &FormValues::from(&*form), &errors))
        }
    }
}

/// `GET …/saml-connections/{connection}/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::SamlConnectionsManage)?;
    let found =
        app::connections::saml::find(&context.state, &context.principal, context.id("connection")?).await?;
    let (connection, values) = (&found.connection, typed(&found.connection));
    Ok(edit_page(&context, connection, &Seen::of(connection.version, &values), &values, &FormErrors::none()))
}

/// `POST …/saml-connections/{connection}/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::SamlConnectionsManage)?;
    let id: SamlConnectionId = context.id("connection")?;
    let seen = Seen::posted(&form);
    let updated = match change(&form, seen.values()) {
        Ok(change) => {
            let expected = seen.expected();
            let (state, principal) = (&context.state, &context.principal);
            app::connections::saml::update(state, principal, id, Some(&expected), &change).await
        }
        Err(error) => Err(error),
    };
    let error = match updated {
        Ok(_) => {
            return Ok(see_other(
                &context.href(console::SAML_CONNECTION, &[&id]),
                Flash(ResourceKind::SamlConnection, Action::Saved),
            ));
        }
        Err(error) => error,
    };
    let current = app::connections::saml::find(&context.state, &context.principal, id).await?.connection;
    let certificates = certificates_changed(seen.values(), &current, context.now());
    let mut again =
        FormAgain::new(error, seen, &FormValues::from(&*form), current.version, &typed(&current))?;
    again.errors = again.errors.describe_changed("idpCertificate", &certificates);
    Ok(edit_page(&context, &current, &again.seen, &again.typed, &again.errors))
}

/// What became of the certificates since the form was filled, in words: a PEM block tells nobody anything.
fn certificates_changed(seen: &FormValues, current: &SamlConnection, now: Timestamp) -> String {
    let before = parse_certificates("idpCertificate", &[seen.text("idpCertificate").to_owned()]);
    let (before, is) = (before.unwrap_or_default().pems, &current.idp_certificates);
    let named = |these: &[String], those: &[String]| {
        let only: Vec<String> = these.iter().filter(|pem| !those.contains(pem)).cloned().collect();
        let names = certificate_views(&only).into_iter().map(|one| {
            let fingerprint = one.fingerprint.get(..16).unwrap_or_default();
            format!("{} (ends {}, SHA-256 {fingerprint}…)", one.subject, relative(one.not_after, now))
        });
        names.collect::<Vec<_>>().join(", ")
    };
    match (named(is, &before), named(&before, is)) {
        (added, removed) if removed.is_empty() => format!("added {added}"),
        (added, removed) if added.is_empty() => format!("removed {removed}"),
        (added, removed) => format!("added {added}; removed {removed}"),
    }
}

/// Parses the posted form, which was filled from `seen`. If it contains new metadata, single values that were not edited
/// are left out, so that they do not override the metadata.
fn change(form: &PostedForm, seen: &FormValues) -> app::Result<SamlConnectionChange> {
    let mut change: SamlConnectionChange = form.change()?;
    let document = form.file("idpMetadata");
    change.idp_metadata = document.map(|file| source::decode_document(&file.bytes)).transpose()?;
    let stored = seen.text("idpMetadataUrl");
    change.idp_metadata_url = change.idp_metadata_url.filter(|url| url != stored);
    if change.idp_metadata.is_some() || change.idp_metadata_url.as_ref().is_some_and(|url| !url.is_empty()) {
        let drop_unedited = |name: &str, value: &mut Option<String>| {
            if value.as_deref() == Some(seen.text(name).trim()) {
                *value = None;
            }
        };
        drop_unedited("idpEntityId", &mut change.idp_entity_id);
        drop_unedited("idpRedirectUrl", &mut change.idp_redirect_url);
        drop_unedited("idpCertificate", &mut change.idp_certificate);
        drop_unedited("idpBinding", &mut change.idp_binding);
    }
    Ok(change)
}

/// The current settings as form values.
pub(in crate::web::console) fn typed(connection: &SamlConnection) -> FormValues {
    let url =
        |url: &Option<model::http_url::HttpUrl>| url.as_ref().map(ToString::to_string).unwrap_or_default();
    let binding = match connection.idp_binding {
        IdpBinding::Post => "POST",
        IdpBinding::Redirect => "REDIRECT",
    };
    let values = FormValues::new()
        .with("idpMetadataUrl", url(&connection.idp_metadata_url))
        .with("idpEntityId", connection.idp_entity_id.as_deref().unwrap_or_default())
        .with("idpRedirectUrl", url(&connection.idp_redirect_url))
        .with("idpCertificate", connection.idp_certificates.concat())
        .with("idpBinding", binding)
        .with("idpInitiated", connection.idp_initiated.map_or("", |policy| policy.as_str()))
        .with("emailAttribute", connection.email_attribute.as_deref().unwrap_or_default())
        .with_flag("primary", connection.primary);
    switches::values(values, connection)
}

fn new_page(
    context: &EnvironmentContext,
    organization: &Organization,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let action = context.href(console::NEW_SAML_CONNECTION, &[&organization.id]);
    let back = context.href(console::ORGANIZATION, &[&organization.id]);
    let form = forms::Form::new(&action, "Create connection", context.csrf()).cancel(&back).multipart();
    context
        .shell(Section::Organizations, "New SAML connection")
        .crumb(labels::organization(organization), &back)
        .respond_with(errors.status(), new_view(&form, typed, errors))
}

/// The form of a new connection.
pub(in crate::web::console) fn new_view(
    form: &forms::Form<'_>,
    typed: &FormValues,
    errors: &FormErrors,
) -> Markup {
    let view = FormView::new(typed, errors);
    let fields = html! {
        (metadata(&view))
        fieldset.group {
            legend { "Or by single values" }
            (values(&view))
        }
        (primary(&view))
    };
    html! {
        h1 { "New SAML connection" }
        p {
            "Everything may stay empty for now: the connection’s page then shows what the customer’s IT must enter, and \
             you come back with what they send you. Or send them a setup link, and they do it all themselves."
        }
        section.card { (view.render(form, fields)) }
    }
}

fn metadata(view: &FormView<'_>) -> Markup {
    html! {
        fieldset.group {
            legend { "By the identity provider’s metadata" }
            (view.url("idpMetadataUrl", "Metadata URL").code().optional()
                .hint("Best: it is read again and again, and new certificates arrive by themselves. Okta: Sign On → Metadata URL. Entra: App Federation Metadata URL."))
            (view.file("idpMetadata", "Metadata file", ".xml,application/xml,text/xml,application/samlmetadata+xml").optional()
                .hint("The XML file that the identity provider lets one download."))
        }
    }
}

fn values(view: &FormView<'_>) -> Markup {
    html! {
        (view.text("idpEntityId", "Entity ID of the identity provider").code().optional()
            .hint("Also called Issuer or Microsoft Entra Identifier."))
        (view.url("idpRedirectUrl", "Sign-on address").code().optional()
            .hint("Also called Single Sign-On URL, SAML 2.0 Endpoint or Login URL."))
        (view.textarea("idpCertificate", "Signing certificates", 8).optional()
            .hint("As PEM, -----BEGIN CERTIFICATE----- and all. Several one after the other: any of them may sign."))
    }
}

fn primary(view: &FormView<'_>) -> Markup {
    html! {
        (view.checkbox("primary", "Primary connection of the organization")
            .hint("Logins that name only the organization use it. At most one is primary; the others are still there."))
    }
}

fn edit_page(
    context: &EnvironmentContext,
    connection: &SamlConnection,
    seen: &Seen,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let action = context.href(console::EDIT_SAML_CONNECTION, &[&connection.id]);
    let back = context.href(console::SAML_CONNECTION, &[&connection.id]);
    let form = forms::Form::new(&action, "Save", context.csrf());
    let form = form.cancel(&back).multipart().seen(seen.fields());
    let name = labels::connection(connection);
    let title = format!("Edit {name}");
    context
        .shell(Section::Organizations, &title)
        .crumb(name, &back)
        .respond_with(errors.status(), edit_view(&title, &form, typed, errors))
}

/// The form of all settings.
pub(in crate::web::console) fn edit_view(
    title: &str,
    form: &forms::Form<'_>,
    typed: &FormValues,
    errors: &FormErrors,
) -> Markup {
    let view = FormView::new(typed, errors);
    let fields = html! {
        (metadata(&view))
        fieldset.group {
            legend { "The identity provider, value by value" }
            (values(&view))
            (view.select("idpBinding", "Request binding", &BINDINGS)
                .hint("Metadata says which; POST works with nearly every identity provider."))
        }
        fieldset.group {
            legend { "Logins" }
            (primary(&view))
            (view.radios("idpInitiated", "IdP-initiated logins", &IDP_INITIATED))
            (view.text("emailAttribute", "Attribute with the e-mail address").code().optional()
                .hint("Empty: the NameID if it is an address, else the usual attributes. Name one where the NameID is something else, such as Entra’s …onmicrosoft.com names."))
            (switches::fields(&view, switches::LOGINS))
        }
        fieldset.group {
            legend { "Encryption and old algorithms" }
            (switches::fields(&view, switches::ALGORITHMS))
        }
    };
    html! {
        h1 { (title) }
        section.card { (view.render(form, fields)) }
    }
}
