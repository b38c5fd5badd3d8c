//! WSO2's grant `organization_switch`: a token of an application for one that is good in another organization, with which the
//! application is shared.

use base::id::OrganizationId;
use model::{
    application::{Application, GrantType},
    organization::{Organization, root_id},
    organization_reference::OrganizationRef,
};
use oauth::{
    Error,
    issuer_grant::{IssuerTokenResponse, SwitchGrant},
    token::ACCESS_TOKEN_LIFETIME,
};
use uuid::Uuid;

use super::{
    access_tokens::{self, Authenticated, NewAccessToken, TokenOrganization, TokenSubject},
    issuers::{self, Issuer, IssuerKind, Tenant},
    scopes::ManagementScope,
};
use crate::{
    app::{Error as ServiceError, Result, State, applications::sharing},
    store::{self, Conn, table, tenants},
};

/// The id of the root organization of the default environment, as WSO2's own installations have it. It is never stored.
pub const FIXED_ROOT: Uuid = Uuid::from_u128(0x1008_4a8d_113f_4211_a0d5_efe3_6b08_2211);

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
struct Target {
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
    if let Some(organization) = &target.organization
        && !sharing::is_shared(&mut conn, client, organization.id).await?
    {
        return Ok(Err(Error::ApplicationNotShared));
    }
    let granted = match granted(client, &token, &target, asked) {
        Ok(granted) => granted,
        Err(error) => return Ok(Err(error)),
    };
    drop(conn);
    let new = NewAccessToken {
        organization: target.organization,
        ..NewAccessToken::for_client(issuer, client.id, granted.clone(), client.signing_alg)
    };
    let organization_id = new.organization.as_ref().map(|organization| organization.id);
    let signed = access_tokens::sign(state, new).await?;
    let mut tx = state.db.write().await?;
    if let Some(organization_id) = organization_id
        && !sharing::hold(&mut tx, client, organization_id).await?
    {
        return Ok(Err(Error::ApplicationNotShared));
    }
    let access_token = signed.insert(&mut tx).await?;
    tx.commit().await?;
    tracing::info!(client = %client.id, issuer = issuer.stored(), "token switched to another organization");
    Ok(Ok(IssuerTokenResponse {
        access_token,
        expires_in: ACCESS_TOKEN_LIFETIME.as_secs(),
        scope: granted,
        token_type: "Bearer",
        id_token: None,
        refresh_token: None,
    }))
}

/// The organization that a caller names: there, and in use.
async fn find_target(
    state: &State,
    conn: &mut Conn,
    issuer: &Issuer,
    text: &str,
) -> Result<Result<Target, Error>> {
    let is_default = match issuer.kind {
        IssuerKind::DefaultTenant => true,
        _ => issuers::is_default(state, conn, &issuer.tenant).await?,
    };
    let environment_id = issuer.tenant.environment_id;
    let unknown = || Error::UnknownOrganization(text.chars().take(80).collect());
    let Some(id) = find_organization(conn, &issuer.tenant, is_default, text).await? else {
        return Ok(Err(unknown()));
    };
    if id == root_id(environment_id) {
        return Ok(Ok(Target { organization: None }));
    }
    let organization: Option<Organization> = table::find(conn, environment_id, id).await?;
    match organization {
        Some(organization) if organization.template => return Ok(Err(unknown())),
        None => return Ok(Err(unknown())),
        Some(_) => {}
    }
    let found = tenants::find_organization(conn, environment_id, id).await?;
    let target = found.map(|found| Target { organization: Some(TokenOrganization::of(&found)) });
    Ok(target.ok_or(Error::OrganizationDisabled))
}

/// The scopes of the new token: those that the client may have, of WSO2's only those that count where the token is good.
fn granted(
    client: &Application,
    token: &Authenticated,
    target: &Target,
    asked: &SwitchGrant,
) -> Result<String, Error> {
    let TokenSubject::Client(_) = token.subject else { return Err(Error::NotOfOrganization) };
    let in_organization = target.organization.is_some();
    let counts = |scope: &str| {
        ManagementScope::parse(scope).is_none_or(|known| known.in_organization == in_organization)
    };
    let permitted = |scope: &str| scope != "openid" && client.may_ask_for(scope) && counts(scope);
    Ok(asked.granted(permitted, &client.scopes))
}
