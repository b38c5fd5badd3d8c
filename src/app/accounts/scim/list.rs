//! Lists of users. A filter that names one user by an indexed attribute reads that one; any other one is evaluated over all users
//! of the organization, within bounds.

use base::id::{EnvironmentId, OrganizationId, UserId};
use model::{
    identity_pool::IdentityPool,
    user::{IdentifierKey, IdentifierKind, IdentifierText, User, UserAddress},
};
use scim::{
    AttributePath, Filter, ListQuery, ListResponse,
    filter::{Literal, Operator},
    list_response::Position,
    query::Page,
    schema,
};

use super::{
    DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE,
    document::without_store,
    users::{Place, describe, render},
};
use crate::{
    app::{
        State,
        accounts::users::{self, UserDetails},
        directories::provisioning::Result,
        permissions::Action,
        principal::{On, Principal},
    },
    store::{self, Conn, table},
};

/// How many users a filter is evaluated over, where no index finds whom it names.
const MAX_SCANNED: i64 = 2000;

/// How many users are read at a time.
const BATCH: i64 = 100;

/// How many users with one address are looked at.
const MAX_CANDIDATES: i64 = 100;

/// The users of an organization that a query finds.
pub async fn list(
    state: &State,
    principal: &Principal,
    place: Place<'_>,
    query: &ListQuery,
) -> Result<ListResponse> {
    let organization_id = place.organization_id;
    let environment_id = principal.authorize(Action::UsersView, On::Organization(organization_id))?;
    if query.sort.is_some() {
        return Err(scim::Error::NotImplemented("Sorting is not supported.".into()).into());
    }
    let Page::Index { start, count } = query.page else {
        return Err(scim::Error::InvalidValue(
            "pages have no cursors here: send startIndex and count".into(),
        )
        .into());
    };
    let filter = query.filter.clone().map(checked).transpose()?;
    let window = Window { skip: start - 1, count: count.unwrap_or(DEFAULT_PAGE_SIZE).min(MAX_PAGE_SIZE) };
    let mut conn = state.db.read().await?;
    let (total, found) = match &filter {
        None => page(&mut conn, environment_id, organization_id, window).await?,
        Some(filter) => match lookup(filter) {
            Some(lookup) => {
                let pools = users::list_pools(state, principal, organization_id).await?;
                let users = lookup.find(&mut conn, environment_id, organization_id, &pools).await?;
                let mut matching = Matching::new(filter, window, place);
                matching.take(users::details::details_of(&mut conn, users).await?);
                (matching.total, matching.found)
            }
            None => scan(&mut conn, environment_id, place, filter, window).await?,
        },
    };
    let with_groups = query.projection.includes("groups");
    let rendered = render(&mut conn, principal, place, found, with_groups).await?;
    let resources = rendered.into_iter().map(|body| query.projection.apply(body)).collect();
    Ok(ListResponse { total: Some(total), resources, position: Position::Index(start) })
}

/// Which part of the found users is answered.
#[derive(Clone, Copy)]
struct Window {
    skip: u64,
    count: u64,
}

/// A filter of attributes that users have, with names of stores taken away.
fn checked(filter: Filter) -> Result<Filter, scim::Error> {
    Ok(match filter {
        Filter::And(parts) => Filter::And(parts.into_iter().map(checked).collect::<Result<_, _>>()?),
        Filter::Or(_) => return Err(unsupported("or")),
        Filter::Not(_) => return Err(unsupported("not")),
        Filter::Compare { path, operator, value } => {
            ensure_known(&path)?;
            let value = match value {
                Literal::Text(text) if is(&path, "userName") => {
                    Literal::Text(without_store(&text).to_owned())
                }
                value => value,
            };
            Filter::Compare { path, operator, value }
        }
        Filter::Present(path) => {
            ensure_known(&path)?;
            Filter::Present(path)
        }
        Filter::Element { path, filter } => {
            ensure_known(&path)?;
            Filter::Element { path, filter }
        }
    })
}

fn unsupported(operator: &str) -> scim::Error {
    scim::Error::InvalidFilter(format!("Filter operator: {operator} is not supported for user filtering."))
}

/// Requires an attribute of users. The extensions may have others than those that are known.
fn ensure_known(path: &AttributePath) -> Result<(), scim::Error> {
    let is_known = match path.schema() {
        None => path.definition().is_some() && path.target().is_some() && path.applies_to(super::users::KIND),
        Some(urn) => schema::extends_user(urn),
    };
    match is_known {
        true => Ok(()),
        false => Err(scim::Error::InvalidFilter(format!("{path} is no attribute of a user"))),
    }
}

/// Whether a path is this attribute of the core schema, or its value.
fn is(path: &AttributePath, name: &str) -> bool {
    path.schema().is_none() && path.name() == name && path.sub().is_none_or(|sub| sub == "value")
}

/// An attribute that has an index, and the value that is looked for.
enum Lookup<'f> {
    Id(&'f str),
    UserName(&'f str),
    ExternalId(&'f str),
    Email(&'f str),
}

/// What a filter looks one user up by: a comparison that has to hold.
fn lookup(filter: &Filter) -> Option<Lookup<'_>> {
    match filter {
        Filter::And(parts) => parts.iter().find_map(lookup),
        Filter::Compare { path, operator: Operator::Eq, value: Literal::Text(text) } => match () {
            () if is(path, "id") => Some(Lookup::Id(text)),
            () if is(path, "userName") => Some(Lookup::UserName(text)),
            () if is(path, "externalId") => Some(Lookup::ExternalId(text)),
            () if is(path, "emails") => Some(Lookup::Email(text)),
            () => None,
        },
        _ => None,
    }
}

impl Lookup<'_> {
    /// Those who may be meant.
    async fn find(
        &self,
        conn: &mut Conn,
        environment_id: EnvironmentId,
        organization_id: OrganizationId,
        pools: &[IdentityPool],
    ) -> Result<Vec<User>> {
        let mut found = Vec::new();
        if let Self::Id(text) = self {
            let Ok(id) = text.parse::<UserId>() else { return Ok(found) };
            let user: Option<User> = table::find(conn, environment_id, id).await?;
            let is_here = |user: &User| {
                user.organization_id == organization_id && pools.iter().any(|pool| pool.id == user.pool_id)
            };
            found.extend(user.filter(is_here));
            return Ok(found);
        }
        for pool in pools {
            match self {
                Self::Id(_) => {}
                Self::UserName(text) => found.extend(users::find_by_typed(conn, pool, text).await?),
                Self::ExternalId(text) => {
                    let Ok(text) = IdentifierText::parse(IdentifierKind::External, text) else { continue };
                    let key = [text.key(pool.identifier_case_insensitive)];
                    found.extend(by_key(conn, pool, &key).await?);
                }
                Self::Email(text) => {
                    let Some(key) = UserAddress::key_of_any(text) else { continue };
                    let limit = MAX_CANDIDATES;
                    let some =
                        store::users::list_by_address(conn, environment_id, pool.id, &key, false, limit);
                    found.extend(some.await?);
                }
            }
        }
        Ok(found)
    }
}

async fn by_key(conn: &mut Conn, pool: &IdentityPool, key: &[IdentifierKey]) -> Result<Option<User>> {
    Ok(store::users::find_by_key(conn, pool.environment_id, pool.id, key).await?)
}

/// A page of all users.
async fn page(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    window: Window,
) -> Result<(u64, Vec<UserDetails>)> {
    let total = store::users::count_in_organization(conn, organization_id).await?;
    if window.count == 0 {
        return Ok((number(total), Vec::new()));
    }
    let skip = i64::try_from(window.skip).unwrap_or(i64::MAX);
    let count = i64::try_from(window.count).unwrap_or(i64::MAX);
    let users = match skip < total {
        true => store::users::list_at(conn, environment_id, organization_id, skip, count).await?,
        false => Vec::new(),
    };
    Ok((number(total), users::details::details_of(conn, users).await?))
}

fn number(total: i64) -> u64 {
    u64::try_from(total).unwrap_or(0)
}

/// The users who match a filter: how many, and those of the page.
struct Matching<'f> {
    filter: &'f Filter,
    window: Window,
    place: Place<'f>,
    total: u64,
    found: Vec<UserDetails>,
}

impl<'f> Matching<'f> {
    fn new(filter: &'f Filter, window: Window, place: Place<'f>) -> Self {
        Self { filter, window, place, total: 0, found: Vec::new() }
    }

    fn take(&mut self, some: Vec<UserDetails>) {
        for details in some {
            if !self.filter.matches(&describe(&details, self.place)) {
                continue;
            }
            if self.total >= self.window.skip && (self.found.len() as u64) < self.window.count {
                self.found.push(details);
            }
            self.total += 1;
        }
    }
}

/// Evaluates a filter over all users of an organization that has not too many.
async fn scan(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    place: Place<'_>,
    filter: &Filter,
    window: Window,
) -> Result<(u64, Vec<UserDetails>)> {
    let organization_id = place.organization_id;
    if store::users::count_in_organization(conn, organization_id).await? > MAX_SCANNED {
        return Err(scim::Error::TooMany(format!(
            "with more than {MAX_SCANNED} users a filter has to name one by userName, emails, externalId or id with eq"
        ))
        .into());
    }
    let mut matching = Matching::new(filter, window, place);
    let mut from = None;
    let mut scanned = 0;
    // Users may come meanwhile.
    while scanned < 2 * MAX_SCANNED {
        let some =
            store::users::list_by_organization(conn, environment_id, organization_id, from, BATCH).await?;
        let read = i64::try_from(some.len()).unwrap_or(BATCH);
        let last = some.last().map(|user| user.id);
        matching.take(users::details::details_of(conn, some).await?);
        scanned += read;
        from = last.and_then(|id| id.bits().checked_add(1)).map(UserId::from_bits);
        if read < BATCH || from.is_none() {
            break;
        }
    }
    Ok((matching.total, matching.found))
}
