//! `/console/{environment}/oidc-connections/{connection}`: the redirect URI for the customer, the provider's values, and how logins
//! are checked.

use base::{id::OidcConnectionId, time::Timestamp};
use maud::{Markup, html};
use model::{
    http_url::HttpUrl, login_flow::FlowOrigin, oidc_connection::OidcConnection, organization::Organization,
};

use crate::{
    app::{self, login::BeginOutcome, permissions::Action},
    links::{Links, console},
    web::{
        console::kit::{
            context::EnvironmentContext, form::ConsoleForm, labels, labels::Href, shell::Section,
        },
        kit::{
            components::{self, ButtonStyle, Icon, code_block, copyable, facts, link_button, notice, time},
            error::{PageError, PageResult},
            forms::button_form,
            request,
        },
        login::{browser_cookie, idp_redirect},
    },
};

/// The page of a connection.
pub(in crate::web::console) struct ConnectionPage<'a> {
    pub connection: &'a OidcConnection,
    pub organization: &'a Organization,
    pub links: &'a Links,
    pub may_manage: bool,
    pub href: Href<'a>,
    pub csrf: Markup,
    pub now: Timestamp,
}

/// `GET …/oidc-connections/{connection}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let connection =
        app::connections::oidc::find(&context.state, &context.principal, context.id("oidc_connection")?)
            .await?;
    let organization = load_organization(&context, &connection).await?;
    let page = ConnectionPage {
        connection: &connection,
        organization: &organization,
        links: &context.state.links_of(&context.environment),
        may_manage: context.may(Action::OidcConnectionsManage),
        href: &|pattern, segments| context.href(pattern, segments),
        csrf: context.csrf(),
        now: context.now(),
    };
    Ok(context
        .shell(Section::Organizations, &labels::oidc_connection(&connection))
        .crumb(labels::organization(&organization), context.href(console::ORGANIZATION, &[&organization.id]))
        .begins_login()
        .respond(view(&page)))
}

/// `POST …/oidc-connections/{connection}/test`: starts a test login. It issues no code to an app and ends on its timeline.
pub async fn test(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    context.require(Action::OidcConnectionsManage)?;
    let id: OidcConnectionId = context.id("oidc_connection")?;
    let (browser, host) =
        (browser_cookie::browser(&context.state.links, context.request()), request::host(context.request()));
    let (state, principal) = (&context.state, &context.principal);
    let begun =
        app::login::test_login::begin(state, principal, id.into(), FlowOrigin::Console, browser, host)
            .await?;
    Ok(match begun {
        BeginOutcome::Begun(begun) => idp_redirect::send_to_idp(state, begun),
        BeginOutcome::Refused(refused) => {
            idp_redirect::see_other(&context.href(console::FLOW, &[&refused.flow]))
        }
    })
}

pub(super) async fn load_organization(
    context: &EnvironmentContext,
    connection: &OidcConnection,
) -> Result<Organization, PageError> {
    Ok(app::resource::find(&context.state, &context.principal, connection.organization_id).await?)
}

/// The page.
pub(in crate::web::console) fn view(page: &ConnectionPage<'_>) -> Markup {
    let connection = page.connection;
    let id = &connection.id;
    let missing = connection.missing_settings();
    let edit = (page.href)(console::EDIT_OIDC_CONNECTION, &[id]);
    html! {
        div.head-row {
            h1 { (labels::oidc_connection(connection)) }
            @if page.may_manage {
                div.actions {
                    @if missing.is_empty() {
                        (button_form(&(page.href)(console::TEST_OIDC_CONNECTION, &[id]), "Test login", ButtonStyle::Primary, page.csrf.clone()))
                    }
                    (link_button(ButtonStyle::Plain, "Edit", &edit))
                    (link_button(ButtonStyle::Danger, "Delete", &(page.href)(console::DELETE_OIDC_CONNECTION, &[id])))
                }
            }
        }
        p { (labels::oidc_connection_state(connection)) }
        @if page.organization.is_disabled() {
            (labels::switched_off_notice("connection’s organization", "Nobody signs in through this connection meanwhile.",
                page.may_manage.then(|| (page.href)(console::EDIT_ORGANIZATION, &[&page.organization.id])).as_deref()))
        }
        @if connection.disabled {
            (labels::switched_off_notice("connection", "Its logins are refused.", page.may_manage.then_some(&*edit)))
        }
        @if !missing.is_empty() {
            (notice(Icon::Attention, "Nobody can sign in through it yet", html! {
                p { "Still missing: " (components::join_with_and(&missing.iter().map(|name| setting_label(name)).collect::<Vec<_>>())) "." }
                @if page.may_manage { p { a href=(edit) { "Enter what is missing" } } }
            }))
        }
        section.card aria-labelledby="for-them" {
            h2 #for-them { "What the customer’s IT enters" }
            p.soft { "In their OpenID provider, where they register a web application for your product." }
            (facts(&[
                ("Redirect URI (sign-in redirect URI, callback URL)", copyable(&connection.redirect_uri, "redirect URI")),
                ("Grant type", html! { "Authorization code" }),
                ("Scopes", html! { code { (connection.scopes.join(" ")) } }),
            ]))
        }
        (provider(page))
        section.card aria-labelledby="checking" {
            h2 #checking { "How logins are checked" }
            (facts(&[
                ("E-mail address", html! { "from the claim " code { (connection.claims.email) } ", of a domain of the organization" }),
                ("Names", html! { "from the claims " code { (connection.claims.given_name) } " and " code { (connection.claims.family_name) } }),
                ("Groups", html! { "from the claim " code { (connection.claims.groups) } }),
                ("Issuer in the response", html! {
                    @if connection.response_iss { "must be there: the provider says that it always sends it" }
                    @else { "compared where the provider sends it" }
                }),
            ]))
        }
        (for_developers(page))
    }
}

/// The label of a missing setting.
fn setting_label(name: &str) -> &'static str {
    match name {
        "issuer" => "the issuer",
        "authorizationEndpoint" => "the authorization endpoint",
        "tokenEndpoint" => "the token endpoint",
        "jwksUri" => "the JWKS URI",
        "clientId" => "the client ID",
        _ => "the client secret",
    }
}

fn provider(page: &ConnectionPage<'_>) -> Markup {
    let connection = page.connection;
    let missing = || html! { span.mark.attention { "missing" } };
    let text = |text: Option<&str>, name: &str| text.map_or_else(missing, |text| copyable(text, name));
    let url = |url: &Option<HttpUrl>, name: &str| text(url.as_ref().map(HttpUrl::as_str), name);
    html! {
        section.card aria-labelledby="theirs" {
            h2 #theirs { "Their OpenID provider" }
            (facts(&[
                ("Issuer", text(connection.issuer.as_deref(), "issuer")),
                ("Client ID", text(connection.client_id.as_deref(), "client ID")),
                ("Client secret", match connection.client_secret {
                    Some(_) => html! { "stored, and never shown" },
                    None => missing(),
                }),
                ("Authorization endpoint", url(&connection.authorization_endpoint, "authorization endpoint")),
                ("Token endpoint", url(&connection.token_endpoint, "token endpoint")),
                ("JWKS URI", url(&connection.jwks_uri, "JWKS URI")),
                ("UserInfo endpoint", match &connection.userinfo_endpoint {
                    Some(url) => copyable(url.as_str(), "UserInfo endpoint"),
                    None => html! { span.soft { "none" } },
                }),
                ("Last changed", time(connection.updated_at, page.now)),
            ]))
        }
    }
}

fn for_developers(page: &ConnectionPage<'_>) -> Markup {
    let id = page.connection.id;
    let curl = format!(
        "curl {} \\\n  -H 'Authorization: Bearer YOUR_API_KEY' \\\n  -H 'Content-Type: application/json' \\\n  -d '{{\"samlConnectionId\": \"{id}\", \"state\": \"your own state\"}}'",
        page.links.saml_redirect(),
    );
    html! {
        section.card aria-labelledby="developers" {
            h2 #developers { "For your developers" }
            p { "Your apps need no change: they begin a login and redeem its code as with a SAML connection." }
            (facts(&[("ID", copyable(&id.to_string(), "connection id"))]))
            details {
                summary { "Begin a login" }
                (code_block("curl", &curl))
            }
        }
    }
}
