//! An application in the console's forms: `…/applications/new`, `…/new-service-client`, `…/{application}/edit` and
//! `…/{application}/delete`.

use actix_web::HttpResponse;
use maud::{Markup, html};
use model::{
    application::{Application, ClientKind},
    http_url::HttpUrl,
};

use super::secret::secret_page;
use crate::{
    app::{
        Error, Result,
        applications::{self, ApplicationChange, NewApplication},
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::ResourceKind,
            form::ConsoleForm,
            permission_choices::{OWN_SCOPES, PermissionChoices},
            resource::ConsoleResource,
            shell::Section,
        },
        kit::{
            error::PageResult,
            forms::{Choice, Form, FormErrors, FormValues, FormView},
        },
    },
};

/// The scopes of the system workspace that permit something, with what that is.
const SYSTEM_SCOPES: [Choice<'static>; 7] = [
    Choice::new("manage_organizations", "manage_organizations", "Create, change and delete organizations."),
    Choice::new("view_organizations", "view_organizations", "Read organizations."),
    Choice::new("identity", "identity", "Identity pools, their schemas and their users."),
    Choice::new("view_audit_events", "view_audit_events", "Read the audit log."),
    Choice::new("manage_configuration", "manage_configuration", "Organizations and identity pools."),
    Choice::new("organizations:write", "organizations:write", "Create, change and delete organizations."),
    Choice::new("organizations:read", "organizations:read", "Read organizations."),
];

const KINDS: [Choice<'static>; 3] = [
    Choice::new("service", "Service", "A program that acts for itself, with a secret."),
    Choice::new("web", "Web app", "An app with a server, which keeps a secret."),
    Choice::new("public", "Public app", "In a browser or on a device: it can keep no secret."),
];

const GRANTS: [Choice<'static>; 4] = [
    Choice::new("authorization_code", "authorization_code", "Somebody signs in."),
    Choice::new("refresh_token", "refresh_token", "It renews its tokens."),
    PROGRAM_GRANTS[0],
    PROGRAM_GRANTS[1],
];

/// Those of a program.
const PROGRAM_GRANTS: [Choice<'static>; 2] = [
    Choice::new("client_credentials", "client_credentials", "It acts for itself."),
    Choice::new(
        "organization_switch",
        "organization_switch",
        "It exchanges its tokens for those of organizations with which it is shared.",
    ),
];

const AUDIENCES: [(&str, &str); 2] = [
    ("organization", "Organizations: it uses roles of your own organization"),
    ("application", "This application alone: it has its own"),
];

/// What the two mean.
const AUDIENCE_HINT: &str = "Organizations with which it is shared have these roles too, and give them to their people. A role for this \
                             application counts in it alone; one for organizations counts in every application that takes them.";

const ALGORITHMS: [(&str, &str); 3] = [
    ("ES256", "ES256: short and fast"),
    ("RS256", "RS256: every library reads it"),
    ("EdDSA", "EdDSA (Ed25519)"),
];

/// The scopes as checkboxes: those that permit something, and others that the client has.
fn scopes(of: Option<&Application>) -> Vec<Choice<'_>> {
    let own = of.map_or(&[][..], |client| &client.scopes).iter().map(String::as_str);
    let others = own.filter(|name| SYSTEM_SCOPES.iter().all(|known| known.value != *name));
    let known = SYSTEM_SCOPES.iter().map(|known| Choice::new(known.value, known.label, known.hint));
    known.chain(others.map(|name| Choice::new(name, name, ""))).collect()
}

fn name_field(view: &FormView<'_>) -> Markup {
    html! { (view.text("displayName", "Name").hint("Who or what it is, for you and your colleagues.")) }
}

fn audience_field(view: &FormView<'_>) -> Markup {
    html! { (view.select("roleAudience", "Its roles are for", &AUDIENCES).hint(AUDIENCE_HINT)) }
}

fn algorithm_field(view: &FormView<'_>) -> Markup {
    html! { (view.select("signingAlg", "Signature of its tokens", &ALGORITHMS)) }
}

/// The fields of a service client of the system workspace.
fn service_client_fields(view: &FormView<'_>, of: Option<&Application>) -> Markup {
    html! {
        (name_field(view))
        (view.checkboxes("scopes", "Scopes", &scopes(of)).hint("What its tokens may be for."))
        (algorithm_field(view))
    }
}

/// The fields of any other application.
fn application_fields(view: &FormView<'_>, kind: Option<ClientKind>) -> Markup {
    let scopes = PermissionChoices::everywhere();
    html! {
        (name_field(view))
        (view.text("description", "What it is for").optional())
        @if kind.is_none() { (view.radios("kind", "Kind", &KINDS).hint("It cannot be changed later.")) }
        @match kind {
            Some(ClientKind::Service) => { (view.checkboxes("grantTypes", "Grants", &PROGRAM_GRANTS)) },
            Some(_) => { (view.checkboxes("grantTypes", "Grants", &GRANTS)) },
            None => { (view.checkboxes("grantTypes", "Grants", &GRANTS).hint("None chosen: those that its kind usually has. A program that makes customers’ organizations has the last two.")) },
        }
        (view.known("scopes", "Scopes", &scopes.groups(), Some(OWN_SCOPES)).hint("What it may ask for."))
        @if kind != Some(ClientKind::Service) {
            (view.textarea("redirectUris", "Redirect URIs", 3).code().optional()
                .hint("Where it may ask to be sent, one a line, compared letter by letter. None: those of the environment."))
            (view.textarea("postLogoutRedirectUris", "Addresses after signing out", 2).code().optional()
                .hint("Where it may send people who signed out, one a line, compared letter by letter."))
            (view.textarea("origins", "Origins", 2).code().optional()
                .hint("Whose scripts may call the issuer, one a line, such as https://app.example.com."))
        }
        (algorithm_field(view))
    }
}

impl ConsoleResource for Application {
    const SECTION: Section = Section::Applications;
    const FLASH: ResourceKind = ResourceKind::Application;
    const SEGMENT: &'static str = "application";
    const LIST_PATH: &'static str = console::APPLICATIONS;
    const PATH: &'static str = console::APPLICATION;
    const EDIT_PATH: &'static str = console::EDIT_APPLICATION;
    const DELETE_PATH: &'static str = console::DELETE_APPLICATION;

    fn name(&self) -> String {
        match self.display_name.trim() {
            "" => self.id.to_string(),
            name => name.to_owned(),
        }
    }

    fn values(&self) -> FormValues {
        let values = FormValues::new()
            .with("displayName", &self.display_name)
            .with("signingAlg", self.signing_alg.as_str())
            .with_flag("disabled", self.disabled);
        let values = self.scopes.iter().fold(values, |values, scope| values.with("scopes", scope));
        if self.is_of_system() {
            return values;
        }
        let values =
            self.grant_types.iter().fold(values, |values, grant| values.with("grantTypes", grant.as_str()));
        let values =
            values.with("description", &self.description).with("roleAudience", self.role_audience.as_str());
        if self.kind == ClientKind::Service {
            return values;
        }
        let uris: Vec<&str> = self.redirect_uris.iter().map(HttpUrl::as_str).collect();
        let after: Vec<&str> = self.post_logout_redirect_uris.iter().map(HttpUrl::as_str).collect();
        values
            .with("redirectUris", uris.join("\n"))
            .with("postLogoutRedirectUris", after.join("\n"))
            .with("origins", self.origins.join("\n"))
    }

    fn fields(view: &FormView<'_>, of: Option<&Self>) -> Markup {
        html! {
            @match of {
                Some(client) if client.is_of_system() => { (service_client_fields(view, of)) },
                of => { (application_fields(view, of.map(|client| client.kind))) },
            }
            @if of.is_some_and(|client| !client.is_of_system() && client.organization_id.is_none()) {
                (audience_field(view))
            }
            @if of.is_some() {
                (view.checkbox("disabled", "Switched off")
                    .hint("Takes effect at once: it gets no tokens, and those that it has end. Everything else is kept."))
            }
        }
    }

    async fn effects(&self, _: &EnvironmentContext) -> Result<Vec<String>> {
        Ok(vec![
            "It gets no tokens any more, and those that it has end at once.".to_owned(),
            "To stop it for a while only, edit it and switch it off.".to_owned(),
        ])
    }
}

/// `GET …/applications/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::ApplicationsManage)?;
    let typed = FormValues::new().with("kind", "service").with("signingAlg", "ES256");
    Ok(new_application_page(&context, &typed, &FormErrors::none()))
}

/// `POST …/applications/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::ApplicationsManage)?;
    let new = match form.text("kind").parse::<ClientKind>() {
        Ok(kind) => Ok(NewApplication { kind, workspace: None, organization_id: None }),
        Err(_) => Err(Error::invalid("kind", "must be service, web or public")),
    };
    match make(&context, &form, new).await {
        Ok(page) => Ok(page),
        Err(error) => {
            Ok(new_application_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?))
        }
    }
}

/// `GET …/applications/new-service-client`
pub async fn new_service_client(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::ApplicationsManage)?;
    let typed = FormValues::new().with("signingAlg", "ES256");
    Ok(new_service_client_page(&context, &typed, &FormErrors::none()))
}

/// `POST …/applications/new-service-client`
pub async fn create_service_client(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::ApplicationsManage)?;
    match make(&context, &form, Ok(NewApplication::SYSTEM)).await {
        Ok(page) => Ok(page),
        Err(error) => {
            Ok(new_service_client_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?))
        }
    }
}

async fn make(
    context: &EnvironmentContext,
    form: &ConsoleForm,
    new: Result<NewApplication>,
) -> Result<HttpResponse> {
    let change: ApplicationChange = form.change()?;
    // None chosen: those of its kind.
    let grant_types = change.grant_types.filter(|grants| !grants.is_empty());
    let (new, change) = (new?, ApplicationChange { grant_types, disabled: None, ..change });
    if change.display_name.as_deref().unwrap_or_default().is_empty() {
        return Err(Error::invalid("displayName", "is required"));
    }
    if new.workspace.is_some() && change.scopes.as_ref().is_none_or(Vec::is_empty) {
        return Err(Error::invalid("scopes", "choose at least one"));
    }
    let made = applications::create(&context.state, &context.principal, new, &change).await?;
    secret_page(context, &made).await
}

fn new_application_page(
    context: &EnvironmentContext,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let view = FormView::new(typed, errors);
    let fields = html! { (application_fields(&view, None)) (audience_field(&view)) };
    new_page(
        context,
        console::NEW_APPLICATION,
        "New application",
        "Create application",
        &view,
        errors,
        fields,
    )
}

fn new_service_client_page(
    context: &EnvironmentContext,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let view = FormView::new(typed, errors);
    let fields = html! {
        p.soft { "A program of yours that administers this environment with access tokens: provisioning, for instance." }
        (service_client_fields(&view, None))
    };
    let (title, submit) = ("New service client", "Create service client");
    new_page(context, console::NEW_SERVICE_CLIENT, title, submit, &view, errors, fields)
}

fn new_page(
    context: &EnvironmentContext,
    path: &str,
    title: &str,
    submit: &str,
    view: &FormView<'_>,
    errors: &FormErrors,
    fields: Markup,
) -> HttpResponse {
    let (action, back) = (context.href(path, &[]), context.href(console::APPLICATIONS, &[]));
    let form = Form::new(&action, submit, context.csrf()).cancel(&back);
    context.shell(Section::Applications, title).respond_with(
        errors.status(),
        html! {
            h1 { (title) }
            section.card { (view.render(&form, fields)) }
        },
    )
}
