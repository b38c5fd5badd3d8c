//! The token endpoint: exchanges an authorization code for an ID token and an access token (RFC 6749 §4.1.3, OpenID
//! Connect Core §3.1.3).

use base::{id::OauthClientId, secret::AccessToken, time::Timestamp};
use oauth::{
    Error,
    id_token::IdTokenClaims,
    pkce::{self, CodeChallenge},
    token::{ACCESS_TOKEN_LIFETIME, AuthorizationCodeGrant, TokenRequest, TokenResponse},
};

use super::{signing_keys, userinfo::user_claims};
use crate::{
    app::{
        Error as ServiceError, Result, State,
        login::eligibility::{self, CodeOutcome},
    },
    store::{
        access_tokens,
        authorization_codes::{self, CodeGrant},
        authorization_grants, login_flows,
        signing_keys::KeyOwner,
    },
    telemetry,
};

/// Exchanges a code. The client is authenticated first, so that nobody without the secret can consume a code. If the
/// user may no longer sign in, the code is invalid (RFC 6749 §5.2, `invalid_grant`). The ID token is signed before
/// the code is consumed, so that a failure does not lose the code and the transaction stays short.
pub async fn exchange(
    state: &State,
    authorization: Option<&str>,
    form: &str,
) -> Result<Result<TokenResponse, Error>> {
    let request = match TokenRequest::parse(authorization, form) {
        Ok(request) => request,
        Err(error) => return Ok(Err(error)),
    };
    let TokenRequest { client: credentials, grant: asked } = request;
    let code = asked.as_ref().ok().map(|asked| asked.code.digest());
    let found = {
        let mut conn = state.db.read().await?;
        authorization_codes::find_with_client(&mut conn, credentials.id, code).await?
    };
    let Some((client, grant)) = found.filter(|(client, _)| client.secret == credentials.secret.digest())
    else {
        return Ok(Err(Error::WrongClientCredentials));
    };
    if client.disabled {
        return Ok(Err(Error::ClientDisabled));
    }
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => return Ok(Err(error)),
    };
    let code = asked.code.digest();
    let now = state.now();
    let Some(grant) = grant.filter(|grant| {
        grant.client_id == Some(credentials.id) && grant.environment_id == client.environment_id
    }) else {
        return Ok(Err(Error::CodeNotFound));
    };
    telemetry::request_is_of_login(grant.login.flow_id);
    if grant.consumed {
        revoke(state, &grant, now).await?;
        return Ok(Err(Error::CodeNotFound));
    }
    if let Err(error) = check(&grant, &asked, now) {
        if grant.revoked || grant.expires_at <= now {
            // A deactivation ends codes: record it in the login, or support could not see why the code failed.
            let tx = state.db.write().await?;
            eligibility::check_code(tx, &grant.login, now).await?;
        }
        return Ok(Err(error));
    }

    let key = signing_keys::signer(state, KeyOwner::Installation, client.id_token_alg).await?;
    let access_token = AccessToken::new(&*state.random);
    let revealed = access_token.reveal();
    let claims = claims(state, credentials.id, &grant, key.at_hash(&revealed), now);
    let id_token = key.sign_jwt(&claims).map_err(ServiceError::internal)?;

    let tx = state.db.write().await?;
    let mut tx = match eligibility::redeem_code(state, tx, code, &grant.login, now).await? {
        CodeOutcome::Redeemed(tx) => tx,
        CodeOutcome::Refused => return Ok(Err(Error::CodeNotFound)),
        CodeOutcome::Used(mut tx) => {
            // A concurrent request redeemed it, so the code was used twice; or the grant ended meanwhile, as with its client.
            authorization_grants::revoke(&mut tx, grant.login.grant_id, now).await?;
            tx.commit().await?;
            return Ok(Err(Error::CodeNotFound));
        }
    };
    let expires_at = now + ACCESS_TOKEN_LIFETIME;
    access_tokens::insert(&mut tx, access_token.digest(), grant.login.grant_id, now, expires_at).await?;
    login_flows::update_redeemed(&mut tx, grant.login.flow_id, now).await?;
    tx.commit().await?;
    tracing::info!(flow = %grant.login.flow_id, client = %credentials.id, "code exchanged");
    Ok(Ok(TokenResponse {
        access_token: revealed,
        token_type: "Bearer",
        expires_in: ACCESS_TOKEN_LIFETIME.as_secs(),
        scope: grant.scope.unwrap_or_default(),
        id_token,
    }))
}

/// Checks that the code is neither expired nor revoked, and its redirect URI and PKCE challenge (RFC 6749 §4.1.3, RFC 7636 §4.6).
fn check(grant: &CodeGrant, asked: &AuthorizationCodeGrant, now: Timestamp) -> Result<(), Error> {
    if grant.revoked || grant.expires_at <= now {
        return Err(Error::CodeNotFound);
    }
    match &asked.redirect_uri {
        Some(sent) if grant.redirect_uri.as_ref() != Some(sent) => return Err(Error::RedirectUriMismatch),
        None if grant.redirect_uri_sent => return Err(Error::Missing("redirect_uri")),
        _ => {}
    }
    let challenge = grant.code_challenge.as_deref().map(CodeChallenge::parse).transpose()?;
    pkce::check(challenge.as_ref(), asked.code_verifier.as_ref())
}

/// Revokes the grant of a code that was used twice, and its tokens with it (RFC 6749 §4.1.2).
async fn revoke(state: &State, grant: &CodeGrant, now: Timestamp) -> Result<()> {
    let mut tx = state.db.write().await?;
    let revoked = authorization_grants::revoke(&mut tx, grant.login.grant_id, now).await?;
    tx.commit().await?;
    tracing::warn!(flow = %grant.login.flow_id, revoked, "a code was used twice");
    Ok(())
}

fn claims<'a>(
    state: &State,
    client: OauthClientId,
    grant: &'a CodeGrant,
    at_hash: String,
    now: Timestamp,
) -> IdTokenClaims<'a> {
    let login = &grant.login;
    let (iat, exp) = IdTokenClaims::iat_and_exp(now);
    IdTokenClaims {
        iss: state.links.oauth_issuer(),
        aud: client,
        iat,
        exp,
        auth_time: grant.authenticated_at.map(Timestamp::seconds),
        nonce: grant.nonce.as_deref(),
        at_hash,
        person: user_claims(login),
        saml_flow_id: login.flow_id,
    }
}
