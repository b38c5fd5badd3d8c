//! WSO2's grant `organization_switch`: a token of an application for one that is good in another organization, with which the
//! application is shared.

use base::{
    id::{Id, OrganizationId, UserId},
    secret::RefreshToken,
};
use model::{
    application::{Application, GrantType},
    organization::{Organization, WSO2_ROOT, root_id},
    organization_reference::OrganizationRef,
    user::User,
};
use oauth::{
    Error,
    issuer_grant::{IssuerTokenResponse, SwitchGrant},
    token::ACCESS_TOKEN_LIFETIME,
};
use uuid::Uuid;

use super::{
    access_tokens::{self, Authenticated, NewAccessToken, TokenOrganization, TokenSubject},
    issuers::{self, Issuer, IssuerForm, IssuerKind, Tenant},
    scopes::ManagementScope,
    sign_in::GRANT_LIFETIME,
    user_scopes,
};
use crate::{
    app::{Error as ServiceError, Result, State, accounts::associations, applications::sharing},
    store::{
        self, Conn,
        account_grants::{self, AccountGrant},
        table, tenants,
    },
};

/// The id of the root organization of the default environment, as WSO2's own installations have it. It is never stored.
pub const FIXED_ROOT: Uuid = Uuid::from_u128(WSO2_ROOT);

/// The organization that a text names at one of WSO2's forms, the root too, if there is such a one in the environment. `is_default`:
/// whether that is the default environment.
pub async fn find_organization(
    conn: &mut Conn,
    tenant: &Tenant,
    is_default: bool,
    text: &str,
) -> Result<Option<OrganizationId>> {
    let root = root_id(tenant.environment_id);
    if is_default && Uuid::parse_str(text).is_ok_and(|id| id == FIXED_ROOT) {
        return Ok(Some(root));
    }
    let Ok(named) = OrganizationRef::parse(text) else { return Ok(None) };
    let found = store::organizations::resolve(conn, tenant.environment_id, &named).await?;
    let Some(id) = found.or(named.id().filter(|id| *id == root)) else { return Ok(None) };
    if id == root {
        return Ok(Some(root));
    }
    Ok(table::find::<Organization>(conn, tenant.environment_id, id).await?.map(|found| found.id))
}

/// Where a token is to be good.
#[derive(Debug)]
struct Target {
    /// Its id.
    id: OrganizationId,
    /// The organization; `None`: the root.
    organization: Option<TokenOrganization>,
}

/// Exchanges a token of the client.
pub(super) async fn switch(
    state: &State,
    issuer: &Issuer,
    client: &Application,
    asked: &SwitchGrant,
) -> Result<Result<IssuerTokenResponse, Error>> {
    if !issuer.is_tenant() || !client.grant_types.contains(&GrantType::OrganizationSwitch) {
        return Ok(Err(Error::GrantNotPermitted));
    }
    let target = {
        let mut conn = state.db.read().await?;
        match find_target(state, &mut conn, issuer, &asked.organization).await? {
            Ok(target) => target,
            Err(error) => return Ok(Err(error)),
        }
    };
    let token = match access_tokens::authenticate(state, &asked.token, Some(&issuer.tenant)).await {
        Ok(token) if token.tenant == issuer.tenant && token.client_id == Some(client.id) => token,
        Ok(_) | Err(ServiceError::Unauthenticated(_)) => return Ok(Err(Error::InvalidSwitchToken)),
        Err(error) => return Err(error),
    };
    let mut conn = state.db.read().await?;
    let person = match token.subject {
        TokenSubject::Client(_) => None,
        TokenSubject::User(id) => match Person::find(state, &mut conn, issuer, id, &target).await? {
            Some(person) => Some(person),
            None => return Ok(Err(Error::NotOfOrganization)),
        },
    };
    if let Some(organization) = &target.organization
        && !sharing::is_shared(&mut conn, client, organization.id).await?
    {
        return Ok(Err(Error::ApplicationNotShared));
    }
    let asked = granted(client, person.is_some(), &target, asked);
    let granted = match &person {
        None => asked.clone(),
        Some(person) => {
            let place = (issuer.tenant.environment_id, target.id);
            user_scopes::permitted(&mut conn, place, person.acting, client.id, &asked).await?
        }
    };
    drop(conn);
    let grant = person.as_ref().and_then(|person| person.grant(state, client, &token, &target, asked));
    let new = NewAccessToken {
        organization: target.organization,
        ..NewAccessToken::for_client(issuer, client.id, granted.clone(), client.signing_alg)
    };
    let new = match &person {
        None => new,
        Some(person) => NewAccessToken {
            subject: token.subject,
            user_organization: Some(person.user_organization.clone()),
            grant_id: grant.as_ref().map(|grant| grant.id),
            session: token.session(),
            ..new
        },
    };
    let organization_id = new.organization.as_ref().map(|organization| organization.id);
    let signed = access_tokens::sign(state, new).await?;
    let mut tx = state.db.write().await?;
    if !signed.hold(&mut tx).await? {
        return Ok(Err(Error::OrganizationDisabled));
    }
    if let Some(organization_id) = organization_id
        && !sharing::hold(&mut tx, client, organization_id).await?
    {
        return Ok(Err(Error::ApplicationNotShared));
    }
    if let Some(person) = &person
        && !associations::hold(&mut tx, issuer.tenant.environment_id, person.acting).await?
    {
        return Ok(Err(Error::NotOfOrganization));
    }
    let refresh_token = match &grant {
        None => None,
        Some(grant) => {
            let token = RefreshToken::new(&*state.random);
            account_grants::insert(&mut tx, grant).await?;
            let (now, until) = (grant.created_at, grant.expires_at);
            account_grants::insert_refresh_token(&mut tx, grant.id, &token, now, until).await?;
            Some(token.reveal())
        }
    };
    let access_token = signed.insert(&mut tx).await?;
    tx.commit().await?;
    tracing::info!(client = %client.id, issuer = issuer.stored(), "token switched to another organization");
    Ok(Ok(IssuerTokenResponse {
        access_token,
        expires_in: ACCESS_TOKEN_LIFETIME.as_secs(),
        scope: granted,
        token_type: "Bearer",
        id_token: None,
        refresh_token,
    }))
}

/// The organization that a caller names: there, and in use.
async fn find_target(
    state: &State,
    conn: &mut Conn,
    issuer: &Issuer,
    text: &str,
) -> Result<Result<Target, Error>> {
    let is_default = is_default(state, conn, issuer).await?;
    let environment_id = issuer.tenant.environment_id;
    let unknown = || Error::UnknownOrganization(text.chars().take(80).collect());
    let Some(id) = find_organization(conn, &issuer.tenant, is_default, text).await? else {
        return Ok(Err(unknown()));
    };
    if id == root_id(environment_id) {
        return Ok(Ok(Target { id, organization: None }));
    }
    let organization: Option<Organization> = table::find(conn, environment_id, id).await?;
    match organization {
        Some(organization) if organization.template => return Ok(Err(unknown())),
        None => return Ok(Err(unknown())),
        Some(_) => {}
    }
    let found = tenants::find_organization(conn, environment_id, id).await?;
    let target = found.map(|found| Target { id, organization: Some(TokenOrganization::of(&found)) });
    Ok(target.ok_or(Error::OrganizationDisabled))
}

/// A user whose token is switched.
struct Person {
    user: User,
    /// As whom they act there.
    acting: UserId,
    /// The organization in whose pool they are, as tokens name it.
    user_organization: String,
}

impl Person {
    /// The user of a token, if they have access to where it is to be good.
    async fn find(
        state: &State,
        conn: &mut Conn,
        issuer: &Issuer,
        id: UserId,
        target: &Target,
    ) -> Result<Option<Self>> {
        let user: Option<User> = table::find(conn, issuer.tenant.environment_id, id).await?;
        let Some(user) = user.filter(User::may_sign_in) else { return Ok(None) };
        let Some(acting) = associations::acting_in(conn, &user, target.id).await? else { return Ok(None) };
        let user_organization = user_organization(state, conn, issuer, user.organization_id).await?;
        Ok(Some(Self { user, acting, user_organization }))
    }

    /// What the application gets, in the session of the token, to come back for another one: if it refreshes tokens at all.
    fn grant(
        &self,
        state: &State,
        client: &Application,
        token: &Authenticated,
        target: &Target,
        scope: String,
    ) -> Option<AccountGrant> {
        let session = token.session()?;
        let now = state.now();
        client.grant_types.contains(&GrantType::RefreshToken).then(|| AccountGrant {
            id: Id::new(now, &*state.random),
            environment_id: self.user.environment_id,
            issuer: root_id(self.user.environment_id),
            switched: true,
            form: IssuerForm::Organization,
            organization_id: target.id,
            client_id: client.id,
            user_id: self.user.id,
            session_id: session.id,
            flow_id: None,
            scope,
            authenticated_at: session.authenticated_at,
            amr: session.amr,
            created_at: now,
            expires_at: now + GRANT_LIFETIME,
        })
    }
}

/// The organization in whose pool a user is, as tokens of this issuer name it.
pub(super) async fn user_organization(
    state: &State,
    conn: &mut Conn,
    issuer: &Issuer,
    id: OrganizationId,
) -> Result<String> {
    let is_root = id == root_id(issuer.tenant.environment_id);
    let bits = match is_root && is_default(state, conn, issuer).await? {
        true => FIXED_ROOT,
        false => Uuid::from_u128(id.bits()),
    };
    Ok(bits.hyphenated().to_string())
}

async fn is_default(state: &State, conn: &mut Conn, issuer: &Issuer) -> Result<bool> {
    match issuer.kind {
        IssuerKind::DefaultTenant => Ok(true),
        _ => issuers::is_default(state, conn, &issuer.tenant).await,
    }
}

/// The scopes of the new token: those that the client may have, of WSO2's only those that count where the token is good. A token of a
/// client itself says nothing of a person.
fn granted(client: &Application, is_user: bool, target: &Target, asked: &SwitchGrant) -> String {
    let in_organization = target.organization.is_some();
    let counts = |scope: &str| {
        ManagementScope::parse(scope).is_none_or(|known| known.in_organization == in_organization)
    };
    let permitted =
        |scope: &str| (is_user || scope != "openid") && client.may_ask_for(scope) && counts(scope);
    asked.granted(permitted, &client.scopes)
}
