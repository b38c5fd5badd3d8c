//! Single sign-on to the console, where the operator configured it: through a SAML connection of the
//! gateway's own, or through an OpenID provider. The asserted e-mail address must be that of an administrator
//! or of an open invitation.
//!
//! The state of a pending sign-in is sealed in a cookie of the browser and accepted once.

use std::{collections::HashSet, time::Duration};

use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _,
    core::{CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreIdTokenClaims, CoreProviderMetadata},
};
use serde::{Deserialize, Serialize};

use super::{Device, roles, sessions::NewSession, sign_in};
use crate::{
    app::{
        Error, OidcProvider, Result, State,
        actor::{Credential, Principal},
        audit::{self, Entry},
        login::{
            self as login, BeginOutcome, BrowserId,
            eligibility::{self, LoginSubject},
        },
        outgoing::{HttpClient, HttpClientError, HttpClientLimits},
    },
    model::{
        administrator::{Administrator, AuthenticationMethod},
        audit::audit_fields,
        email::Email,
        id::{Id, SamlFlowId},
        saml_flow::FlowOrigin,
        secret::Digest,
        time::Timestamp,
    },
    store::{
        self, Transaction, admin_challenges, admin_invitations, admin_sessions, saml_connections, saml_flows,
    },
};

/// How long a sign-in at the identity provider may take.
const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// The context that the sealed cookie is bound to.
const SEAL_CONTEXT: &str = "admin_challenges/sso";

/// The redirect that begins a sign-in through the OpenID provider.
#[derive(Debug)]
pub struct SsoRedirect {
    /// The URL of the authorization request.
    pub location: String,
    /// The value of the cookie with the pending sign-in.
    pub cookie: String,
}

/// A completed sign-in through an identity provider.
#[derive(Debug)]
pub struct SsoCallback {
    /// The session.
    pub session: NewSession,
    /// The path to redirect the browser to.
    pub next: String,
}

#[derive(Serialize, Deserialize)]
struct PendingSso {
    /// OAuth's `state`, or the id of the login flow.
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    expires_at: i64,
    /// Whether the provider must ask for credentials.
    #[serde(default)]
    forced: bool,
    /// The address of the signed-in account, for a reauthentication.
    #[serde(default)]
    account: Option<String>,
}

/// What a sign-in through an identity provider is for.
#[derive(Debug, Clone, Copy)]
pub enum SsoPurpose<'a> {
    /// To sign in to the console.
    SignIn,
    /// To reauthenticate: the provider must ask for credentials even if it has a session.
    Confirm {
        /// The address of the signed-in account.
        account: Option<&'a Email>,
    },
}

impl PendingSso {
    fn new(state: &State, flow: String, next: &str, purpose: SsoPurpose<'_>) -> Self {
        let (forced, account) = match purpose {
            SsoPurpose::SignIn => (false, None),
            SsoPurpose::Confirm { account } => (true, account.map(ToString::to_string)),
        };
        Self {
            state: flow,
            nonce: String::new(),
            verifier: String::new(),
            next: next.to_owned(),
            expires_at: (state.now() + LIFETIME).millis(),
            forced,
            account,
        }
    }

    /// When the sign-in began.
    fn started_at(&self) -> Timestamp {
        Timestamp::from_millis(self.expires_at) - LIFETIME
    }

    /// Returns an error if another address than that of the signed-in account was asserted.
    fn check_account(&self, asserted: &Email) -> Result<()> {
        match self.account.as_deref().and_then(Email::parse) {
            Some(account) if account.key() != asserted.key() => Err(Error::FailedPrecondition(
                format!(
                    "you signed in as {asserted} there; this is the account of {account}. Confirm again, as {account}"
                )
                .into(),
            )),
            _ => Ok(()),
        }
    }
}

fn seal(state: &State, pending: &PendingSso) -> Result<String> {
    let json = serde_json::to_vec(pending).map_err(Error::internal)?;
    Ok(state.master_key.seal(SEAL_CONTEXT, &json, &*state.random))
}

/// Opens the sealed cookie. An error if it has expired or belongs to another `state`.
fn open(state: &State, cookie: &str, returned_state: &str) -> Result<PendingSso> {
    let json = state.master_key.open(SEAL_CONTEXT, cookie).map_err(|_| unknown_sso_state())?;
    let pending: PendingSso = serde_json::from_slice(&json).map_err(|_| unknown_sso_state())?;
    let is_over = Timestamp::from_millis(pending.expires_at) <= state.now();
    if is_over || Digest::of(&pending.state) != Digest::of(returned_state) {
        return Err(unknown_sso_state());
    }
    Ok(pending)
}

/// The error for a callback without its pending sign-in in this browser.
fn unknown_sso_state() -> Error {
    Error::FailedPrecondition(
        "this sign-in was not begun in this browser, or took too long; begin again".into(),
    )
}

/// Marks a pending sign-in as used. An error if it was used before.
async fn consume(tx: &mut Transaction, pending: &PendingSso) -> Result<()> {
    let expires_at = Timestamp::from_millis(pending.expires_at);
    match admin_challenges::consume(tx, Digest::of(&pending.state), expires_at).await? {
        true => Ok(()),
        false => Err(Error::FailedPrecondition("this sign-in was used already; begin again".into())),
    }
}

/// Begins a sign-in through the SAML connection, bound to `browser`. Returns the login request, and the value of
/// the cookie with the pending sign-in.
pub async fn begin_saml(
    state: &State,
    next: &str,
    browser: Option<BrowserId>,
    purpose: SsoPurpose<'_>,
) -> Result<(login::BegunLogin, String)> {
    let off = || Error::not_found("SAML sign-in", "(not configured)");
    let id = state.settings.console.saml_connection.ok_or_else(off)?;
    let target = {
        let mut conn = state.db.read().await?;
        saml_connections::find_for_login(&mut conn, id).await?.ok_or_else(off)?
    };
    let force_authn = matches!(purpose, SsoPurpose::Confirm { .. });
    let begun = match login::begin_administrator(state, &target, browser, force_authn).await? {
        BeginOutcome::Begun(begun) => begun,
        BeginOutcome::Refused(refused) => {
            return Err(Error::FailedPrecondition(refused.refusal.remedy().into()));
        }
    };
    let pending = PendingSso::new(state, begun.flow.to_string(), next, purpose);
    let cookie = seal(state, &pending)?;
    Ok((begun, cookie))
}

/// Completes a sign-in through the SAML connection: the flow succeeded, and this browser both began it and posted
/// its response. A request of another browser is an error and consumes nothing.
pub async fn finish_saml(
    state: &State,
    flow: &str,
    cookie: &str,
    browser: Option<&BrowserId>,
    device: &Device,
) -> Result<SsoCallback> {
    let pending = open(state, cookie, flow)?;
    let unknown = || Error::not_found("login flow", flow);
    let id: SamlFlowId = flow.parse().map_err(|_| unknown())?;
    let connection = state.settings.console.saml_connection.ok_or_else(unknown)?;
    let found = saml_flows::find(&mut state.db.read().await?, connection, id).await?.ok_or_else(unknown)?;
    let over =
        || Error::FailedPrecondition("this sign-in did not go well, or took too long; begin again".into());
    let (FlowOrigin::Administrator, Some(email), Some(code)) = (found.origin, &found.email, &found.code)
    else {
        return Err(over());
    };
    let carried_by = found.request.as_ref().map(|request| request.browser);
    if carried_by.is_none() || carried_by != browser.map(BrowserId::digest) {
        return Err(unknown_sso_state());
    }
    pending.check_account(email)?;
    let mut tx = state.db.write().await?;
    let (organization_id, connection_id) = (found.organization_id, found.saml_connection_id);
    let login = LoginSubject { organization_id, connection_id, email };
    if eligibility::check(&mut tx, login, &mut Vec::new()).await?.is_err() {
        return Err(over());
    }
    // The code was given to nobody. To consume it completes the flow, once and before the code expires.
    if !saml_flows::consume_code(&mut tx, id, code.digest, state.now()).await? {
        return Err(over());
    }
    let mut begun = sign_in_with_email(&mut tx, state, email, AuthenticationMethod::Saml, device).await?;
    let auth_time = saml_flows::find_authentication_time(&mut tx, id).await?;
    let authenticated_at =
        asserted_auth_time(found.force_authn, auth_time, found.created_at, state.settings.clock_skew);
    set_authentication_time(&mut tx, &mut begun, authenticated_at).await?;
    tx.commit().await?;
    Ok(SsoCallback { session: begun, next: pending.next })
}

/// Begins a sign-in through the OpenID provider (OpenID Connect Core 1.0 §3.1, with PKCE: RFC 7636).
pub async fn begin_oidc(state: &State, next: &str, purpose: SsoPurpose<'_>) -> Result<SsoRedirect> {
    let provider = provider(state)?;
    let http = ProviderClient::new()?;
    let call = |request| http.call(request);
    let metadata = discover(provider, &call).await?;
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new(provider.client_id.clone()),
        Some(ClientSecret::new(provider.client_secret.clone())),
    )
    .set_redirect_uri(redirect_uri(state)?);
    let fresh = || format!("{:032x}{:032x}", state.random.bits(), state.random.bits());
    let verifier = PkceCodeVerifier::new(fresh());
    let pending = PendingSso {
        nonce: fresh(),
        verifier: verifier.secret().clone(),
        ..PendingSso::new(state, fresh(), next, purpose)
    };
    let (csrf, nonce) = (pending.state.clone(), pending.nonce.clone());
    let mut request = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            move || CsrfToken::new(csrf.clone()),
            move || Nonce::new(nonce.clone()),
        )
        .add_scope(Scope::new("email".to_owned()))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    if pending.forced {
        request = request.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO);
    }
    let (location, _, _) = request.url();
    Ok(SsoRedirect { location: location.into(), cookie: seal(state, &pending)? })
}

/// Completes a sign-in through the OpenID provider: exchanges the code and validates the ID token.
pub async fn finish_oidc(
    state: &State,
    code: &str,
    returned_state: &str,
    cookie: &str,
    device: &Device,
) -> Result<SsoCallback> {
    let pending = open(state, cookie, returned_state)?;
    {
        // Before any request to the provider: a replay fails here.
        let mut tx = state.db.write().await?;
        consume(&mut tx, &pending).await?;
        tx.commit().await?;
    }
    let provider = provider(state)?;
    let http = ProviderClient::new()?;
    let call = |request| http.call(request);
    let metadata = discover(provider, &call).await?;
    let algorithms: HashSet<_> = metadata.id_token_signing_alg_values_supported().iter().cloned().collect();
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new(provider.client_id.clone()),
        Some(ClientSecret::new(provider.client_secret.clone())),
    )
    .set_redirect_uri(redirect_uri(state)?);
    let tokens = client
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .map_err(|error| provider_error(&error))?
        .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier.clone()))
        .request_async(&call)
        .await
        .map_err(|error| provider_error(&error))?;
    let id_token = tokens.id_token().ok_or_else(|| provider_error(&"the response has no ID token"))?;
    // Asymmetric algorithms only: with HMAC, anybody with the client secret could sign.
    let asymmetric = algorithms.into_iter().filter(|one| {
        serde_json::to_value(one)
            .is_ok_and(|name| name.as_str().is_some_and(|name| !name.starts_with("HS") && name != "none"))
    });
    let now = state.now();
    let verifier =
        client.id_token_verifier().set_allowed_algs(asymmetric).set_time_fn(move || now.system_time().into());
    let claims = id_token
        .claims(&verifier, &Nonce::new(pending.nonce.clone()))
        .map_err(|error| provider_error(&error))?;
    let email = id_token_email(claims)?;
    pending.check_account(&email)?;
    let auth_time = claims.auth_time().map(|at| Timestamp::from_millis(at.timestamp_millis()));
    let mut tx = state.db.write().await?;
    let mut begun = sign_in_with_email(&mut tx, state, &email, AuthenticationMethod::Oidc, device).await?;
    let authenticated_at =
        asserted_auth_time(pending.forced, auth_time, pending.started_at(), state.settings.clock_skew);
    set_authentication_time(&mut tx, &mut begun, authenticated_at).await?;
    tx.commit().await?;
    Ok(SsoCallback { session: begun, next: pending.next })
}

/// The time of authentication, if the provider had to ask for credentials and states that it did so after the
/// sign-in began. `None` if it may have used a session of its own, or states no time.
fn asserted_auth_time(
    forced: bool,
    auth_time: Option<Timestamp>,
    started_at: Timestamp,
    skew: Duration,
) -> Option<Timestamp> {
    auth_time.filter(|at| forced && *at + skew >= started_at)
}

/// Sets the authentication time of the new session: not later than now, and never recent if it is unknown.
async fn set_authentication_time(
    tx: &mut Transaction,
    begun: &mut NewSession,
    authenticated_at: Option<Timestamp>,
) -> Result<()> {
    let authenticated_at =
        authenticated_at.unwrap_or(Timestamp::from_millis(0)).min(begun.session.authenticated_at);
    begun.session.authenticated_at = authenticated_at;
    admin_sessions::update_authenticated(tx, begun.session.id, authenticated_at).await?;
    Ok(())
}

/// The e-mail address of an ID token. An error if the provider states that it is not verified. Without
/// `email_verified` it is trusted: the operator chose the provider.
fn id_token_email(claims: &CoreIdTokenClaims) -> Result<Email> {
    if claims.email_verified() == Some(false) {
        return Err(Error::Unauthenticated("The provider has not verified your e-mail address.".into()));
    }
    let email = claims.email().and_then(|email| Email::parse(email.as_str()));
    email.ok_or_else(|| provider_error(&"the ID token has no e-mail address"))
}

/// Starts a session for a verified address: of an administrator, or of an open invitation, which is accepted.
async fn sign_in_with_email(
    tx: &mut Transaction,
    state: &State,
    email: &Email,
    method: AuthenticationMethod,
    device: &Device,
) -> Result<NewSession> {
    let now = state.now();
    let known = store::administrators::find_by_email(tx, email).await?;
    if let Some(known) = known.as_ref().filter(|known| known.disabled_at.is_none()) {
        return sign_in::start_session(tx, state, known, method, device).await;
    }
    let invitation = admin_invitations::find_open_by_email(tx, email, now).await?;
    let Some(invitation) = invitation else {
        return Err(Error::Unauthenticated(
            "Your sign-in went well, but you are no administrator here. Ask an owner for an invitation."
                .into(),
        ));
    };
    if !admin_invitations::consume(tx, invitation.id, now).await? {
        return Err(Error::FailedPrecondition(
            "the invitation was used in the meantime; sign in again".into(),
        ));
    }
    let is_new = known.is_none();
    let was_removed = known.as_ref().is_some_and(|known| known.disabled_at.is_some());
    let administrator = Administrator {
        disabled_at: None,
        updated_at: now,
        ..known.unwrap_or_else(|| Administrator {
            id: Id::new(now, &*state.random),
            email: email.clone(),
            display_name: String::new(),
            password_hash: None,
            created_at: now,
            updated_at: now,
            disabled_at: None,
        })
    };
    if is_new {
        store::administrators::insert(tx, &administrator).await?;
    } else if was_removed {
        store::administrators::enable(tx, administrator.id, now).await?;
    }
    let principal = Principal { credential: Credential::Service, address: device.address };
    roles::grant_role(tx, state, &principal, &administrator, invitation.grant).await?;
    let principal = sign_in::principal_of(tx, &administrator, device).await?;
    let said = audit_fields! { "email": email.as_str(), "invitationId": invitation.id };
    let entry = Entry::of(&administrator, "joined").with_values(said);
    audit::record(tx, state, invitation.grant.environment_id, &principal, entry).await?;
    sign_in::start_session(tx, state, &administrator, method, device).await
}

fn provider(state: &State) -> Result<&OidcProvider> {
    let provider = state.settings.console.oidc.as_ref();
    provider.ok_or_else(|| Error::not_found("OpenID sign-in", "(not configured)"))
}

fn redirect_uri(state: &State) -> Result<RedirectUrl> {
    RedirectUrl::new(state.links.console_oidc_callback().into()).map_err(Error::internal)
}

async fn discover<F: Future<Output = Result<HttpResponse, HttpClientError>>>(
    provider: &OidcProvider,
    call: &impl Fn(HttpRequest) -> F,
) -> Result<CoreProviderMetadata> {
    let issuer = IssuerUrl::new(provider.issuer.clone()).map_err(Error::internal)?;
    CoreProviderMetadata::discover_async(issuer, call).await.map_err(|error| provider_error(&error))
}

/// The error for a failure of the provider. Its cause is logged.
fn provider_error(error: &impl std::fmt::Display) -> Error {
    tracing::warn!(%error, "signing an administrator in through the OpenID provider failed");
    Error::FailedPrecondition(
        "the OpenID provider did not answer as it should; the log says how. Begin again".into(),
    )
}

/// The HTTP client for the provider. Private and loopback addresses are allowed: the operator configured it.
struct ProviderClient(HttpClient);

impl ProviderClient {
    fn new() -> Result<Self> {
        let limits = HttpClientLimits { bytes: 256 * 1024, redirects: 0, ..HttpClientLimits::default() };
        HttpClient::new(true, limits).map(Self).map_err(Error::internal)
    }

    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpClientError> {
        self.0.exchange(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_provider_was_made_to_ask_for_and_says_that_it_did_is_a_proof() {
        let (started_at, skew) = (Timestamp::from_seconds(1_000), Duration::from_secs(60));
        for (forced, auth_time, is_proof) in [
            (true, Some(1_005), true),
            (true, Some(940), true),
            (true, Some(939), false),
            (true, None, false),
            (false, Some(1_005), false),
            (false, None, false),
        ] {
            let auth_time = auth_time.map(Timestamp::from_seconds);
            let expected = auth_time.filter(|_| is_proof);
            assert_eq!(
                asserted_auth_time(forced, auth_time, started_at, skew),
                expected,
                "{forced} {auth_time:?}"
            );
        }
    }

    #[test]
    fn an_address_that_the_provider_has_not_verified_is_refused() {
        let email_of = |extra: serde_json::Value| {
            let mut token = serde_json::json!({
                "iss": "https://idp.example", "aud": ["console"], "exp": 2, "iat": 1, "sub": "7",
            });
            token.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            id_token_email(&serde_json::from_value(token).unwrap())
        };
        let address = "dana@vendor.example";
        for verified in [serde_json::json!({}), serde_json::json!({ "email_verified": true })] {
            let mut extra = verified;
            extra["email"] = address.into();
            assert_eq!(email_of(extra).unwrap().as_str(), address);
        }
        let unverified = email_of(serde_json::json!({ "email": address, "email_verified": false }));
        assert!(matches!(unverified, Err(Error::Unauthenticated(_))), "{unverified:?}");
        for none in [serde_json::json!({}), serde_json::json!({ "email": "no address" })] {
            assert!(matches!(email_of(none), Err(Error::FailedPrecondition(_))));
        }
    }
}
