//! Administrators: who may enter the console, how they prove it, and what they may do there.

pub mod confirm;
pub mod invitations;
pub mod passkeys;
pub mod passwords;
pub mod people;
pub mod sessions;
pub mod sign_in;
pub mod sso;

use std::net::IpAddr;

use super::{
    Error, Result, State,
    actor::{Actor, Credential, Principal},
};
use crate::{
    model::{
        administrator::{AdminSession, Administrator, Role, RoleGrants},
        environment::Environment,
        id::{AdministratorId, EnvironmentId},
    },
    store,
};

/// How many environments a person is shown at once.
const MOST_ENVIRONMENTS: usize = 500;

/// The browser that an administrator uses, as far as it can be told.
#[derive(Debug, Clone, Default)]
pub struct Device {
    /// From where it calls.
    pub address: Option<IpAddr>,
    /// What it says that it is.
    pub user_agent: String,
}

/// An administrator with a living session.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub administrator: Administrator,
    /// What they may do.
    pub grants: RoleGrants,
    /// Since when, and how they proved it.
    pub session: AdminSession,
    /// Whether they proved it in the last minutes.
    pub recently_authenticated: bool,
}

impl SignedIn {
    /// This administrator as the principal of what concerns more than one environment, or only themselves.
    pub fn principal(&self, address: Option<IpAddr>) -> Principal {
        principal(self.administrator.id, &self.grants, self.recently_authenticated, address)
    }

    /// This administrator at work in an environment. One in which they have no role is not there for them.
    pub fn actor(&self, environment_id: EnvironmentId, address: Option<IpAddr>) -> Result<Actor> {
        let (role, everywhere) = self
            .grants
            .role_in(environment_id)
            .ok_or_else(|| Error::not_found("environment", environment_id))?;
        let (id, recently_authenticated) = (self.administrator.id, self.recently_authenticated);
        let credential = Credential::Administrator { id, role, everywhere, recently_authenticated };
        Ok(Principal { credential, address }.in_environment(environment_id))
    }

    /// The environments in which they have a role, in the order in which they were made.
    pub async fn environments(&self, state: &State) -> Result<Vec<Environment>> {
        self.first_environments(state, MOST_ENVIRONMENTS).await
    }

    /// The first few of them.
    pub async fn first_environments(&self, state: &State, most: usize) -> Result<Vec<Environment>> {
        let mut conn = state.db.read().await?;
        if self.grants.global_role().is_some() {
            let limit = i64::try_from(most).map_err(Error::internal)?;
            return Ok(store::environments::list(&mut conn, None, limit).await?);
        }
        let mut own: Vec<EnvironmentId> = self.grants.environments().collect();
        own.sort();
        own.truncate(most);
        let mut environments = Vec::with_capacity(own.len());
        for id in own {
            environments.extend(store::environments::find(&mut conn, id).await?);
        }
        Ok(environments)
    }

    /// One environment in which they have a role, and they at work in it.
    pub async fn authorize_in(
        &self,
        state: &State,
        environment: &str,
        address: Option<IpAddr>,
    ) -> Result<(Environment, Actor)> {
        let missing = || Error::not_found("environment", super::input::quoted(environment));
        let id: EnvironmentId = environment.parse().map_err(|_| missing())?;
        let actor = self.actor(id, address)?;
        let mut conn = state.db.read().await?;
        let environment = store::environments::find(&mut conn, id).await?.ok_or_else(missing)?;
        Ok((environment, actor))
    }
}

/// The account of somebody who is signed in, kept from everybody else until the transaction ends. Refuses when it
/// was removed in the meantime.
async fn lock_own(tx: &mut store::Transaction, who: &SignedIn) -> Result<Administrator> {
    let removed = || Error::FailedPrecondition("your account was removed in the meantime".into());
    if !store::administrators::lock_enabled(tx, who.administrator.id).await? {
        return Err(removed());
    }
    store::administrators::find(tx, who.administrator.id).await?.ok_or_else(removed)
}

fn principal(
    id: AdministratorId,
    grants: &RoleGrants,
    recently_authenticated: bool,
    address: Option<IpAddr>,
) -> Principal {
    let (role, everywhere) = match grants.global_role() {
        Some(role) => (role, true),
        None => (grants.0.iter().map(|grant| grant.role).max().unwrap_or(Role::Viewer), false),
    };
    Principal {
        credential: Credential::Administrator { id, role, everywhere, recently_authenticated },
        address,
    }
}
