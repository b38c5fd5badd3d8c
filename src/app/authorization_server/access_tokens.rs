//! Access tokens of the environments' issuers (RFC 9068): signed, with a row each. A token counts while its row does.

use std::{collections::BTreeSet, time::Duration};

use base::{
    id::{AccessTokenId, ApplicationId, EnvironmentId, GrantId, Id, OrganizationId, UserId, UserSessionId},
    time::Timestamp,
};
use model::membership::Tier;
use model::organization::root_id;
use oauth::{
    access_token::AccessTokenClaims,
    algorithm::IdTokenAlg,
    jwt::{self, JwtError},
    token::ACCESS_TOKEN_LIFETIME,
};
use uuid::Uuid;

use super::{
    access_token_keys,
    issuers::{self, Issuer, IssuingOrganization, Tenant},
};
use crate::{
    app::{Error, Result, State},
    store::{
        Transaction,
        signed_access_tokens::{self, LiveToken, NewToken},
        tenants, users,
    },
};

/// Whom a token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenSubject {
    /// The client that it was given to.
    Client(ApplicationId),
    /// A user.
    User(UserId),
}

impl TokenSubject {
    fn stored(self) -> String {
        match self {
            Self::Client(id) => id.to_string(),
            Self::User(id) => id.to_string(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        // The prefixes differ; other encodings of ids are not stored.
        if text.starts_with("app_") {
            text.parse().ok().map(Self::Client)
        } else {
            text.parse().ok().map(Self::User)
        }
    }
}

/// The organization in which a token is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// The id that a client chose for it.
    pub alias: Option<String>,
    /// Its name for people.
    pub name: String,
    /// Its handle.
    pub handle: Option<String>,
}

impl TokenOrganization {
    /// An organization as its tokens name it.
    pub fn of(organization: &IssuingOrganization) -> Self {
        Self {
            id: organization.id,
            alias: organization.public_alias.clone(),
            name: organization.shown_name().to_owned(),
            handle: organization.handle.clone(),
        }
    }
}

/// How the user of a token authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSession {
    /// The session.
    pub id: UserSessionId,
    /// The methods (RFC 8176).
    pub amr: Vec<String>,
    /// When.
    pub authenticated_at: Timestamp,
}

/// A token to be given.
#[derive(Debug, Clone)]
pub struct NewAccessToken<'a> {
    /// The issuer.
    pub issuer: &'a Issuer,
    /// The client that gets it; `None` for an operator.
    pub client_id: Option<ApplicationId>,
    /// Whom it speaks for.
    pub subject: TokenSubject,
    /// The organization in which it is good; `None`: the environment.
    pub organization: Option<TokenOrganization>,
    /// The role of a user there, of a token by SigID's words: then it names the organization by its own id.
    pub role: Option<Tier>,
    /// The organization in whose pool the user is, as the token names it.
    pub user_organization: Option<String>,
    /// What it hangs from.
    pub grant_id: Option<GrantId>,
    /// The session of the user.
    pub session: Option<TokenSession>,
    /// The scopes, separated by spaces.
    pub scope: String,
    /// How it is signed.
    pub algorithm: IdTokenAlg,
    /// How long it is good.
    pub lifetime: Duration,
}

impl<'a> NewAccessToken<'a> {
    /// A token for the client itself (RFC 6749 §4.4), for as long as tokens are good.
    pub fn for_client(
        issuer: &'a Issuer,
        client_id: ApplicationId,
        scope: String,
        algorithm: IdTokenAlg,
    ) -> Self {
        Self {
            issuer,
            client_id: Some(client_id),
            subject: TokenSubject::Client(client_id),
            organization: issuer.organization().map(TokenOrganization::of),
            role: None,
            user_organization: None,
            grant_id: None,
            session: None,
            scope,
            algorithm,
            lifetime: ACCESS_TOKEN_LIFETIME,
        }
    }
}

/// A signed token, whose row is not stored yet.
#[derive(Debug)]
#[must_use = "a token counts only when its row is stored"]
pub struct SignedToken {
    text: String,
    row: NewToken,
}

impl SignedToken {
    /// The token itself.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Keeps the organizations of the token in use until the transaction ends: whoever switches one off waits, and then ends this token
    /// too. `false`: one is switched off or gone. It comes before the other locks of the transaction.
    pub async fn hold(&self, tx: &mut Transaction) -> Result<bool> {
        let issuer = self.row.issuer.parse::<OrganizationId>().ok();
        let ids: BTreeSet<OrganizationId> = issuer.into_iter().chain(self.row.organization_id).collect();
        // The root is always in use.
        let root = root_id(self.row.environment_id);
        for id in ids.into_iter().filter(|id| *id != root) {
            match users::lock_organization(tx, self.row.environment_id, id).await? {
                Some((false, false)) => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Stores its row, and returns the token itself. It counts as soon as the transaction is committed.
    pub async fn insert(self, tx: &mut Transaction) -> Result<String> {
        signed_access_tokens::insert(tx, &self.row).await?;
        Ok(self.text)
    }
}

/// Signs a token: before the transaction that stores it, because the environment's first keys are stored by one of their own.
pub async fn sign(state: &State, new: NewAccessToken<'_>) -> Result<SignedToken> {
    let environment_id = new.issuer.tenant.environment_id;
    let key = access_token_keys::signer(state, environment_id, new.algorithm).await?;
    let now = state.now();
    let id: AccessTokenId = Id::new(now, &*state.random);
    let expires_at = now + new.lifetime;
    let issuer = new.issuer.url(&state.links);
    let organization = new.organization.as_ref();
    let segment = organization.map(|it| match new.issuer.organization() {
        _ if new.role.is_some() => it.id.to_string(),
        Some(own) if own.id == it.id => new.issuer.workspace(),
        _ if new.issuer.is_tenant() => Uuid::from_u128(it.id.bits()).hyphenated().to_string(),
        _ => issuers::organization_segment(environment_id, it.id, it.alias.as_deref()),
    });
    let subject = new.subject.stored();
    let claims = AccessTokenClaims {
        aud: issuer.clone(),
        iss: issuer,
        sub: subject.clone(),
        exp: expires_at.seconds(),
        iat: now.seconds(),
        jti: id.to_string(),
        client_id: new.client_id.map(|id| id.to_string()).unwrap_or_default(),
        scope: new.scope.clone(),
        scp: new.scope.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
        tid: new.issuer.tenant.name.clone(),
        aid: new.issuer.workspace(),
        org_id: segment,
        org_name: organization.map(|it| it.name.clone()),
        org_handle: organization.and_then(|it| it.handle.clone()),
        org_role: new.role.map(|role| role.as_str().to_owned()),
        user_org: new.user_organization,
        sid: new.session.as_ref().map(|session| session.id.to_string()),
        amr: new.session.as_ref().map(|session| session.amr.clone()).unwrap_or_default(),
        auth_time: new.session.as_ref().map(|session| session.authenticated_at.seconds()),
    };
    let text = key.sign_access_token(&claims).map_err(Error::internal)?;
    let row = NewToken {
        id,
        environment_id,
        issuer: new.issuer.stored(),
        client_id: new.client_id,
        grant_id: new.grant_id,
        subject_id: subject,
        organization_id: organization.map(|it| it.id),
        session_id: new.session.map(|session| session.id),
        scope: new.scope,
        created_at: now,
        expires_at,
    };
    Ok(SignedToken { text, row })
}

/// What a token that counts says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// The token's id.
    pub id: AccessTokenId,
    /// The environment.
    pub tenant: Tenant,
    /// Which issuer gave it, as [`Issuer::stored`] writes it.
    pub issuer: String,
    /// The client that it was given to.
    pub client_id: Option<ApplicationId>,
    /// Whom it speaks for.
    pub subject: TokenSubject,
    /// The organization in which it is good; `None`: the environment.
    pub organization_id: Option<OrganizationId>,
    /// The session in which it was given.
    pub session_id: Option<UserSessionId>,
    /// Everything that it claims, verified.
    pub claims: AccessTokenClaims,
}

impl Authenticated {
    /// How its user authenticated.
    pub(super) fn session(&self) -> Option<TokenSession> {
        let (id, authenticated_at) = (self.session_id?, self.authenticated_at()?);
        Some(TokenSession { id, amr: self.claims.amr.clone(), authenticated_at })
    }

    /// The scopes that it was given for.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.claims.scp.iter().map(String::as_str)
    }

    /// Whether the environment's system workspace gave it.
    pub fn is_of_system(&self) -> bool {
        self.issuer == issuers::SYSTEM
    }

    /// When the user authenticated.
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.claims.auth_time.map(Timestamp::from_seconds)
    }
}

/// The refusal of a token: unknown, forged, expired, revoked, or of somebody who is switched off. Which of them is not told.
fn refused() -> Error {
    Error::Unauthenticated("the access token is unknown, expired or revoked".into())
}

/// Verifies a token and asks its row. `expected` is the environment that the caller speaks to, if it is known: it need not be
/// looked up again where the token is of the same.
pub async fn authenticate(state: &State, token: &str, expected: Option<&Tenant>) -> Result<Authenticated> {
    let tenant = match (jwt::unverified_tenant(token), expected) {
        (None, _) => return Err(refused()),
        (Some(name), Some(tenant)) if tenant.name == name => tenant.clone(),
        (Some(name), _) => {
            let found = issuers::find_tenant(&mut state.db.read().await?, &name).await;
            // A token names its environment in the canonical form.
            found.ok().filter(|tenant| tenant.name == name).ok_or_else(refused)?
        }
    };
    let (claims, live) = verify(state, &tenant, token).await?.ok_or_else(refused)?;
    let subject = TokenSubject::parse(&live.subject_id)
        .ok_or_else(|| Error::internal("a token's subject cannot be read"))?;
    Ok(Authenticated {
        id: claims.jti.parse().map_err(Error::internal)?,
        tenant,
        issuer: live.issuer,
        client_id: live.client_id,
        subject,
        organization_id: live.organization_id,
        session_id: live.session_id,
        claims,
    })
}

/// The claims and the row of a token of this environment; `None` if it does not count.
pub(super) async fn verify(
    state: &State,
    tenant: &Tenant,
    token: &str,
) -> Result<Option<(AccessTokenClaims, LiveToken)>> {
    let keys = access_token_keys::published(state, tenant.environment_id).await?;
    let claims = match jwt::verify_access_token(token, &keys, state.now()) {
        Ok(claims) => claims,
        Err(error) => {
            log_refusal(tenant.environment_id, &error);
            return Ok(None);
        }
    };
    let Ok(id) = claims.jti.parse::<AccessTokenId>() else { return Ok(None) };
    let mut conn = state.db.read().await?;
    let found = signed_access_tokens::find_live(&mut conn, tenant.environment_id, id, state.now()).await?;
    let Some(live) = found else { return Ok(None) };
    let issuer = match issuer_url(state, &mut conn, tenant, &live).await? {
        Some(issuer) => issuer,
        None => return Ok(None),
    };
    let client = live.client_id.map(|id| id.to_string()).unwrap_or_default();
    let agrees = claims.iss == issuer
        && claims.aud == issuer
        && claims.tid == tenant.name
        && claims.sub == live.subject_id
        && claims.client_id == client
        && claims.scope == live.scope
        && claims.scp.iter().eq(live.scope.split(' ').filter(|scope| !scope.is_empty()));
    Ok(agrees.then_some((claims, live)))
}

/// The URL of the issuer that a token's row names, as it is now.
async fn issuer_url(
    state: &State,
    conn: &mut crate::store::Conn,
    tenant: &Tenant,
    live: &LiveToken,
) -> Result<Option<String>> {
    Ok(match live.issuer.as_str() {
        issuers::SYSTEM => Some(state.links.workspace_issuer(&tenant.name, issuers::SYSTEM)),
        "t" => Some(state.links.tenant_issuer(&tenant.name)),
        "oauth2" => {
            let default = match &state.settings.default_environment {
                Some(_) => issuers::default_tenant(state, conn).await.ok(),
                None => tenants::find_only(conn).await?,
            };
            default.filter(|default| default == tenant).map(|_| state.links.default_tenant_issuer())
        }
        organization => {
            let id: OrganizationId = organization.parse().map_err(Error::internal)?;
            let alias = live.issuer_alias.as_deref();
            let segment = issuers::organization_segment(tenant.environment_id, id, alias);
            Some(state.links.workspace_issuer(&tenant.name, &segment))
        }
    })
}

fn log_refusal(environment_id: EnvironmentId, error: &JwtError) {
    tracing::debug!(environment = %environment_id, %error, "an access token is not valid");
}
