//! A signed-in administrator: their account, roles and session, and the principal that they are.

use std::net::IpAddr;

use base::id::{AdministratorId, EnvironmentId};
use model::{
    account::AdminSession,
    administrator::{Administrator, Role, RoleGrants},
    entity_tag::EntityTags,
    environment::Environment,
};

use crate::{
    app::{
        Error, Result, State,
        accounts::AccountHolder,
        input,
        principal::Principal,
        resource::{Edit, check_version},
    },
    store::{self, Transaction, table},
};

/// The maximum number of environments that are listed.
const MAX_ENVIRONMENTS: usize = 500;

/// An administrator with an active session.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The account.
    pub administrator: Administrator,
    /// Their roles.
    pub grants: RoleGrants,
    /// The session, with the method and time of its authentication.
    pub session: AdminSession,
    /// Whether they authenticated recently.
    pub recently_authenticated: bool,
}

impl SignedIn {
    /// This administrator as the principal of changes to several environments or to their own account.
    pub fn principal(&self, address: Option<IpAddr>) -> Principal {
        principal(self.administrator.id, &self.grants, address).authenticated(self.session.authenticated_at)
    }

    /// This administrator as the holder of their own account.
    pub(super) fn holder(&self, address: Option<IpAddr>) -> AccountHolder {
        let account = self.administrator.id.into();
        AccountHolder { account, environment_id: None, principal: self.principal(address) }
    }

    /// This administrator as the principal in an environment. `NotFound` if they have no role in it.
    pub fn principal_in(&self, environment_id: EnvironmentId, address: Option<IpAddr>) -> Result<Principal> {
        let (role, everywhere) = self
            .grants
            .role_in(environment_id)
            .ok_or_else(|| Error::not_found("environment", environment_id))?;
        let principal = Principal::administrator(self.administrator.id, role, everywhere).at(address);
        Ok(principal.authenticated(self.session.authenticated_at).in_environment(environment_id))
    }

    /// The environments in which they have a role, oldest first.
    pub async fn environments(&self, state: &State) -> Result<Vec<Environment>> {
        self.first_environments(state, MAX_ENVIRONMENTS).await
    }

    /// The first `max` environments in which they have a role, oldest first.
    pub async fn first_environments(&self, state: &State, max: usize) -> Result<Vec<Environment>> {
        let mut conn = state.db.read().await?;
        if self.grants.global_role().is_some() {
            let limit = i64::try_from(max).map_err(Error::internal)?;
            return Ok(store::environments::list(&mut conn, None, limit).await?);
        }
        let mut own: Vec<EnvironmentId> = self.grants.environments().collect();
        own.sort();
        own.truncate(max);
        let mut environments = Vec::with_capacity(own.len());
        for id in own {
            environments.extend(store::table::find::<Environment>(&mut conn, id, id).await?);
        }
        Ok(environments)
    }

    /// Authorises this administrator in an environment. Returns the environment and the principal.
    pub async fn authorize_in(
        &self,
        state: &State,
        environment: &str,
        address: Option<IpAddr>,
    ) -> Result<(Environment, Principal)> {
        let missing = || Error::not_found("environment", input::quoted(environment));
        let id: EnvironmentId = environment.parse().map_err(|_| missing())?;
        let principal = self.principal_in(id, address)?;
        let mut conn = state.db.read().await?;
        let environment = store::table::find(&mut conn, id, id).await?.ok_or_else(missing)?;
        Ok((environment, principal))
    }
}

/// Locks an account until the transaction ends, and returns it unless it was removed.
pub(in crate::app) async fn lock_enabled(
    tx: &mut Transaction,
    id: AdministratorId,
) -> Result<Option<Administrator>> {
    let found: Option<Administrator> = table::find_for_update(tx, id, id).await?;
    Ok(found.filter(|account| account.disabled_at.is_none()))
}

/// Locks the account of a signed-in administrator until the transaction ends, and returns it. An error if it was
/// removed.
pub(in crate::app) async fn lock_account(tx: &mut Transaction, admin: &SignedIn) -> Result<Administrator> {
    lock_enabled(tx, admin.administrator.id).await?.ok_or_else(removed)
}

/// Begins a change of the account of a signed-in administrator. An error if it was removed; [`Error::Outdated`]: it has
/// none of the `expected` versions any more.
pub(in crate::app) async fn edit_account(
    state: &State,
    admin: &SignedIn,
    expected: Option<&EntityTags>,
) -> Result<Edit<Administrator>> {
    let id = admin.administrator.id;
    let edit = Edit::<Administrator>::begin(state.db.write().await?, id, id, None).await?;
    if edit.row.disabled_at.is_some() {
        return Err(removed());
    }
    check_version(expected, edit.row.version)?;
    Ok(edit)
}

fn removed() -> Error {
    Error::FailedPrecondition("your account was removed in the meantime".into())
}

pub(in crate::app) fn principal(
    id: AdministratorId,
    grants: &RoleGrants,
    address: Option<IpAddr>,
) -> Principal {
    let (role, everywhere) = match grants.global_role() {
        Some(role) => (role, true),
        None => (grants.0.iter().map(|grant| grant.role).max().unwrap_or(Role::Viewer), false),
    };
    Principal::administrator(id, role, everywhere).at(address)
}
