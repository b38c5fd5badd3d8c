//! The authorization endpoint of an organization's issuer (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).

use std::time::Duration;

use base::{id::UserId, secret::SignInRequest as RequestName, time::Timestamp};
use model::application::{ClientKind, GrantType};
use oauth::{
    Error,
    authorize::{native_redirect_uri, redirect_uri},
    parameters::Parameters,
    sign_in_request::{Prompt, Requester, SignInRequest},
};

use super::{
    answer::{self, ClientAnswer},
    company,
    discovery::{self, Named, Route},
    end_session, session,
    visitor::{Visitor, organization},
};
use crate::{
    app::{
        Result, State,
        authorization_server::{
            issuer_clients,
            issuers::{Issuer, IssuerForm},
        },
        login::{BeginOutcome, BrowserId},
    },
    store::{
        applications,
        authorization_requests::{self, AuthorizationRequest},
    },
};

/// Why a request that names a connection or an organization cannot be met.
const NO_CONNECTION: &str = "names no connection through which somebody can sign in here";

/// How long somebody may take to sign in.
pub(super) const REQUEST_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// The maximum `max_age` in seconds that is counted: ten years.
const MAX_AGE: u64 = 10 * 365 * 24 * 3600;

/// What the browser does next.
#[derive(Debug)]
pub enum Outcome {
    /// It goes back to the client.
    Client(ClientAnswer),
    /// It goes to an identity provider.
    Company {
        /// What binds the request to it.
        browser: BrowserId,
        /// What became of the login there.
        login: BeginOutcome,
    },
    /// The person signs in.
    SignIn {
        /// How the request is named meanwhile.
        name: RequestName,
        /// What binds it to the browser.
        browser: BrowserId,
        /// Who the client thinks it is.
        login_hint: Option<String>,
    },
    /// An error page: the client or the redirect URI is not valid (RFC 6749 §4.1.2.1).
    Page(Error),
}

/// Answers an authorization request, at once where the browser has a session that is good for it.
/// `form`: by which name the issuer was asked, which is that of what it gives.
pub async fn authorize(
    state: &State,
    (issuer, form): (&Issuer, IssuerForm),
    query: &str,
    visitor: &Visitor,
) -> Result<Outcome> {
    let organization_id = organization(issuer)?.id;
    let environment_id = issuer.tenant.environment_id;
    let parameters = match Parameters::parse(query) {
        Ok(parameters) => parameters,
        Err(error) => return Ok(Outcome::Page(error)),
    };
    let requester = match Requester::parse(&parameters) {
        Ok(requester) => requester,
        Err(error) => return Ok(Outcome::Page(error)),
    };
    let (client, registered) = {
        let mut conn = state.db.read().await?;
        let Some(client) = issuer_clients::find(&mut conn, issuer, requester.client_id).await? else {
            return Ok(Outcome::Page(Error::UnknownClient(requester.client_id.to_string())));
        };
        let registered = applications::redirect_uris(&mut conn, &client).await?;
        (client, registered)
    };
    let is_public = client.kind == ClientKind::Public;
    let target = match is_public {
        true => native_redirect_uri(requester.redirect_uri, &registered),
        false => redirect_uri(requester.redirect_uri, &registered),
    };
    let target = match target {
        Ok(target) => target,
        Err(error) => return Ok(Outcome::Page(error)),
    };
    let refuse = |error: Error| {
        tracing::info!(client = %client.id, reason = error.code(), "authorization refused");
        let issuer = issuer.in_form(form).url(&state.links);
        let answer = ClientAnswer::error(&target, requester.response_mode, requester.state, issuer, &error);
        Ok(Outcome::Client(answer))
    };
    if client.disabled {
        return refuse(Error::ClientDisabled);
    }
    if !client.grant_types.contains(&GrantType::AuthorizationCode) {
        return refuse(Error::GrantNotPermitted);
    }
    let asked = match SignInRequest::parse(&parameters, is_public) {
        Ok(asked) => asked,
        Err(error) => return refuse(error),
    };
    let offline = client.grant_types.contains(&GrantType::RefreshToken);
    let scope = asked.granted_scope(&client.scopes, offline);
    if scope.is_empty() {
        return refuse(Error::ScopeNotGranted(asked.scopes.join(" ")));
    }
    let now = state.now();
    let browser = visitor.browser.clone().unwrap_or_else(|| BrowserId::new(&*state.random));
    let hinted_user_id: Option<UserId> = match &asked.id_token_hint {
        Some(token) => {
            let hint = end_session::read_hint(state, &issuer.in_form(form), token).await?;
            hint.and_then(|hint| hint.sub.parse().ok())
        }
        None => None,
    };
    let request = AuthorizationRequest {
        environment_id,
        issuer: organization_id,
        form,
        browser: browser.digest(),
        client_id: Some(client.id),
        redirect_uri: target.clone(),
        redirect_uri_sent: requester.redirect_uri.is_some(),
        response_mode: requester.response_mode,
        state: asked.state,
        nonce: asked.nonce,
        code_challenge: asked.code_challenge.map(|challenge| challenge.as_str().to_owned()),
        scope,
        authenticated_since: match (asked.prompt, asked.max_age) {
            (Prompt::Login, _) => Some(now),
            (_, Some(seconds)) => Some(now - Duration::from_secs(seconds.min(MAX_AGE))),
            (_, None) => None,
        },
        hinted_user_id,
        flow_id: None,
        proven: None,
        created_at: now,
        expires_at: now + REQUEST_LIFETIME,
    };
    let is_recent = |at: Timestamp| match asked.max_age {
        // A session that is as old as that is too old: `max_age=0` is `prompt=login` (OpenID Connect Core §3.1.2.1).
        Some(seconds) => {
            at.seconds().saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX)) > now.seconds()
        }
        None => true,
    };
    let mut found = match asked.prompt {
        Prompt::Login => None,
        Prompt::Unspecified | Prompt::None => session::find(state, issuer, visitor).await?,
    };
    if asked.id_token_hint.is_some() {
        // Somebody else's session does not count (OpenID Connect Core §3.1.2.1), and nobody's does where the hint proves nothing.
        found = found.filter(|(_, user)| request.hinted_user_id == Some(user.id));
    }
    if let Some((session, user)) = found.filter(|(session, _)| is_recent(session.authenticated_at)) {
        let mut tx = state.db.write().await?;
        let whose = (&session, &user);
        let answer = answer::grant(&mut tx, state, issuer, whose, (client.id, &request), None).await?;
        tx.commit().await?;
        return Ok(Outcome::Client(answer));
    }
    if asked.prompt == Prompt::None {
        return refuse(Error::SignInRequired);
    }
    let target =
        match discovery::named(state, issuer, asked.connection, asked.organization.as_deref()).await? {
            Named::Nothing => match discovery::route(state, issuer, asked.login_hint.as_deref()).await? {
                Route::Company(target) => Some(*target),
                Route::Own | Route::Choose(_) => None,
            },
            Named::Company(target) => Some(*target),
            Named::Unknown(name) => return refuse(Error::NoConnection { name, reason: NO_CONNECTION }),
        };
    let name = RequestName::new(&*state.random);
    let mut tx = state.db.write().await?;
    authorization_requests::insert(&mut tx, &name, &request).await?;
    tx.commit().await?;
    if let Some(target) = target
        && let Some(login) = company::begin(state, &name, &request, &target, visitor).await?
    {
        return Ok(Outcome::Company { browser, login });
    }
    Ok(Outcome::SignIn { name, browser, login_hint: asked.login_hint })
}
