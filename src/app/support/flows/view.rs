//! One login with its context: organization, connection, the certificates of both sides, what the signatures
//! cover, and decrypted assertions.

use base::{connection_id::ConnectionId, id::LoginFlowId, time::Timestamp};
use model::{
    application::Application,
    login_flow::{FlowStep, LoginProtocol, StepKind},
    oidc_connection::OidcConnection,
    organization::Organization,
    saml_connection::SamlConnection,
    user::User,
};
use saml::{Certificate, inspect};

use super::details::{FlowDetails, find};
use crate::{
    app::{
        Error, Result, State,
        connections::saml::{certificates::CertificateView, sp_keys},
        login,
        principal::Principal,
    },
    store::{self, table},
};

/// What a document of the timeline contains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentFacts {
    /// Whether a verified signature covers the whole response.
    pub response_signed: bool,
    /// Whether a verified signature covers the assertion.
    pub assertion_signed: bool,
    /// The fingerprints of the certificates that verified them.
    pub verified_by: Vec<String>,
    /// The certificates embedded in the response, trusted or not.
    pub embedded: Vec<CertificateView>,
    /// The decrypted assertion, if it was encrypted to one of our keys.
    pub decrypted: Option<String>,
}

/// A login with its context.
#[derive(Debug)]
pub struct FlowView {
    /// The login with its timeline.
    pub found: FlowDetails,
    /// What each step's document contains.
    pub document_facts: Vec<DocumentFacts>,
    /// Its organization, if it still exists.
    pub organization: Option<Organization>,
    /// Its connection as it is now, if it still exists.
    pub connection: Option<SamlConnection>,
    /// The same, of a login by OpenID Connect.
    pub oidc_connection: Option<OidcConnection>,
    /// The account, if it still exists.
    pub user: Option<User>,
    /// The application, if it still exists.
    pub application: Option<Application>,
    /// When the code of the accepted login expires or expired, unless it was revoked before.
    pub code_expires_at: Option<Timestamp>,
    /// The certificates that the connection trusts now.
    pub trusted: Vec<CertificateView>,
}

/// Loads one login with its context.
pub async fn describe(state: &State, principal: &Principal, id: LoginFlowId) -> Result<FlowView> {
    let found = find(state, principal, id).await?;
    let flow = &found.flow;
    let mut conn = state.db.read().await?;
    let organization =
        table::find::<Organization>(&mut conn, flow.environment_id, flow.organization_id).await?;
    let connection = match flow.connection_id.and_then(ConnectionId::saml) {
        Some(id) => store::login_connections::find_in_environment(&mut conn, flow.environment_id, id)
            .await?
            .map(|target| target.connection),
        None => None,
    };
    let oidc_connection = match flow.connection_id.and_then(ConnectionId::oidc) {
        Some(id) => table::find::<OidcConnection>(&mut conn, flow.environment_id, id).await?,
        None => None,
    };
    let user = match flow.user_id {
        Some(id) => table::find::<User>(&mut conn, flow.environment_id, id).await?,
        None => None,
    };
    let application = match flow.application_id {
        Some(id) => table::find::<Application>(&mut conn, flow.environment_id, id).await?,
        None => None,
    };
    drop(conn);
    let mut trusted = Vec::new();
    for pem in connection.iter().flat_map(|connection| &connection.idp_certificates) {
        let read = Certificate::parse_pem_bundle(pem).map_err(Error::internal)?;
        trusted.extend(read.iter().map(CertificateView::from));
    }
    let is_saml = flow.protocol == LoginProtocol::Saml;
    let encrypted = found
        .steps
        .iter()
        .filter(|step| is_saml && step.kind != StepKind::Requested)
        .any(|step| step.document.as_deref().is_some_and(inspect::is_encrypted));
    // `key_pairs` creates missing keys. Without assertion encryption there may be none, and a view creates none.
    let keys = match &connection {
        Some(connection) if encrypted && connection.assertion_encryption => {
            let pairs = sp_keys::key_pairs(state, connection.environment_id).await?;
            pairs.into_iter().map(|pair| pair.key.clone()).collect()
        }
        _ => Vec::new(),
    };
    let document_facts = found
        .steps
        .iter()
        .map(|step| if is_saml { inspect(step, &keys) } else { DocumentFacts::default() })
        .collect();
    let lifetime = match found.flow.protocol {
        LoginProtocol::Account => oauth::token::CODE_LIFETIME,
        LoginProtocol::Saml | LoginProtocol::Oidc => login::code_lifetime(state, &found.flow),
    };
    let code_expires_at = found.flow.answered_at.map(|at| at + lifetime);
    Ok(FlowView {
        found,
        document_facts,
        organization,
        connection,
        oidc_connection,
        user,
        application,
        code_expires_at,
        trusted,
    })
}

fn inspect(step: &FlowStep, keys: &[openssl::pkey::PKey<openssl::pkey::Private>]) -> DocumentFacts {
    if step.kind == StepKind::Requested {
        return DocumentFacts::default();
    }
    let verified = inspect::verified_signatures(&step.checks);
    let xml = step.document.as_deref().unwrap_or_default();
    let mut verified_by: Vec<String> = verified.iter().map(|one| one.certificate.to_owned()).collect();
    verified_by.dedup();
    DocumentFacts {
        response_signed: verified.iter().any(|one| one.of_response),
        assertion_signed: verified.iter().any(|one| !one.of_response),
        verified_by,
        embedded: inspect::embedded_certificates(xml).iter().map(CertificateView::from).collect(),
        decrypted: match inspect::is_encrypted(xml) && !keys.is_empty() {
            true => inspect::decrypted_assertion(xml, keys),
            false => None,
        },
    }
}
