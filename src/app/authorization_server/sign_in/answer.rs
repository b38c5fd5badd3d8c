//! The response to an authorization request: a code or an error, with `iss` (RFC 9207).

use std::{fmt, time::Duration};

use base::{
    id::{ApplicationId, GrantId, Id, LoginFlowId},
    secret::AuthorizationCode,
};
use model::{account::UserSession, user::User};
use oauth::{Error, sign_in_request::ResponseMode, token::CODE_LIFETIME};

use super::visitor::organization;
use crate::{
    app::{Result, State, authorization_server::issuers::Issuer},
    store::{
        Transaction,
        account_grants::{self, AccountGrant, NewCode},
        authorization_requests::AuthorizationRequest,
    },
};

/// How long a grant lasts, and with it its refresh tokens.
pub(in crate::app::authorization_server) const GRANT_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// What goes to the client, through the browser.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientAnswer {
    /// The redirect URI, which is the client's.
    pub redirect_uri: String,
    /// How it goes there.
    pub mode: ResponseMode,
    /// The parameters.
    pub parameters: Vec<(&'static str, String)>,
}

/// Shows no code.
impl fmt::Debug for ClientAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAnswer").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl ClientAnswer {
    fn new(redirect_uri: &str, mode: ResponseMode, state: Option<&str>, issuer: String) -> Self {
        let state = state.map(|state| ("state", state.to_owned()));
        let parameters = state.into_iter().chain([("iss", issuer)]).collect();
        Self { redirect_uri: redirect_uri.to_owned(), mode, parameters }
    }

    /// An error.
    pub(super) fn error(
        redirect_uri: &str,
        mode: ResponseMode,
        state: Option<&str>,
        issuer: String,
        error: &Error,
    ) -> Self {
        let mut answer = Self::new(redirect_uri, mode, state, issuer);
        answer.parameters.insert(0, ("error_description", error.description()));
        answer.parameters.insert(0, ("error", error.code().to_owned()));
        answer
    }

    /// A code.
    fn code(request: &AuthorizationRequest, issuer: String, code: &AuthorizationCode) -> Self {
        let mut answer =
            Self::new(&request.redirect_uri, request.response_mode, request.state.as_deref(), issuer);
        answer.parameters.insert(0, ("code", code.reveal()));
        answer
    }
}

/// Gives the client of a request a grant in a session, and the code that it is fetched with: what the client is answered.
pub(super) async fn grant(
    tx: &mut Transaction,
    state: &State,
    issuer: &Issuer,
    (session, user): (&UserSession, &User),
    (client_id, request): (ApplicationId, &AuthorizationRequest),
    flow_id: Option<LoginFlowId>,
) -> Result<ClientAnswer> {
    let organization = organization(issuer)?;
    let now = state.now();
    let id: GrantId = Id::new(now, &*state.random);
    let grant = AccountGrant {
        id,
        environment_id: request.environment_id,
        issuer: organization.id,
        switched: false,
        form: request.form,
        organization_id: user.organization_id,
        client_id,
        user_id: session.subject,
        session_id: session.id,
        flow_id,
        scope: request.scope.clone(),
        authenticated_at: session.authenticated_at,
        amr: session.context.amr.clone(),
        created_at: now,
        expires_at: now + GRANT_LIFETIME,
    };
    account_grants::insert(tx, &grant).await?;
    let code = AuthorizationCode::new(&*state.random);
    let new = NewCode {
        code: &code,
        redirect_uri: &request.redirect_uri,
        redirect_uri_sent: request.redirect_uri_sent,
        code_challenge: request.code_challenge.as_deref(),
        nonce: request.nonce.as_deref(),
        expires_at: now + CODE_LIFETIME,
    };
    account_grants::insert_code(tx, id, &new).await?;
    tracing::info!(grant = %id, client = %client_id, issuer = issuer.stored(), "code issued");
    Ok(ClientAnswer::code(request, issuer.in_form(request.form).url(&state.links), &code))
}
