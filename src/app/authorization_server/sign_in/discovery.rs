//! Where somebody signs in (home-realm discovery): with their account here, or at the identity provider of their company.
//!
//! An explicit connection or organization comes first; then the domain of the address; then the account. Only the settings of
//! organizations decide, never whether there is an account.

use base::{
    connection_id::ConnectionId,
    id::{EnvironmentId, OrganizationId},
};
use model::{
    domain::Domain,
    email::Email,
    identity_pool::AuthenticationMechanism,
    organization::{Organization, root_id},
    organization_reference::OrganizationRef,
};

use super::visitor::organization;
use crate::{
    app::{Result, State, authorization_server::issuers::Issuer, login},
    store::{
        Conn,
        any_login_connections::{self, AnyLoginConnection},
        identity_pools, organizations, table,
    },
};

/// The maximum number of organizations of a chooser.
const MAX_CHOICES: i64 = 50;

/// How many labels of a domain are left out at most, to find an organization by a parent domain.
const MAX_PARENTS: usize = 4;

/// The maximum number of pools of an organization that are looked at.
const MAX_POOLS: i64 = 20;

/// Where somebody signs in.
#[derive(Debug)]
pub enum Route {
    /// With their account.
    Own,
    /// Through this connection.
    Company(Box<AnyLoginConnection>),
    /// Through one of these; which one they say.
    Choose(Vec<AnyLoginConnection>),
}

/// What an application has named.
#[derive(Debug)]
pub enum Named {
    /// Nothing.
    Nothing,
    /// This connection.
    Company(Box<AnyLoginConnection>),
    /// Something that is not known here, or cannot be used, by this parameter.
    Unknown(&'static str),
}

/// What an organization's page offers.
#[derive(Debug)]
pub struct Offer {
    /// The connection of the organization, if it has one that can be used.
    pub company: Option<AnyLoginConnection>,
    /// Whether anybody can sign in with an account of the organization's own.
    pub own: bool,
}

impl Offer {
    /// Nothing but accounts.
    pub const OWN: Self = Self { company: None, own: true };
}

/// Where somebody with this address signs in.
pub async fn route(state: &State, issuer: &Issuer, typed: Option<&str>) -> Result<Route> {
    let Some(email) = typed.and_then(|typed| Email::parse(typed.trim())) else { return Ok(Route::Own) };
    let (environment_id, own) = (issuer.tenant.environment_id, organization(issuer)?.id);
    let mut conn = state.db.read().await?;
    let mut found = match own == root_id(environment_id) {
        true => by_domain(state, &mut conn, environment_id, email.domain()).await?,
        false => {
            let company = usable_of(state, &mut conn, environment_id, own).await?;
            company
                .into_iter()
                .filter(|company| company.organization().accepts_domain(email.domain()))
                .collect()
        }
    };
    Ok(match (found.pop(), found.is_empty()) {
        (None, _) => Route::Own,
        (Some(only), true) => Route::Company(Box::new(only)),
        (Some(last), false) => {
            found.push(last);
            Route::Choose(found)
        }
    })
}

/// The connection that somebody chose: of this organization, which is among those that share the domain of their address.
pub async fn chosen(
    state: &State,
    issuer: &Issuer,
    typed: &str,
    choice: &str,
) -> Result<Option<AnyLoginConnection>> {
    let Ok(id) = choice.parse::<OrganizationId>() else { return Ok(None) };
    Ok(match route(state, issuer, Some(typed)).await? {
        Route::Choose(found) => found.into_iter().find(|company| company.organization().id == id),
        Route::Company(only) => Some(*only).filter(|company| company.organization().id == id),
        Route::Own => None,
    })
}

/// The connection that an application names: of the organization whose issuer it is; at the root's, of any organization.
pub(super) async fn named(
    state: &State,
    issuer: &Issuer,
    connection: Option<ConnectionId>,
    name: Option<&str>,
) -> Result<Named> {
    let (environment_id, own) = (issuer.tenant.environment_id, organization(issuer)?.id);
    let mut conn = state.db.read().await?;
    let (parameter, found) = match (connection, name) {
        (Some(id), _) => (
            "saml_connection_id",
            any_login_connections::find_in_environment(&mut conn, environment_id, id).await?,
        ),
        (None, Some(name)) => {
            let id = match OrganizationRef::parse(name) {
                Ok(reference) => organizations::resolve(&mut conn, environment_id, &reference).await?,
                Err(_) => None,
            };
            let found = match id {
                Some(id) => any_login_connections::find_primary(&mut conn, environment_id, id).await?,
                None => None,
            };
            ("organization_id", found)
        }
        (None, None) => return Ok(Named::Nothing),
    };
    let is_here = |company: &AnyLoginConnection| {
        (own == root_id(environment_id) || company.organization().id == own)
            && login::is_usable(state, company)
    };
    Ok(found.filter(is_here).map_or(Named::Unknown(parameter), |company| Named::Company(Box::new(company))))
}

/// What the page of an organization offers to somebody who has not said who they are.
pub async fn offer(state: &State, issuer: &Issuer) -> Result<Offer> {
    let (environment_id, own) = (issuer.tenant.environment_id, organization(issuer)?.id);
    let mut conn = state.db.read().await?;
    let company = usable_of(state, &mut conn, environment_id, own).await?;
    // At the root's issuer the people of other organizations say who they are.
    let own = own == root_id(environment_id)
        || company.is_none()
        || has_own(&mut conn, environment_id, own).await?;
    Ok(Offer { company, own })
}

/// Whether anybody can sign in with an account of an organization's own pools.
async fn has_own(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<bool> {
    let organization: Option<Organization> = table::find(conn, environment_id, organization_id).await?;
    let restriction = organization.and_then(|organization| organization.authentication_mechanisms);
    let restriction = restriction.filter(|allowed| !allowed.is_empty());
    let pools =
        identity_pools::list_by_organization(conn, environment_id, organization_id, MAX_POOLS).await?;
    let first = [AuthenticationMechanism::Password, AuthenticationMechanism::Webauthn];
    Ok(pools.iter().any(|pool| {
        first.iter().any(|mechanism| {
            pool.allows(*mechanism) && restriction.as_ref().is_none_or(|allowed| allowed.contains(mechanism))
        })
    }))
}

/// The primary connection of an organization, if it can be used.
async fn usable_of(
    state: &State,
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<Option<AnyLoginConnection>> {
    let found = any_login_connections::find_primary(conn, environment_id, organization_id).await?;
    Ok(found.filter(|company| login::is_usable(state, company)))
}

/// The connections of the organizations for which a domain counts, or else the nearest of its parents for which there is such an
/// organization. One that has the nearer domain, and no connection, keeps the others away.
async fn by_domain(
    state: &State,
    conn: &mut Conn,
    environment_id: EnvironmentId,
    domain: &Domain,
) -> Result<Vec<AnyLoginConnection>> {
    let mut domain = domain.clone();
    for _ in 0..=MAX_PARENTS {
        let found =
            any_login_connections::list_primary_by_domain(conn, environment_id, &domain, MAX_CHOICES).await?;
        let has_domain = !found.is_empty()
            || !organizations::list_by_domain(conn, environment_id, &domain, 1).await?.is_empty();
        if has_domain {
            return Ok(found.into_iter().filter(|company| login::is_usable(state, company)).collect());
        }
        let Some(parent) = parent(&domain) else { break };
        domain = parent;
    }
    Ok(Vec::new())
}

/// The domain above another one, unless that is a top-level domain.
fn parent(domain: &Domain) -> Option<Domain> {
    let (_, rest) = domain.as_str().split_once('.')?;
    rest.contains('.').then(|| Domain::from_ascii(rest)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_end_below_the_top_level() {
        let domain = Domain::parse("a.eu.acme.example").unwrap();
        let first = parent(&domain).unwrap();
        let second = parent(&first).unwrap();
        assert_eq!((first.as_str(), second.as_str()), ("eu.acme.example", "acme.example"));
        assert_eq!(parent(&second), None);
    }
}
