//! Codes and refresh tokens, exchanged for tokens (RFC 6749 §4.1.3, §6; OpenID Connect Core §3.1.3, §12).

use base::{
    secret::{AuthorizationCode, RefreshToken},
    time::Timestamp,
};
use model::{
    application::{Application, GrantType},
    organization::root_id,
    user::User,
};
use oauth::{
    Error,
    account_claims::AccountIdToken,
    id_token::ID_TOKEN_LIFETIME,
    issuer_grant::{CodeGrant, IssuerTokenResponse, RefreshGrant},
    pkce::{self, CodeChallenge},
    sign_in_request,
    token::ACCESS_TOKEN_LIFETIME,
};

use super::{
    claims::{has_scope, person},
    under_way::MULTI_FACTOR,
};
use crate::{
    app::{
        Error as ServiceError, Result, State,
        accounts::associations,
        applications::sharing,
        authorization_server::{
            access_token_keys,
            access_tokens::{
                self, NewAccessToken, SignedToken, TokenOrganization, TokenSession, TokenSubject,
            },
            issuers::{self, Issuer, IssuerForm},
            organization_switch::user_organization,
            user_scopes,
        },
    },
    store::{
        account_grants::{self, AccountGrant, IssuedCode, IssuedRefreshToken},
        authorization_grants, login_flows, table, tenants,
    },
};

/// The tokens of a grant, signed and not stored.
struct Signed {
    access_token: SignedToken,
    id_token: Option<String>,
    scope: String,
}

/// Whether a grant is one of this client at this issuer. It is told apart from one that is not there by nothing.
fn is_of(grant: &AccountGrant, issuer: &Issuer, client: &Application) -> bool {
    let is_of_issuer = match issuer.organization() {
        Some(organization) => {
            !grant.switched && grant.form == IssuerForm::Organization && organization.id == grant.issuer
        }
        None => issuer.is_tenant() && (grant.switched || grant.form == issuer.form()),
    };
    is_of_issuer && grant.client_id == client.id && grant.environment_id == issuer.tenant.environment_id
}

/// Exchanges a code. One that is used again ends what it was exchanged for (RFC 6749 §4.1.2, RFC 9700 §2.1.1).
pub(in crate::app::authorization_server) async fn code(
    state: &State,
    issuer: &Issuer,
    client: &Application,
    asked: CodeGrant,
) -> Result<Result<IssuerTokenResponse, Error>> {
    if !client.grant_types.contains(&GrantType::AuthorizationCode) {
        return Ok(Err(Error::GrantNotPermitted));
    }
    let found = account_grants::find_by_code(&mut state.db.read().await?, &asked.code).await?;
    let Some(issued) = found.filter(|issued| is_of(&issued.grant, issuer, client)) else {
        return Ok(Err(Error::CodeNotFound));
    };
    let now = state.now();
    if issued.consumed {
        revoke(state, &issued.grant, now, "a code was used twice").await?;
        return Ok(Err(Error::CodeNotFound));
    }
    if let Err(error) = check(&issued, &asked, now) {
        return Ok(Err(error));
    }
    let grant = &issued.grant;
    let Some(signed) = sign(state, issuer, client, grant, grant.scope.clone(), issued.nonce.clone()).await?
    else {
        return Ok(Err(Error::CodeNotFound));
    };
    let next =
        client.grant_types.contains(&GrantType::RefreshToken).then(|| RefreshToken::new(&*state.random));
    let used = Used::Code(&asked.code);
    let stored = store(state, grant, used, signed, next).await?;
    Ok(stored.ok_or(Error::CodeNotFound))
}

/// Exchanges a refresh token for the next one. One that is used again ends the grant (RFC 9700 §4.14.2): one of the two who have
/// it stole it.
pub(in crate::app::authorization_server) async fn refresh(
    state: &State,
    issuer: &Issuer,
    client: &Application,
    asked: RefreshGrant,
) -> Result<Result<IssuerTokenResponse, Error>> {
    if !client.grant_types.contains(&GrantType::RefreshToken) {
        return Ok(Err(Error::GrantNotPermitted));
    }
    let Some(issued) = own_refresh_token(state, issuer, client, &asked.token).await? else {
        return Ok(Err(Error::RefreshTokenNotFound));
    };
    let now = state.now();
    if issued.consumed {
        revoke(state, &issued.grant, now, "a refresh token was used twice").await?;
        return Ok(Err(Error::RefreshTokenNotFound));
    }
    if !issued.good || issued.expires_at <= now {
        return Ok(Err(Error::RefreshTokenNotFound));
    }
    let grant = &issued.grant;
    let scope = match asked.narrowed(&grant.scope) {
        Ok(scope) => scope,
        Err(error) => return Ok(Err(error)),
    };
    let Some(signed) = sign(state, issuer, client, grant, scope, None).await? else {
        return Ok(Err(Error::RefreshTokenNotFound));
    };
    let next = Some(RefreshToken::new(&*state.random));
    let stored = store(state, grant, Used::RefreshToken(&asked.token), signed, next).await?;
    Ok(stored.ok_or(Error::RefreshTokenNotFound))
}

/// A refresh token of this client at this issuer, good or not.
pub(in crate::app::authorization_server) async fn own_refresh_token(
    state: &State,
    issuer: &Issuer,
    client: &Application,
    token: &RefreshToken,
) -> Result<Option<IssuedRefreshToken>> {
    let found = account_grants::find_by_refresh_token(&mut state.db.read().await?, token).await?;
    Ok(found.filter(|issued| is_of(&issued.grant, issuer, client)))
}

/// Checks that a code is good, and that it is exchanged by who asked for it (RFC 6749 §4.1.3, RFC 7636 §4.6).
fn check(issued: &IssuedCode, asked: &CodeGrant, now: Timestamp) -> Result<(), Error> {
    if !issued.good || issued.expires_at <= now {
        return Err(Error::CodeNotFound);
    }
    match &asked.redirect_uri {
        Some(sent) if *sent != issued.redirect_uri => return Err(Error::RedirectUriMismatch),
        None if issued.redirect_uri_sent => return Err(Error::Missing("redirect_uri")),
        _ => {}
    }
    let challenge = issued.code_challenge.as_deref().map(CodeChallenge::parse).transpose()?;
    pkce::check(challenge.as_ref(), asked.code_verifier.as_ref())
}

/// Ends a grant, and everything that hangs from it.
async fn revoke(state: &State, grant: &AccountGrant, now: Timestamp, why: &str) -> Result<()> {
    let mut tx = state.db.write().await?;
    let revoked = authorization_grants::revoke(&mut tx, grant.id, now).await?;
    tx.commit().await?;
    tracing::warn!(grant = %grant.id, client = %grant.client_id, revoked, "{why}");
    Ok(())
}

/// Signs the tokens of a grant: before the transaction that stores them. `None` where the user may not sign in any more.
async fn sign(
    state: &State,
    issuer: &Issuer,
    client: &Application,
    grant: &AccountGrant,
    scope: String,
    nonce: Option<String>,
) -> Result<Option<Signed>> {
    let environment_id = grant.environment_id;
    let (user, person, organization, scope, user_organization) = {
        let mut conn = state.db.read().await?;
        // At the root's issuer people of other organizations sign in too, each as one of theirs.
        let organization = match issuer.organization().filter(|own| own.id == grant.organization_id) {
            Some(own) => own.clone(),
            None => match tenants::find_organization(&mut conn, environment_id, grant.organization_id).await?
            {
                Some(organization) => organization,
                None => return Ok(None),
            },
        };
        let user: Option<User> = table::find(&mut conn, environment_id, grant.user_id).await?;
        let Some(user) = user.filter(|user| user.may_sign_in()) else { return Ok(None) };
        let is_elsewhere = issuer.is_tenant() && organization.id != root_id(environment_id);
        if is_elsewhere && !sharing::is_shared(&mut conn, client, organization.id).await? {
            return Ok(None);
        }
        let Some(acting) = associations::acting_in(&mut conn, &user, organization.id).await? else {
            return Ok(None);
        };
        // What roles give now counts, not what they gave when the grant was made.
        let place = (environment_id, organization.id);
        let scope = user_scopes::permitted(&mut conn, place, acting, client.id, &scope).await?;
        let person = person(&mut conn, &user, &scope).await?;
        let user_organization = match issuer.is_tenant() {
            true => Some(user_organization(state, &mut conn, issuer, user.organization_id).await?),
            false => None,
        };
        (user, person, organization, scope, user_organization)
    };
    let is_at_root = issuer.is_tenant() && organization.id == root_id(environment_id);
    let new = NewAccessToken {
        issuer,
        client_id: Some(client.id),
        subject: TokenSubject::User(user.id),
        organization: (!is_at_root).then(|| TokenOrganization::of(&organization)),
        role: None,
        user_organization,
        grant_id: Some(grant.id),
        session: Some(TokenSession {
            id: grant.session_id,
            amr: grant.amr.clone(),
            authenticated_at: grant.authenticated_at,
        }),
        scope: scope.clone(),
        algorithm: client.signing_alg,
        lifetime: ACCESS_TOKEN_LIFETIME,
    };
    let access_token = access_tokens::sign(state, new).await?;
    let id_token = match has_scope(&scope, "openid") && !grant.switched {
        true => {
            let key = access_token_keys::signer(state, grant.environment_id, client.signing_alg).await?;
            let now = state.now();
            let is_multi = grant.amr.iter().any(|method| method == MULTI_FACTOR);
            let claims = AccountIdToken {
                iss: issuer.url(&state.links),
                sub: user.id.to_string(),
                aud: client.id.to_string(),
                exp: (now + ID_TOKEN_LIFETIME).seconds(),
                iat: now.seconds(),
                auth_time: grant.authenticated_at.seconds(),
                nonce,
                at_hash: key.at_hash(access_token.text()),
                amr: grant.amr.clone(),
                acr: is_multi.then_some(sign_in_request::MULTI_FACTOR),
                sid: grant.session_id.to_string(),
                org_id: issuers::organization_segment(
                    grant.environment_id,
                    organization.id,
                    organization.public_alias.as_deref(),
                ),
                org_name: organization.shown_name().to_owned(),
                person,
            };
            Some(key.sign_jwt(&claims).map_err(ServiceError::internal)?)
        }
        false => None,
    };
    Ok(Some(Signed { access_token, id_token, scope }))
}

/// What is exchanged.
enum Used<'a> {
    Code(&'a AuthorizationCode),
    RefreshToken(&'a RefreshToken),
}

/// Uses up what is exchanged, and stores the tokens in the same transaction. `None` where another request was first: it was used
/// twice, and the grant ends; or the grant ended meanwhile.
async fn store(
    state: &State,
    grant: &AccountGrant,
    used: Used<'_>,
    signed: Signed,
    next: Option<RefreshToken>,
) -> Result<Option<IssuerTokenResponse>> {
    let now = state.now();
    let mut tx = state.db.write().await?;
    if !signed.access_token.hold(&mut tx).await? {
        return Ok(None);
    }
    let is_code = matches!(used, Used::Code(_));
    let is_first = match used {
        Used::Code(code) => account_grants::consume_code(&mut tx, code, now).await?,
        Used::RefreshToken(token) => account_grants::consume_refresh_token(&mut tx, token, now).await?,
    };
    if !is_first {
        authorization_grants::revoke(&mut tx, grant.id, now).await?;
        tx.commit().await?;
        return Ok(None);
    }
    if let (true, Some(flow)) = (is_code, grant.flow_id) {
        login_flows::update_redeemed(&mut tx, flow, now).await?;
    }
    let access_token = signed.access_token.insert(&mut tx).await?;
    if let Some(next) = &next {
        account_grants::insert_refresh_token(&mut tx, grant.id, next, now, grant.expires_at).await?;
    }
    tx.commit().await?;
    tracing::info!(grant = %grant.id, client = %grant.client_id, "tokens issued");
    Ok(Some(IssuerTokenResponse {
        access_token,
        expires_in: ACCESS_TOKEN_LIFETIME.as_secs(),
        scope: signed.scope,
        token_type: "Bearer",
        id_token: signed.id_token,
        refresh_token: next.map(|token| token.reveal()),
    }))
}
