//! Sign-in to the console through an OpenID provider.

use std::{collections::HashSet, time::Duration};

use base::time::Timestamp;
use model::{account::AuthenticationMethod, email::Email};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _,
    core::{
        CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreIdTokenClaims,
        CoreIdTokenVerifier, CoreProviderMetadata,
    },
};

use super::{
    pending::{PendingSso, SsoPurpose, consume, open, seal},
    provider::provider_error,
    session::{SsoCallback, asserted_auth_time, set_authentication_time, sign_in_with_email},
};
use crate::app::{Error, OidcProvider, Result, State, accounts::Device};

/// The redirect that begins a sign-in through the OpenID provider.
#[derive(Debug)]
pub struct SsoRedirect {
    /// The URL of the authorization request.
    pub location: String,
    /// The value of the cookie with the pending sign-in.
    pub cookie: String,
}

/// Begins a sign-in through the OpenID provider (OpenID Connect Core 1.0 §3.1, with PKCE: RFC 7636).
pub async fn begin_oidc(state: &State, next: &str, purpose: SsoPurpose<'_>) -> Result<SsoRedirect> {
    let provider = provider(state)?;
    let metadata = state.console_provider.metadata(&provider.issuer, state.now()).await?;
    let client = CoreClient::from_provider_metadata(
        (*metadata).clone(),
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
    let cache = &state.console_provider;
    let metadata = cache.metadata(&provider.issuer, state.now()).await?;
    let client = CoreClient::from_provider_metadata(
        (*metadata).clone(),
        ClientId::new(provider.client_id.clone()),
        Some(ClientSecret::new(provider.client_secret.clone())),
    )
    .set_redirect_uri(redirect_uri(state)?);
    let tokens = client
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .map_err(|error| provider_error(&error))?
        .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier.clone()))
        .request_async(cache.http().await?)
        .await
        .map_err(|error| provider_error(&error))?;
    let id_token = tokens.id_token().ok_or_else(|| provider_error(&"the response has no ID token"))?;
    let mut verified = verify(state, provider, &metadata, id_token, &pending.nonce);
    if let Err(ClaimsVerificationError::SignatureVerification(_)) = &verified
        && let Some(newer) = cache.newer_metadata(&provider.issuer, &metadata, state.now()).await?
    {
        // The provider may sign with a new key.
        verified = verify(state, provider, &newer, id_token, &pending.nonce);
    }
    let claims = verified.map_err(|error| provider_error(&error))?;
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

/// Verifies an ID token (OpenID Connect Core 1.0 §3.1.3.7).
fn verify<'t>(
    state: &State,
    provider: &OidcProvider,
    metadata: &CoreProviderMetadata,
    id_token: &'t CoreIdToken,
    nonce: &str,
) -> Result<&'t CoreIdTokenClaims, ClaimsVerificationError> {
    let verifier = CoreIdTokenVerifier::new_confidential_client(
        ClientId::new(provider.client_id.clone()),
        ClientSecret::new(provider.client_secret.clone()),
        metadata.issuer().clone(),
        metadata.jwks().clone(),
    );
    // Asymmetric algorithms only: with HMAC, anybody with the client secret could sign.
    let offered: HashSet<_> = metadata.id_token_signing_alg_values_supported().iter().cloned().collect();
    let asymmetric = offered.into_iter().filter(|one| {
        serde_json::to_value(one)
            .is_ok_and(|name| name.as_str().is_some_and(|name| !name.starts_with("HS") && name != "none"))
    });
    let now = state.now();
    let verifier = verifier.set_allowed_algs(asymmetric).set_time_fn(move || now.system_time().into());
    id_token.claims(&verifier, &Nonce::new(nonce.to_owned()))
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

fn provider(state: &State) -> Result<&OidcProvider> {
    let provider = state.settings.console.oidc.as_ref();
    provider.ok_or_else(|| Error::not_found("OpenID sign-in", "(not configured)"))
}

fn redirect_uri(state: &State) -> Result<RedirectUrl> {
    RedirectUrl::new(state.links.console_oidc_callback().into()).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

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
