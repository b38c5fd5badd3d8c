//! The users of an organization, whichever of its pools they are in: how people look for them.

use base::id::{IdentityPoolId, OrganizationId};
use model::{identity_pool::IdentityPool, user::User};

use super::{
    details::{UserDetails, details_of},
    place,
    search::{self, MAX_FOUND, look_up},
};
use crate::{
    app::{
        Result, State,
        pagination::{Page, PageQuery},
        permissions::Action,
        principal::{On, Principal},
        resource,
    },
    store::{Conn, identity_pools},
};

/// The maximum number of pools of an organization that are looked into.
const MAX_POOLS: i64 = 50;

/// The pool with this id, for somebody who may read its users.
pub async fn find_pool(state: &State, principal: &Principal, id: IdentityPoolId) -> Result<IdentityPool> {
    let environment_id = principal.authorize(Action::UsersView, On::AnyOrganization)?;
    let pool = place::find_pool(&mut state.db.read().await?, environment_id, id).await?;
    resource::hide(id, principal.authorize(Action::UsersView, On::Organization(pool.organization_id)))?;
    Ok(pool)
}

/// The pools of an organization, up to 50, the oldest first.
pub async fn list_pools(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
) -> Result<Vec<IdentityPool>> {
    pools(&mut state.db.read().await?, principal, organization_id).await
}

async fn pools(
    conn: &mut Conn,
    principal: &Principal,
    organization_id: OrganizationId,
) -> Result<Vec<IdentityPool>> {
    let environment_id = principal.authorize(Action::UsersView, On::Organization(organization_id))?;
    Ok(identity_pools::list_by_organization(conn, environment_id, organization_id, MAX_POOLS).await?)
}

/// Users of an organization, for people: those whom the text names, or whose name has its words; with no text one page of all,
/// the newest first.
pub async fn search_in_organization(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    text: &str,
    query: &PageQuery,
) -> Result<Page<User>> {
    let text = text.trim();
    if text.is_empty() {
        return search::list_newest(state, principal, organization_id, query).await;
    }
    let mut conn = state.db.read().await?;
    let mut items = Vec::new();
    let most = usize::try_from(MAX_FOUND).unwrap_or_default();
    for pool in pools(&mut conn, principal, organization_id).await? {
        items.extend(look_up(&mut conn, &pool, text).await?);
        if items.len() >= most {
            items.truncate(most);
            break;
        }
    }
    Ok(Page { items, next_token: String::new() })
}

/// These users, whom the caller read, with their identifiers and addresses.
pub async fn describe(state: &State, principal: &Principal, users: Vec<User>) -> Result<Vec<UserDetails>> {
    let environment_id = principal.authorize(Action::UsersView, On::AnyOrganization)?;
    let own = users.into_iter().filter(|user| user.environment_id == environment_id).collect();
    details_of(&mut state.db.read().await?, own).await
}
