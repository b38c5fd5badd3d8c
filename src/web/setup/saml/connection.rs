//! `/setup/saml`: single sign-on, from the choice of the identity provider to the test.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web,
};
use base::id::SamlConnectionId;
use maud::{Markup, html};
use model::{
    idp_kind::IdpKind,
    login_flow::{FlowStatus, LoginFlow},
    saml_connection::SamlConnection,
};

use crate::{
    app::{self, Error, connections::saml::SamlConnectionChange, pagination::PageQuery},
    links::{self, path},
    web::{
        kit::{
            components::{Icon, mark, shape, time},
            error::PageResult,
            response::see_other,
        },
        setup::{
            form::SetupForm,
            providers::{self, choice::provider_choice, provider::Provider},
            session::SetupContext,
        },
    },
};

/// The maximum number of connections that are shown.
const MAX_CONNECTIONS: &str = "20";

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The identity provider's settings are not complete.
    Started,
    /// They are, and no test succeeded yet.
    Configured,
    /// A test succeeded.
    Tested,
}

/// How far a connection has come, from what is stored.
pub fn progress_of(connection: &SamlConnection, test: Option<&LoginFlow>) -> Progress {
    let tested = test.is_some_and(|flow| flow.status == FlowStatus::Succeeded || flow.answered_at.is_some());
    match (connection.missing_settings().is_empty(), tested) {
        (false, _) => Progress::Started,
        (true, false) => Progress::Configured,
        (true, true) => Progress::Tested,
    }
}

impl Progress {
    /// The progress as a badge.
    pub fn view(self) -> Markup {
        match self {
            Self::Started => mark(Icon::Note, "Begun"),
            Self::Configured => mark(Icon::Attention, "Not tested yet"),
            Self::Tested => mark(Icon::Good, "Tested"),
        }
    }

    /// The step to continue with.
    pub fn resume(self, provider: &Provider) -> &'static str {
        match self {
            Self::Started => provider.saml[0].slug,
            Self::Configured | Self::Tested => "test",
        }
    }
}

/// The organization's connections with their latest tests.
pub async fn connections(context: &SetupContext) -> app::Result<Vec<(SamlConnection, Option<LoginFlow>)>> {
    let query = PageQuery { token: None, size: Some(MAX_CONNECTIONS.to_owned()) };
    let page =
        app::connections::saml::list(&context.state, &context.principal, context.organization.id, &query)
            .await?;
    let mut all = Vec::with_capacity(page.items.len());
    for described in page.items {
        let test =
            app::login::test_login::latest(&context.state, &context.principal, described.connection.id)
                .await?;
        all.push((described.connection, test));
    }
    Ok(all)
}

/// `GET /setup/saml`
pub async fn choose(context: SetupContext) -> PageResult {
    let all = connections(&context).await?;
    let now = context.state.now();
    let content = html! {
        p.back { a href=(path::SETUP_HOME) { "Overview" } }
        h1 { "Single sign-on" }
        @if !all.is_empty() {
            section.card {
                h2 { "Begun here" }
                ul.choices {
                    @for (connection, test) in &all {
                        @let provider = providers::for_kind(connection.idp_kind);
                        @let progress = progress_of(connection, test.as_ref());
                        li {
                            a href=(links::setup_saml_step(connection.id, progress.resume(provider))) {
                                span.text { (provider.kind.name()) small { (progress.view()) " · begun " (time(connection.created_at, now)) } }
                                (shape(Icon::Forward))
                            }
                        }
                    }
                }
            }
        }
        (provider_choice(path::SETUP_SAML, "Which identity provider does your company use?", &context.csrf(), |_| None))
    };
    Ok(context.layout().answer("Single sign-on", content))
}

/// `POST /setup/saml`: chooses the product. A connection that has no settings yet is reused.
pub async fn create(sent: SetupForm) -> PageResult {
    let context = &sent.context;
    let kind: IdpKind = sent
        .text("idpKind")
        .parse()
        .map_err(|_| Error::invalid("idpKind", "choose one of the identity providers"))?;
    let all = connections(context).await?;
    let fresh = all.iter().find(|(connection, test)| {
        test.is_none() && connection.idp_entity_id.is_none() && connection.idp_redirect_url.is_none()
    });
    let mut change =
        SamlConnectionChange { idp_kind: Some(kind.as_str().to_owned()), ..SamlConnectionChange::default() };
    let described = match fresh {
        Some((connection, _)) => {
            app::connections::saml::update(&context.state, &context.principal, connection.id, None, &change)
                .await?
        }
        None => {
            change.primary = Some(all.is_empty());
            app::connections::saml::create(
                &context.state,
                &context.principal,
                context.organization.id,
                &change,
            )
            .await?
        }
    };
    let first = providers::for_kind(Some(kind)).saml[0].slug;
    Ok(see_other(&links::setup_saml_step(described.connection.id, first)))
}

/// The connection with the id of the path, if it belongs to the organization.
pub(super) async fn load(context: &SetupContext, id: &str) -> app::Result<SamlConnection> {
    let id: SamlConnectionId = id.parse().map_err(|_| Error::not_found("SAML connection", "(no such id)"))?;
    let found = app::connections::saml::find(&context.state, &context.principal, id).await?.connection;
    match found.organization_id == context.organization.id {
        true => Ok(found),
        false => Err(Error::not_found("SAML connection", id)),
    }
}

/// `GET /setup/saml/{connection}/sp-metadata.xml`
pub async fn sp_metadata(context: SetupContext, path: web::Path<String>) -> PageResult {
    let connection = load(&context, &path).await?;
    let xml = app::connections::saml::sp_metadata::render(&context.state, connection.id).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/samlmetadata+xml")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"sp-metadata.xml\""))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(xml))
}

/// The status of a test result page. It is 200 for a failed test too: the request itself succeeded.
pub const TEST_RESULT_STATUS: StatusCode = StatusCode::OK;
