//! The token endpoint of an issuer, introspection and revocation.

use std::net::IpAddr;

use base::secret::RefreshToken;
use model::application::{Application, GrantType};
use oauth::{
    Error,
    access_token::MAX_TOKEN_BYTES,
    client_credentials::ClientCredentialsGrant,
    issuer_grant::{IssuerGrant, IssuerTokenResponse},
    parameters::Parameters,
    token::ACCESS_TOKEN_LIFETIME,
};
use serde::Serialize;

use super::{
    access_tokens::{self, NewAccessToken},
    issuer_clients,
    issuers::{Issuer, IssuerKind},
    organization_switch,
    scopes::{INTROSPECT_TOKENS, REVOKE_TOKENS},
    sign_in,
};
use crate::{
    app::{Error as ServiceError, Result, State},
    store::{
        account_grants::IssuedRefreshToken,
        authorization_grants,
        signed_access_tokens::{self, LiveToken},
    },
};

/// A request to an endpoint of an issuer that takes a form (RFC 6749 §3.2, RFC 7662 §2.1, RFC 7009 §2.1).
#[derive(Debug, Clone, Copy)]
pub struct IssuerRequest<'a> {
    /// The issuer.
    pub issuer: &'a Issuer,
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The form.
    pub form: &'a str,
}

/// Gives a client tokens: for a code, for a refresh token, or of its own (RFC 6749 §4.1.3, §6, §4.4). The client is authenticated
/// first, so that somebody who guesses gets the same answer whatever else they send.
pub async fn exchange(
    state: &State,
    request: IssuerRequest<'_>,
) -> Result<Result<IssuerTokenResponse, Error>> {
    let parameters = match Parameters::parse(request.form) {
        Ok(parameters) => parameters,
        Err(error) => return Ok(Err(error)),
    };
    let IssuerRequest { issuer, address, authorization, .. } = request;
    let client =
        match issuer_clients::authenticate(state, issuer, address, authorization, &parameters).await? {
            Ok(client) => client,
            Err(error) => return Ok(Err(error)),
        };
    match IssuerGrant::parse(&parameters) {
        Ok(IssuerGrant::AuthorizationCode(grant)) => {
            sign_in::exchange::code(state, issuer, &client, grant).await
        }
        Ok(IssuerGrant::RefreshToken(grant)) => {
            sign_in::exchange::refresh(state, issuer, &client, grant).await
        }
        Ok(IssuerGrant::ClientCredentials(grant)) => own_token(state, issuer, &client, &grant).await,
        Ok(IssuerGrant::OrganizationSwitch(grant)) => {
            organization_switch::switch(state, issuer, &client, &grant).await
        }
        Err(error) => Ok(Err(error)),
    }
}

/// Gives a client a token of its own (RFC 6749 §4.4), at its own issuer only.
async fn own_token(
    state: &State,
    issuer: &Issuer,
    client: &Application,
    grant: &ClientCredentialsGrant,
) -> Result<Result<IssuerTokenResponse, Error>> {
    let is_permitted = client.kind.has_secret()
        && client.grant_types.contains(&GrantType::ClientCredentials)
        && issuer_clients::belongs(client, issuer);
    if !is_permitted {
        return Ok(Err(Error::GrantNotPermitted));
    }
    let scope = match issuer.is_tenant() {
        // WSO2 leaves out what the client may not have.
        true => grant.narrowed(&client.scopes),
        false => match grant.granted(&client.scopes) {
            Ok(scope) => scope,
            Err(error) => return Ok(Err(error)),
        },
    };
    let new = NewAccessToken::for_client(issuer, client.id, scope.clone(), client.signing_alg);
    let signed = access_tokens::sign(state, new).await?;
    let mut tx = state.db.write().await?;
    if !signed.hold(&mut tx).await? {
        // As if it had been asked for a moment later.
        return Err(ServiceError::not_found("workspace", issuer.workspace()));
    }
    let access_token = signed.insert(&mut tx).await?;
    tx.commit().await?;
    tracing::info!(client = %client.id, issuer = issuer.stored(), "token issued");
    Ok(Ok(IssuerTokenResponse {
        access_token,
        expires_in: ACCESS_TOKEN_LIFETIME.as_secs(),
        scope,
        token_type: "Bearer",
        id_token: None,
        refresh_token: None,
    }))
}

/// What is known of a token (RFC 7662 §2.2).
#[derive(Debug, Serialize)]
pub struct Introspection {
    /// Whether it counts.
    active: bool,
    /// Its claims, if it does.
    #[serde(flatten)]
    claims: Option<oauth::access_token::AccessTokenClaims>,
    /// What a refresh token is, if it does.
    #[serde(flatten)]
    refresh_token: Option<RefreshTokenClaims>,
    /// `Bearer`, if it is an access token that does.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
}

/// What a client learns of its own refresh token.
#[derive(Debug, Serialize)]
struct RefreshTokenClaims {
    iss: String,
    sub: String,
    client_id: String,
    scope: String,
    iat: i64,
    exp: i64,
}

/// Tells a client whether a token counts (`sees`). Of others nothing is told (§4); of refresh tokens a client knows its own only.
pub async fn introspect(state: &State, request: IssuerRequest<'_>) -> Result<Result<Introspection, Error>> {
    let (client, token) = match read(state, request).await? {
        Ok(read) => read,
        Err(error) => return Ok(Err(error)),
    };
    if !client.kind.has_secret() {
        return Ok(Err(Error::NoClientAuthentication));
    }
    let issuer = request.issuer;
    if let Ok(token) = token.parse::<RefreshToken>() {
        let found = sign_in::exchange::own_refresh_token(state, issuer, &client, &token).await?;
        let is_live =
            |found: &IssuedRefreshToken| found.good && !found.consumed && found.expires_at > state.now();
        let refresh_token = found.filter(is_live).map(|found| RefreshTokenClaims {
            iss: issuer.url(&state.links),
            sub: found.grant.user_id.to_string(),
            client_id: client.id.to_string(),
            scope: found.grant.scope,
            iat: found.grant.created_at.seconds(),
            exp: found.expires_at.seconds(),
        });
        let active = refresh_token.is_some();
        return Ok(Ok(Introspection { active, claims: None, refresh_token, token_type: None }));
    }
    let found = access_tokens::verify(state, &issuer.tenant, &token).await?;
    let claims = found.filter(|(_, live)| sees(&client, issuer, live)).map(|(claims, _)| claims);
    let token_type = claims.as_ref().map(|_| "Bearer");
    Ok(Ok(Introspection { active: claims.is_some(), claims, refresh_token: None, token_type }))
}

/// Whether a client is told about a token. A client of an organization's issuer is an API that others call with the issuer's
/// tokens. Our own API is the only one that is called with those of the system workspace: there a client sees its own tokens, and
/// with `introspect_tokens` every one of the environment.
fn sees(client: &Application, issuer: &Issuer, token: &LiveToken) -> bool {
    match issuer.kind {
        IssuerKind::System => token.client_id == Some(client.id) || client.may_ask_for(INTROSPECT_TOKENS),
        _ => token.issuer == issuer.stored(),
    }
}

/// Whether a client ends a token: one of its own, and in the system workspace with `revoke_tokens` every one of the environment.
fn ends(client: &Application, issuer: &Issuer, token: &LiveToken) -> bool {
    let is_own = token.client_id == Some(client.id) && token.issuer == issuer.stored();
    is_own || issuer.kind == IssuerKind::System && client.may_ask_for(REVOKE_TOKENS)
}

/// Revokes a token (RFC 7009) that the client may end (`ends`). Another one, or none, is not told apart from one that was
/// revoked (§2.2).
pub async fn revoke(state: &State, request: IssuerRequest<'_>) -> Result<Result<(), Error>> {
    let (client, token) = match read(state, request).await? {
        Ok(read) => read,
        Err(error) => return Ok(Err(error)),
    };
    if let Ok(token) = token.parse::<RefreshToken>() {
        // With its grant, and so with the access tokens (§2.1).
        let found = sign_in::exchange::own_refresh_token(state, request.issuer, &client, &token).await?;
        if let Some(found) = found {
            let mut tx = state.db.write().await?;
            authorization_grants::revoke(&mut tx, found.grant.id, state.now()).await?;
            tx.commit().await?;
            tracing::info!(client = %client.id, grant = %found.grant.id, "grant revoked");
        }
        return Ok(Ok(()));
    }
    let environment_id = request.issuer.tenant.environment_id;
    let Some((claims, live)) = access_tokens::verify(state, &request.issuer.tenant, &token).await? else {
        return Ok(Ok(()));
    };
    if !ends(&client, request.issuer, &live) {
        return Ok(Ok(()));
    }
    let id = claims.jti.parse().map_err(crate::app::Error::internal)?;
    let mut tx = state.db.write().await?;
    signed_access_tokens::revoke(&mut tx, environment_id, id, state.now()).await?;
    tx.commit().await?;
    tracing::info!(client = %client.id, token = %id, "token revoked");
    Ok(Ok(()))
}

/// The authenticated client, and the token that the request is about.
async fn read(state: &State, request: IssuerRequest<'_>) -> Result<Result<(Application, String), Error>> {
    let parameters = match Parameters::parse(request.form) {
        Ok(parameters) => parameters,
        Err(error) => return Ok(Err(error)),
    };
    let IssuerRequest { issuer, address, authorization, .. } = request;
    let client =
        match issuer_clients::authenticate(state, issuer, address, authorization, &parameters).await? {
            Ok(client) => client,
            Err(error) => return Ok(Err(error)),
        };
    Ok(match parameters.get_within("token", MAX_TOKEN_BYTES) {
        Ok(Some(token)) => Ok((client, token.to_owned())),
        Ok(None) => Err(Error::Missing("token")),
        Err(error) => Err(error),
    })
}
