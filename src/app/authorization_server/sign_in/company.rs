//! Signing in through a connection of an organization: the login at its identity provider begins here, and ends here. The answer of
//! the identity provider comes to the Assertion Consumer Service, which verifies it and finds the account (`app/login/`); that may be
//! another host. So the browser comes back with a proof that it posted the answer, and must be the one that brought the request.

use std::time::Duration;

use base::{connection_id::ConnectionId, id::LoginFlowId, secret::SignInRequest as RequestName};
use model::{
    account::AuthenticationMethod,
    login_flow::{FlowOrigin, LoginFlow},
};
use oauth::Error as OauthError;

use super::{
    admission::{FirstFactor, admit},
    answer::ClientAnswer,
    finish::{Ending, Finished, answer_another, end},
    refusal::Refusal,
    visitor::{Visitor, organization},
};
use crate::{
    app::{
        Error, Result, State,
        authorization_server::issuers::Issuer,
        login::{self, BeginOutcome, eligibility::LoginSubject},
        retry::retry_deadlocks,
    },
    store::{
        self,
        any_login_connections::AnyLoginConnection,
        authorization_requests::{self, AuthorizationRequest, Named},
        login_flows,
    },
    telemetry,
};

/// How long the browser may take from the Assertion Consumer Service to here.
const RETURN_TIME: Duration = Duration::from_secs(5 * 60);

/// What the error that the application gets says.
const DECLINED: &str = "the sign-in of their company did not let them in";

/// Begins a login for a request, which this browser has brought. `None` where the request was answered meanwhile.
pub async fn begin(
    state: &State,
    name: &RequestName,
    request: &AuthorizationRequest,
    target: &AnyLoginConnection,
    visitor: &Visitor,
) -> Result<Option<BeginOutcome>> {
    let now = state.now();
    let id = LoginFlowId::new(now, &*state.random);
    telemetry::request_is_of_login(id);
    let force_authn = request.authenticated_since.is_some();
    let mut flow = login::new_flow_of(target, FlowOrigin::Issuer, None, None, force_authn, id, now);
    flow.application_id = request.client_id;
    let mut tx = state.db.write().await?;
    if !authorization_requests::update_flow(&mut tx, name, id, now).await? {
        return Ok(None);
    }
    tx.commit().await?;
    let browser = visitor.login_browser.clone();
    login::begin_or_refuse_through(state, target, flow, browser, &visitor.host).await.map(Some)
}

/// Ends a login that the identity provider has answered: session, code and history in one transaction.
pub async fn finish(
    state: &State,
    issuer: &Issuer,
    login: &str,
    proof: &str,
    visitor: &Visitor,
) -> Result<Result<Finished, Refusal>> {
    let Some((named, flow)) = find(state, issuer, login, visitor).await? else {
        return Ok(Err(Refusal::Gone));
    };
    let now = state.now();
    let is_answered = flow.answered_at.is_some_and(|at| at + RETURN_TIME > now);
    let (Some(asserted), Some(email), Some(connection_id)) =
        (&named.asserted, &flow.email, flow.connection_id)
    else {
        return Ok(Err(Refusal::Gone));
    };
    if !is_answered || !login::is_finish_proof(state, flow.id, proof) {
        return Ok(Err(Refusal::Gone));
    }
    let subject =
        LoginSubject { organization_id: flow.organization_id, connection_id, client_id: None, email };
    let ending = Ending {
        name: named.name,
        request: &named.request,
        proven: asserted,
        method: match connection_id {
            ConnectionId::Saml(_) => AuthenticationMethod::Saml,
            ConnectionId::Oidc(_) => AuthenticationMethod::Oidc,
        },
    };
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let whose = (flow.environment_id, asserted.user_id);
        let user = match admit(&mut tx, whose, FirstFactor::Asserted(subject)).await? {
            Ok(user) => user,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Some(answer) = answer_another(state, issuer, &named.request, &user) {
            if !authorization_requests::consume(&mut tx, named.name, now).await? {
                return Ok(Err(Refusal::Gone));
            }
            tx.commit().await?;
            return Ok(Ok(Finished { cookie: None, answer: Some(answer) }));
        }
        let Some(ended) = end(&mut tx, state, issuer, (&user, Some(flow.id)), &ending, visitor).await? else {
            return Ok(Err(Refusal::Gone));
        };
        store::sessions::update_connection(&mut tx, &ended.session, connection_id).await?;
        tx.commit().await?;
        Ok::<_, Error>(Ok(ended.finished))
    })
    .await
}

/// Answers the application that the person is not let in, after a login that failed. `None` where there is nothing to answer.
pub async fn decline(
    state: &State,
    issuer: &Issuer,
    login: &str,
    visitor: &Visitor,
) -> Result<Option<ClientAnswer>> {
    let Some((named, flow)) = find(state, issuer, login, visitor).await? else { return Ok(None) };
    let Some(client) = named.request.client_id else { return Ok(None) };
    let mut tx = state.db.write().await?;
    if !authorization_requests::consume(&mut tx, named.name, state.now()).await? {
        return Ok(None);
    }
    tx.commit().await?;
    tracing::info!(flow = %flow.id, client = %client, "sign-in declined");
    let request = &named.request;
    let issuer = issuer.url(&state.links);
    let error = OauthError::AccessDenied(DECLINED);
    let (mode, said) = (request.response_mode, request.state.as_deref());
    let mut answer = ClientAnswer::error(&request.redirect_uri, mode, said, issuer, &error);
    answer.parameters.push(("saml_flow_id", flow.id.to_string()));
    Ok(Some(answer))
}

/// The request of this browser, at this issuer, for which a login was begun last, and that login.
async fn find(
    state: &State,
    issuer: &Issuer,
    login: &str,
    visitor: &Visitor,
) -> Result<Option<(Named, LoginFlow)>> {
    let organization_id = organization(issuer)?.id;
    let environment_id = issuer.tenant.environment_id;
    let (Ok(id), Some(browser)) = (login.parse::<LoginFlowId>(), &visitor.browser) else { return Ok(None) };
    let mut conn = state.db.read().await?;
    let found = authorization_requests::find_by_flow(&mut conn, id, state.now()).await?;
    let found = found.filter(|found| {
        let request = &found.request;
        request.environment_id == environment_id
            && request.issuer == organization_id
            && request.browser == browser.digest()
    });
    let Some(found) = found else { return Ok(None) };
    let flow = login_flows::find_in_environment(&mut conn, environment_id, id).await?;
    Ok(flow.map(|flow| (found, flow)))
}
