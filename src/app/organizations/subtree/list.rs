//! Lists of the organizations below the caller's.

use base::id::OrganizationId;
use model::organization::Organization;

use super::{Condition, Node, Place, TextOperator, nodes};
use crate::{
    app::{
        Result, State,
        permissions::Action,
        principal::{On, Principal},
    },
    store::organization_subtree::{self, Query},
};

/// Which organizations, and how many at most.
#[derive(Debug, Clone)]
pub struct ListQuery {
    /// What each meets.
    pub conditions: Vec<Condition>,
    /// Those at any distance; else right below.
    pub recursive: bool,
    /// Where the page is.
    pub place: Place,
    /// How many at most.
    pub limit: i64,
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Slice<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Whether something comes before it.
    pub has_before: bool,
    /// Whether something comes after it.
    pub has_after: bool,
}

/// One page of the organizations below `own`, in which the caller acts; the newest first.
pub async fn list(
    state: &State,
    principal: &Principal,
    own: OrganizationId,
    query: &ListQuery,
) -> Result<Slice<Node>> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Organization(own))?;
    let mut conn = state.db.read().await?;
    let wanted = Query {
        environment_id,
        above: own,
        recursive: query.recursive,
        conditions: &query.conditions,
        place: query.place,
        limit: query.limit + 1,
    };
    let mut found: Vec<Organization> = organization_subtree::list(&mut conn, &wanted).await?;
    let is_more = i64::try_from(found.len()).is_ok_and(|number| number > query.limit);
    let (has_before, has_after) = match query.place {
        Place::First => (false, is_more),
        Place::After(..) => (true, is_more),
        Place::Before(..) => (is_more, true),
    };
    if is_more {
        match query.place {
            // What is over is the farthest from the place.
            Place::Before(..) => drop(found.remove(0)),
            Place::First | Place::After(..) => drop(found.pop()),
        }
    }
    let items = nodes(&mut conn, environment_id, found).await?;
    Ok(Slice { items, has_before, has_after })
}

/// Up to `limit` keys that the attributes of organizations below `own` have, each once and in order, after one of them.
pub async fn attribute_keys(
    state: &State,
    principal: &Principal,
    own: OrganizationId,
    recursive: bool,
    condition: Option<(TextOperator, &str)>,
    after: Option<&str>,
    limit: usize,
) -> Result<Slice<String>> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Organization(own))?;
    let mut conn = state.db.read().await?;
    let of = (environment_id, own, recursive);
    let mut items: Vec<String> = Vec::new();
    let mut last = after.unwrap_or_default().to_owned();
    // Each key by itself: a key that a hundred thousand organizations have is read once.
    while items.len() <= limit
        && let Some(key) = organization_subtree::find_next_key(&mut conn, of, condition, &last).await?
    {
        last = key.clone();
        items.push(key);
    }
    let has_after = items.len() > limit;
    items.truncate(limit);
    Ok(Slice { items, has_before: after.is_some(), has_after })
}
