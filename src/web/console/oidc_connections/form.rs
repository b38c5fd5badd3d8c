//! Creates and edits an OIDC connection, by the issuer or endpoint by endpoint.

use actix_web::HttpResponse;
use base::id::{OidcConnectionId, OrganizationId};
use maud::{Markup, html};
use model::{http_url::HttpUrl, oidc_connection::OidcConnection, organization::Organization};

use crate::{
    app::{
        self,
        connections::oidc::{self, OidcConnectionChange},
        permissions::Action as Permission,
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
            error::PageResult,
            forms::{self, FormErrors, FormValues, FormView},
            posted::PostedForm,
            seen::{FormAgain, Seen},
        },
    },
};

const METHODS: [(&str, &str); 2] = [
    ("client_secret_basic", "In the header (client_secret_basic)"),
    ("client_secret_post", "In the body (client_secret_post)"),
];

/// The fields that the issuer fills.
const ENDPOINTS: [&str; 5] =
    ["authorizationEndpoint", "tokenEndpoint", "userinfoEndpoint", "jwksUri", "tokenAuthMethod"];

/// `GET …/organizations/{organization}/oidc-connections/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require(Permission::OidcConnectionsManage)?;
    let organization =
        app::resource::find(&context.state, &context.principal, context.id("organization")?).await?;
    let typed = FormValues::new().with_flag("primary", true);
    Ok(new_page(&context, &organization, &typed, &FormErrors::none()))
}

/// `POST …/organizations/{organization}/oidc-connections/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(Permission::OidcConnectionsManage)?;
    let id: OrganizationId = context.id("organization")?;
    let made = match change(&form, &FormValues::new()) {
        Ok(change) => oidc::create(&context.state, &context.principal, id, &change).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => Ok(see_other(
            &context.href(console::OIDC_CONNECTION, &[&made.id]),
            Flash(ResourceKind::OidcConnection, Action::Created),
        )),
        Err(error) => {
            let errors = FormErrors::from_error(error)?;
            let organization = app::resource::find(&context.state, &context.principal, id).await?;
            Ok(new_page(&context, &organization, &FormValues::from(&*form), &errors))
        }
    }
}

/// `GET …/oidc-connections/{connection}/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require(Permission::OidcConnectionsManage)?;
    let connection = oidc::find(&context.state, &context.principal, context.id("oidc_connection")?).await?;
    let values = typed(&connection);
    let seen = Seen::of(connection.version, &values);
    Ok(edit_page(&context, &connection, &seen, &values, &FormErrors::none()))
}

/// `POST …/oidc-connections/{connection}/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(Permission::OidcConnectionsManage)?;
    let id: OidcConnectionId = context.id("oidc_connection")?;
    let seen = Seen::posted(&form);
    let updated = match change(&form, seen.values()) {
        Ok(change) => {
            let expected = seen.expected();
            oidc::update(&context.state, &context.principal, id, Some(&expected), &change).await
        }
        Err(error) => Err(error),
    };
    let error = match updated {
        Ok(_) => {
            return Ok(see_other(
                &context.href(console::OIDC_CONNECTION, &[&id]),
                Flash(ResourceKind::OidcConnection, Action::Saved),
            ));
        }
        Err(error) => error,
    };
    let current = oidc::find(&context.state, &context.principal, id).await?;
    let again = FormAgain::new(error, seen, &FormValues::from(&*form), current.version, &typed(&current))?;
    Ok(edit_page(&context, &current, &again.seen, &again.typed, &again.errors))
}

/// Parses the posted form, which was filled from `seen`. An empty secret leaves the stored one. Where the issuer is new, endpoints
/// that were not edited are left out, so that they are those of the new one.
fn change(form: &PostedForm, seen: &FormValues) -> app::Result<OidcConnectionChange> {
    let mut change: OidcConnectionChange = form.change()?;
    change.client_secret = change.client_secret.filter(|secret| !secret.trim().is_empty());
    if change.issuer.as_deref().map(str::trim) != Some(seen.text("issuer").trim()) {
        let fields = [
            &mut change.authorization_endpoint,
            &mut change.token_endpoint,
            &mut change.userinfo_endpoint,
            &mut change.jwks_uri,
            &mut change.token_auth_method,
        ];
        for (name, value) in ENDPOINTS.into_iter().zip(fields) {
            let was_typed = value.as_deref().is_some_and(|text| text.trim() != seen.text(name).trim());
            if !was_typed {
                *value = None;
            }
        }
    }
    Ok(change)
}

/// The current settings as form values.
pub(in crate::web::console) fn typed(connection: &OidcConnection) -> FormValues {
    let url = |url: &Option<HttpUrl>| url.as_ref().map(ToString::to_string).unwrap_or_default();
    FormValues::new()
        .with("displayName", &connection.display_name)
        .with("issuer", connection.issuer.as_deref().unwrap_or_default())
        .with("clientId", connection.client_id.as_deref().unwrap_or_default())
        .with("authorizationEndpoint", url(&connection.authorization_endpoint))
        .with("tokenEndpoint", url(&connection.token_endpoint))
        .with("userinfoEndpoint", url(&connection.userinfo_endpoint))
        .with("jwksUri", url(&connection.jwks_uri))
        .with("tokenAuthMethod", connection.token_auth_method.as_str())
        .with("scopes", connection.scopes.join("\n"))
        .with("emailClaim", &connection.claims.email)
        .with("givenNameClaim", &connection.claims.given_name)
        .with("familyNameClaim", &connection.claims.family_name)
        .with("groupsClaim", &connection.claims.groups)
        .with_flag("primary", connection.primary)
        .with_flag("disabled", connection.disabled)
}

fn new_page(
    context: &EnvironmentContext,
    organization: &Organization,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let action = context.href(console::NEW_OIDC_CONNECTION, &[&organization.id]);
    let back = context.href(console::ORGANIZATION, &[&organization.id]);
    let form = forms::Form::new(&action, "Create connection", context.csrf()).cancel(&back);
    context
        .shell(Section::Organizations, "New OIDC connection")
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
        (provider(&view, false))
        (primary(&view))
    };
    html! {
        h1 { "New OIDC connection" }
        p {
            "Everything may stay empty for now: the connection’s page then shows the redirect URI that the customer’s IT must \
             enter, and you come back with the client ID and the client secret that they send you."
        }
        section.card { (view.render(form, fields)) }
    }
}

fn provider(view: &FormView<'_>, has_secret: bool) -> Markup {
    let secret_hint = match has_secret {
        true => "One is stored, and is never shown. Leave this empty to keep it.",
        false => "It is stored encrypted and never shown again.",
    };
    html! {
        fieldset.group {
            legend { "Their OpenID provider" }
            (view.url("issuer", "Issuer").code().optional()
                .hint("Exactly as the provider writes it; the endpoints are read from there. Okta: https://acme.okta.com. Entra ID: https://login.microsoftonline.com/TENANT-ID/v2.0. Google: https://accounts.google.com."))
            (view.text("clientId", "Client ID").code().optional()
                .hint("Entra ID calls it Application (client) ID."))
            (view.password("clientSecret", "Client secret").optional().autocomplete("off").hint(secret_hint))
        }
    }
}

fn primary(view: &FormView<'_>) -> Markup {
    html! {
        (view.checkbox("primary", "Primary connection of the organization")
            .hint("Logins that name only the organization use it. At most one is primary, of SAML and OIDC connections together."))
    }
}

fn edit_page(
    context: &EnvironmentContext,
    connection: &OidcConnection,
    seen: &Seen,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let action = context.href(console::EDIT_OIDC_CONNECTION, &[&connection.id]);
    let back = context.href(console::OIDC_CONNECTION, &[&connection.id]);
    let form = forms::Form::new(&action, "Save", context.csrf()).cancel(&back).seen(seen.fields());
    let name = labels::oidc_connection(connection);
    let title = format!("Edit {name}");
    let has_secret = connection.client_secret.is_some();
    context
        .shell(Section::Organizations, &title)
        .crumb(name, &back)
        .respond_with(errors.status(), edit_view(&title, &form, has_secret, typed, errors))
}

/// The form of all settings.
pub(in crate::web::console) fn edit_view(
    title: &str,
    form: &forms::Form<'_>,
    has_secret: bool,
    typed: &FormValues,
    errors: &FormErrors,
) -> Markup {
    let view = FormView::new(typed, errors);
    let fields = html! {
        (view.text("displayName", "Name").optional().hint("For those who choose among several connections."))
        (provider(&view, has_secret))
        fieldset.group {
            legend { "Its endpoints" }
            (view.url("authorizationEndpoint", "Authorization endpoint").code().optional()
                .hint("Where people sign in. A new issuer fills this and the next ones."))
            (view.url("tokenEndpoint", "Token endpoint").code().optional()
                .hint("The client secret is sent there. Where it moves to another server, enter the secret again."))
            (view.url("jwksUri", "JWKS URI").code().optional().hint("Where the provider publishes its keys."))
            (view.url("userinfoEndpoint", "UserInfo endpoint").code().optional()
                .hint("Asked only where the ID token has no e-mail address."))
            (view.select("tokenAuthMethod", "How the client secret is sent", &METHODS))
        }
        fieldset.group {
            legend { "Logins" }
            (primary(&view))
            (view.checkbox("disabled", "Switched off")
                .hint("Its logins are refused, its codes and tokens end, and everything else is kept."))
            (view.textarea("scopes", "Scopes", 3).code().optional().hint("One a line. openid is always asked for."))
        }
        fieldset.group {
            legend { "Claims" }
            (view.text("emailClaim", "E-mail address").code().optional().hint("Empty: email."))
            (view.text("givenNameClaim", "Given name").code().optional().hint("Empty: given_name."))
            (view.text("familyNameClaim", "Family name").code().optional().hint("Empty: family_name."))
            (view.text("groupsClaim", "Groups").code().optional().hint("Empty: groups."))
        }
    };
    html! {
        h1 { (title) }
        section.card { (view.render(form, fields)) }
    }
}
