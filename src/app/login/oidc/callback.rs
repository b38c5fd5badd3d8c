//! The provider's answer, which the browser brings to the redirect URI (OpenID Connect Core 1.0 §3.1.2.5): its `state` finds the
//! login, its code is exchanged for an ID token, and what that says decides.

use base::id::OidcConnectionId;
use model::{
    email::Email,
    login_flow::{LoginFlow, PendingRequest},
    oidc_connection::OidcConnection,
};
use oauth::relying_party::{
    authorization::AuthorizationResponse,
    id_token::{self, Expected, Finding, IdTokenClaims, Rule, Verdict},
    token_response::{TokenResponse, error_code},
};
use serde_json::{Map, Value};

use super::{
    claims::{self, email_of},
    keys,
    provider::{self, ProviderError},
    request::{VERIFIER_PURPOSE, derived, is_nonce_of},
};
use crate::{
    app::{
        self, Result, State,
        login::{
            attempt::{BrowserBinding, LoginAttempt, LoginResult, Stop},
            browser_id::BrowserId,
            error::Error,
            refuse::RefusedLogin,
        },
    },
    store::{login_flows, oidc_login_connections},
};

/// A login through an OIDC connection while it is handled.
type Attempt<'a> = LoginAttempt<'a, OidcConnection>;

/// What becomes of an answer.
#[derive(Debug)]
pub enum CallbackOutcome {
    /// The login is accepted; the browser is redirected to the app.
    Accepted {
        /// The app's URL with the code.
        location: String,
    },
    /// The login is refused.
    Refused(RefusedLogin),
}

/// Handles an answer: finds its login, accepts or refuses it, stores the result and returns the next step of the browser.
pub async fn receive(
    state: &State,
    connection: OidcConnectionId,
    response: &AuthorizationResponse,
    browser: Option<&BrowserId>,
) -> Result<CallbackOutcome> {
    let target = {
        let mut conn = state.db.read().await?;
        oidc_login_connections::find_for_login(&mut conn, connection)
            .await?
            .ok_or_else(|| app::Error::not_found("OIDC connection", connection))?
    };
    let mut attempt = LoginAttempt::new(state, &target);
    match handle(&mut attempt, response, browser).await {
        Ok(location) => Ok(CallbackOutcome::Accepted { location }),
        Err(Stop::Refused(error)) => Ok(CallbackOutcome::Refused(attempt.refuse(error).await?)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

async fn handle(
    attempt: &mut Attempt<'_>,
    response: &AuthorizationResponse,
    browser: Option<&BrowserId>,
) -> LoginResult<String> {
    attempt.check_ready()?;
    let (flow, answered) = find_login(attempt, response, browser).await?;
    let expected = attempt.target.connection.issuer.clone();
    let is_good = match &response.issuer {
        Some(_) => response.issuer == expected,
        None => !attempt.target.connection.response_iss,
    };
    if !is_good {
        let found =
            response.issuer.as_ref().map_or("(missing)".to_owned(), |iss| iss.chars().take(200).collect());
        return Err(attempt.checks.fail(Error::ResponseIssuerMismatch, expected, Some(found)).into());
    }
    if let Some(error) = &response.error {
        return Err(attempt.checks.fail(Error::IdpError, None, Some(error_code(error))).into());
    }
    let Some(code) = &response.code else {
        let expected = Some("code, or error".to_owned());
        return Err(attempt.checks.fail(Error::AuthorizationResponseMalformed, expected, None).into());
    };
    let state = response.state.as_deref().unwrap_or_default();
    let tokens = exchange(attempt, code, state).await?;
    let mut token = validate(attempt, &tokens, state).await?;
    complete(attempt, &tokens, &mut token).await?;
    let email = find_email(attempt, &token.claims)?;
    let proven = claims::proven(&flow, &attempt.target.connection.claims, email, &token, attempt.state.now());
    attempt.accept(&flow, &answered, &proven).await
}

/// Finds the login that waits for this answer in this browser, and takes it: no other answer counts from here on.
async fn find_login(
    attempt: &mut Attempt<'_>,
    response: &AuthorizationResponse,
    browser: Option<&BrowserId>,
) -> LoginResult<(LoginFlow, PendingRequest)> {
    let unknown = |attempt: &mut Attempt<'_>, found: &str| {
        let expected = Some("the state of a login that waits for its answer".to_owned());
        Stop::from(attempt.checks.fail(Error::StateUnknown, expected, Some(found.to_owned())))
    };
    let Some(state) = response.state.as_deref() else { return Err(unknown(attempt, "(missing)")) };
    let taken = taken_id(state);
    attempt.find_flow(Some(state), browser).await?;
    if attempt.flow.is_none() {
        attempt.find_flow(Some(&taken), browser).await?;
    }
    let found = attempt.flow.clone().and_then(|flow| flow.request.clone().map(|pending| (flow, pending)));
    let Some((mut flow, mut pending)) = found else { return Err(unknown(attempt, "another one")) };
    attempt.check_browser(&pending, browser)?;
    attempt.check_unanswered(&flow)?;
    attempt.check_in_time(&pending)?;
    let is_taken = pending.id == taken || {
        let mut tx = attempt.state.db.write().await?;
        let is_first = login_flows::replace_request(&mut tx, flow.id, &pending.id, &taken).await?;
        tx.commit().await?;
        !is_first
    };
    let found = is_taken.then(|| "another answer came before".to_owned());
    let expected = Some("the first answer".to_owned());
    attempt.checks.require(Error::RequestAlreadyUsed, !is_taken, expected, found)?;
    debug_assert_eq!(attempt.binding, BrowserBinding::Bound);
    pending.id = taken;
    flow.request = Some(pending.clone());
    attempt.flow = Some(flow.clone());
    Ok((flow, pending))
}

/// Under what ID the request is stored once an answer to it came.
fn taken_id(state: &str) -> String {
    format!("taken:{state}")
}

/// Exchanges the code for tokens (OpenID Connect Core 1.0 §3.1.3).
async fn exchange(attempt: &mut Attempt<'_>, code: &str, request: &str) -> LoginResult<TokenResponse> {
    let verifier = derived(attempt.state, VERIFIER_PURPOSE, request);
    let connection = &attempt.target.connection;
    let (error, found) = match provider::exchange_code(attempt.state, connection, code, &verifier).await? {
        Ok(tokens) => {
            attempt.checks.pass(Error::CodeRefused, None, None);
            return Ok(tokens);
        }
        Err(ProviderError::Unreachable(reason)) => (Error::IdpUnreachable, reason),
        Err(ProviderError::Refused(code)) => (Error::CodeRefused, code),
        Err(ProviderError::Malformed(reason)) => (Error::TokenResponseMalformed, reason),
    };
    Err(attempt.checks.fail(error, None, Some(found)).into())
}

/// Validates the ID token. Keys that do not fit are fetched anew, as the provider may have rotated them.
async fn validate(
    attempt: &mut Attempt<'_>,
    tokens: &TokenResponse,
    request: &str,
) -> LoginResult<IdTokenClaims> {
    let (state, connection) = (attempt.state, &attempt.target.connection);
    let known = match keys::current(state, connection).await? {
        Ok(keys) => keys,
        Err(reason) => return Err(attempt.checks.fail(Error::KeysUnreadable, None, Some(reason)).into()),
    };
    let is_nonce = |nonce: &str| is_nonce_of(state, request, nonce);
    let expected = Expected {
        issuer: connection.issuer.as_deref().unwrap_or_default(),
        client_id: connection.client_id.as_deref().unwrap_or_default(),
        is_nonce: &is_nonce,
        access_token: &tokens.access_token,
        now: state.now(),
        clock_skew: state.settings.clock_skew,
    };
    let mut verdict = id_token::validate(&tokens.id_token, &known, &expected);
    let is_key = |verdict: &Verdict| {
        verdict.outcome.as_ref().is_err_and(|broken| matches!(broken.rule, Rule::Key | Rule::Signature))
    };
    if is_key(&verdict)
        && let Some(newer) = keys::newer(state, connection).await?
    {
        verdict = id_token::validate(&tokens.id_token, &newer, &expected);
    }
    for Finding { rule, expected, found } in verdict.passed {
        attempt.checks.pass(error_of(rule), expected, found);
    }
    attempt.signature_verified = verdict.signed_claims.is_some();
    if let Some(claims) = &verdict.signed_claims {
        attempt.claimed_email = email_of(&connection.claims, claims);
        attempt.document = Some(shown(claims));
    }
    match verdict.outcome {
        Ok(claims) => Ok(claims),
        Err(Finding { rule, expected, found }) => {
            Err(attempt.checks.fail(error_of(rule), expected, found).into())
        }
    }
}

/// The claims for the timeline, as they may be read: without the nonce.
fn shown(claims: &Map<String, Value>) -> String {
    let mut claims = claims.clone();
    claims.remove("nonce");
    serde_json::to_string_pretty(&claims).unwrap_or_default()
}

/// Asks the UserInfo endpoint for the address, if the ID token does not have it (OpenID Connect Core 1.0 §5.3).
async fn complete(
    attempt: &mut Attempt<'_>,
    tokens: &TokenResponse,
    token: &mut IdTokenClaims,
) -> LoginResult<()> {
    let connection = &attempt.target.connection;
    let Some(endpoint) = &connection.userinfo_endpoint else { return Ok(()) };
    if claims::has_email(&connection.claims, &token.claims) {
        return Ok(());
    }
    let userinfo = match provider::userinfo(attempt.state, endpoint, &tokens.access_token).await? {
        Ok(userinfo) => userinfo,
        Err(reason) => return Err(attempt.checks.fail(Error::UserinfoRefused, None, Some(reason)).into()),
    };
    let is_same = userinfo.get("sub").and_then(Value::as_str) == Some(token.subject.as_str());
    let found = if is_same { "the same" } else { "another one" };
    let expected = Some("the sub of the ID token".to_owned());
    attempt.checks.require(Error::UserinfoSubjectMismatch, is_same, expected, Some(found.to_owned()))?;
    for (name, value) in userinfo {
        token.claims.entry(name).or_insert(value);
    }
    attempt.claimed_email = email_of(&connection.claims, &token.claims);
    attempt.document = Some(shown(&token.claims));
    Ok(())
}

/// The person's address, unless the provider says that it is not theirs.
fn find_email(attempt: &mut Attempt<'_>, claims: &Map<String, Value>) -> Result<Email, Error> {
    let mapping = &attempt.target.connection.claims;
    let name = &mapping.email;
    let expected = Some(format!("one e-mail address in the claim {name}"));
    let text = match claims.get(name) {
        Some(Value::String(text)) if !text.trim().is_empty() => text.trim(),
        Some(Value::Null | Value::String(_)) | None => {
            let names: Vec<&str> = claims.keys().map(String::as_str).take(50).collect();
            let found = Some(format!("claims: {}", names.join(", ")));
            return Err(attempt.checks.fail(Error::EmailMissing, expected, found));
        }
        Some(_) => {
            let found = Some("something else than a text".to_owned());
            return Err(attempt.checks.fail(Error::EmailMalformed, expected, found));
        }
    };
    let Some(email) = Email::parse(text) else {
        let found = Some(text.chars().take(200).collect());
        return Err(attempt.checks.fail(Error::EmailMalformed, expected, found));
    };
    attempt.checks.pass(Error::EmailMissing, None, Some(format!("claim {name}")));
    let verified = claims.get("email_verified");
    let is_denied = match verified {
        Some(Value::Bool(is_verified)) => !is_verified,
        // Some providers send it as a text.
        Some(Value::String(text)) => text.eq_ignore_ascii_case("false"),
        Some(Value::Null) | None => false,
        Some(_) => true,
    };
    let found = verified.map_or("not said".to_owned(), ToString::to_string);
    let expected = Some("not false".to_owned());
    attempt.checks.require(
        Error::EmailUnverified,
        !is_denied,
        expected,
        Some(found.chars().take(40).collect()),
    )?;
    Ok(email)
}

/// The refusal of a token that breaks a rule.
fn error_of(rule: Rule) -> Error {
    match rule {
        Rule::Form => Error::IdTokenMalformed,
        Rule::Algorithm => Error::IdTokenAlgorithm,
        Rule::Key => Error::IdTokenKeyUnknown,
        Rule::Signature => Error::IdTokenSignature,
        Rule::Issuer => Error::IdTokenIssuer,
        Rule::Audience => Error::IdTokenAudience,
        Rule::AuthorizedParty => Error::IdTokenParty,
        Rule::Expiry => Error::IdTokenExpired,
        Rule::IssuedAt => Error::IdTokenNotYetValid,
        Rule::Nonce => Error::NonceMismatch,
        Rule::AccessTokenHash => Error::AccessTokenHashMismatch,
        Rule::Subject => Error::SubjectMissing,
    }
}
