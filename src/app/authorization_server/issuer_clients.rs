//! Which client speaks to an issuer.

use std::net::{IpAddr, Ipv4Addr};

use base::{id::ApplicationId, secret::ApplicationSecret};
use model::{
    application::{Application, ClientKind},
    client_address::ClientAddress,
};
use oauth::{Error, client_authentication::ClientAuthentication, parameters::Parameters};

use super::issuers::{Issuer, IssuerKind};
use crate::{
    app::{Result, State, applications::sharing, limits::rate_limiter::RateLimit},
    store::{Conn, applications},
};

/// The client that authenticates with a request to an issuer. Wrong secrets are limited per client and network, so that
/// somebody who guesses keeps nobody else out.
pub(super) async fn authenticate(
    state: &State,
    issuer: &Issuer,
    address: Option<IpAddr>,
    authorization: Option<&str>,
    parameters: &Parameters,
) -> Result<Result<Application, Error>> {
    let sent = match ClientAuthentication::parse(authorization, parameters) {
        Ok(sent) => sent,
        Err(Error::NoClientAuthentication) if authorization.is_none() => {
            return Ok(Err(Error::Missing("client_id")));
        }
        Err(error) => return Ok(Err(error)),
    };
    let id = sent.id.parse::<ApplicationId>().ok();
    let network = ClientAddress(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))).network();
    // Ids that are none share one entry, so that nobody can make many.
    let named = id.map(|id| id.to_string()).unwrap_or_default();
    let caller = state.sign_in_limits.key(RateLimit::Clients, network, &named);
    if state.settings.rate_limits {
        state.sign_in_limits.require(&caller, state.now())?;
    }
    let known = match id {
        Some(id) => find(&mut state.db.read().await?, issuer, id).await?,
        None => None,
    };
    let Some(secret) = &sent.secret else {
        return Ok(match known {
            // It has none; what it may do without is the caller's to say.
            Some(client) if client.kind == ClientKind::Public && client.disabled => {
                Err(Error::ClientDisabled)
            }
            Some(client) if client.kind == ClientKind::Public => Ok(client),
            _ => Err(Error::NoClientAuthentication),
        });
    };
    let secret = secret.parse::<ApplicationSecret>().ok();
    let right = known
        .filter(|client| secret.as_ref().is_some_and(|secret| client.accepts(secret.digest(), state.now())));
    let Some(client) = right else {
        state.sign_in_limits.record_failure(caller, state.now());
        return Ok(Err(Error::WrongClientCredentials));
    };
    Ok(if client.disabled { Err(Error::ClientDisabled) } else { Ok(client) })
}

/// The client with this id that can be used at an issuer, switched off or not.
pub(super) async fn find(conn: &mut Conn, issuer: &Issuer, id: ApplicationId) -> Result<Option<Application>> {
    let found = applications::find(conn, issuer.tenant.environment_id, id).await?;
    let Some(client) = found else { return Ok(None) };
    let usable = can_be_used(conn, &client, issuer).await?;
    Ok(usable.then_some(client))
}

/// The client that a form names, known or not.
pub fn named(form: &str) -> Option<ApplicationId> {
    let parameters = Parameters::parse(form).ok()?;
    parameters.get("client_id").ok().flatten()?.parse().ok()
}

/// Whether scripts of this origin may read what a client gets here (Fetch §3.2): those of a public client's own origins.
pub async fn allows_origin(state: &State, issuer: &Issuer, id: ApplicationId, origin: &str) -> Result<bool> {
    let client = find(&mut state.db.read().await?, issuer, id).await?;
    Ok(client.is_some_and(|client| {
        client.kind == ClientKind::Public && client.origins.iter().any(|allowed| allowed == origin)
    }))
}

/// Whether people may sign in at this issuer for a client: its own, or one of the vendor that is shared.
async fn can_be_used(conn: &mut Conn, client: &Application, issuer: &Issuer) -> Result<bool> {
    if belongs(client, issuer) {
        return Ok(true);
    }
    match &issuer.kind {
        IssuerKind::Organization(organization) => sharing::is_shared(conn, client, organization.id).await,
        IssuerKind::System | IssuerKind::DefaultTenant | IssuerKind::Tenant => Ok(false),
    }
}

/// Whether a client is one of this issuer: those that administer are of the system workspace, an organization's own of the
/// organization, the vendor's of the root and of WSO2's forms.
pub(super) fn belongs(client: &Application, issuer: &Issuer) -> bool {
    let is_root = |id| id == model::organization::root_id(issuer.tenant.environment_id);
    match &issuer.kind {
        IssuerKind::System => client.is_of_system(),
        IssuerKind::Organization(organization) if is_root(organization.id) => {
            !client.is_of_system() && client.organization_id.is_none()
        }
        IssuerKind::Organization(organization) => client.organization_id == Some(organization.id),
        IssuerKind::DefaultTenant | IssuerKind::Tenant => {
            !client.is_of_system() && client.organization_id.is_none()
        }
    }
}
