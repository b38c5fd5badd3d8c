//! Groups of users as SCIM resources.

use base::id::{EnvironmentId, UserGroupId, UserId};
use model::user_group::UserGroup;
use scim::{
    Filter, ListQuery, ListResponse, Member, MembershipChange, PatchRequest, Resource, ResourceType,
    filter::{Literal, Operator},
    list_response::Position,
    query::Page,
    resource::ResourceMetadata,
};
use serde_json::{Map, Value};

use super::{
    DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Place,
    document::without_store,
    users::{uuid, without_version},
};
use crate::{
    app::{
        Error, State,
        accounts::{
            groups::{self, GroupSettings, MemberChange},
            users,
        },
        directories::provisioning::Result,
        permissions::Action,
        principal::{On, Principal},
    },
    store::{self, Conn},
};

/// How many members of a group are shown.
const MAX_MEMBERS: i64 = 10_000;

/// How many members of each group of a list are shown, to whoever asks for them.
const MAX_LISTED_MEMBERS: i64 = 100;

/// How many groups a filter is evaluated over, where no index finds the one it names.
const MAX_SCANNED: i64 = 2000;

/// How many groups are read at a time.
const BATCH: i64 = 200;

const KIND: ResourceType = ResourceType::Group;

/// The ids of users in members.
fn ids(members: &[Member]) -> Result<Vec<UserId>, scim::Error> {
    let id = |member: &Member| {
        member.value.parse::<UserId>().map_err(|_| {
            let shown: String = member.value.chars().take(80).flat_map(char::escape_debug).collect();
            scim::Error::InvalidValue(format!("members: there is no user \"{shown}\" here"))
        })
    };
    members.iter().map(id).collect()
}

fn settings(resource: &Resource, description: &str) -> GroupSettings {
    let name = without_store(resource.display_name().unwrap_or_default().trim());
    GroupSettings { name: name.to_owned(), description: description.to_owned() }
}

/// Creates a group in the first pool of the organization, which gets one if it has none.
pub async fn create(
    state: &State,
    principal: &Principal,
    place: &Place,
    mut resource: Resource,
) -> Result<Value> {
    principal.authorize(Action::UserGroupsManage, On::Organization(place.organization_id))?;
    let members = ids(&resource.take_members())?;
    let settings = settings(&resource, "");
    let pool = users::first_pool(state, principal, place.organization_id).await?;
    let made = groups::create_with_members(state, principal, pool.id, &settings, &members).await;
    let group = made.map_err(|error| conflict(&settings, error))?;
    render_one(state, principal, place, &group, true).await
}

fn conflict(settings: &GroupSettings, error: Error) -> scim::Error {
    match error {
        Error::Conflict { field: "name", .. } => scim::Error::Uniqueness(format!(
            "Group with name: {} already exists in the system.",
            settings.name
        )),
        error => crate::app::directories::provisioning::to_scim_error(&error),
    }
}

async fn load(state: &State, principal: &Principal, place: &Place, id: &str) -> Result<UserGroup> {
    let not_found = || {
        let shown: String = id.chars().take(80).flat_map(char::escape_debug).collect();
        scim::Error::NotFound(format!("there is no group \"{shown}\" here"))
    };
    principal.authorize(Action::UserGroupsView, On::Organization(place.organization_id))?;
    let id: UserGroupId = id.parse().map_err(|_| not_found())?;
    match groups::find_any(state, principal, id).await {
        Ok(group) if group.organization_id == place.organization_id => Ok(group),
        Ok(_) | Err(Error::NotFound { .. }) => Err(not_found().into()),
        Err(error) => Err(error.into()),
    }
}

/// The group of an organization with this id, with its members or without.
pub async fn find(
    state: &State,
    principal: &Principal,
    place: &Place,
    id: &str,
    with_members: bool,
) -> Result<Value> {
    let group = load(state, principal, place, id).await?;
    render_one(state, principal, place, &group, with_members).await
}

/// A change of a resource.
pub enum Change {
    /// PUT.
    Replace(Resource),
    /// PATCH.
    Patch(PatchRequest),
}

/// Changes a group.
pub async fn change(
    state: &State,
    principal: &Principal,
    place: &Place,
    id: &str,
    change: &Change,
    with_members: bool,
) -> Result<Value> {
    principal.authorize(Action::UserGroupsManage, On::Organization(place.organization_id))?;
    let group = load(state, principal, place, id).await?;
    let (after, members) = match change {
        Change::Replace(resource) => {
            let mut resource = resource.clone();
            let members = resource.take_members();
            (resource, vec![MembershipChange::Replace(members)])
        }
        Change::Patch(request) => {
            let patched = request.apply(&document(&group))?;
            (patched.resource, patched.members)
        }
    };
    let settings = settings(&after, &group.description);
    let mut changes = Vec::with_capacity(members.len());
    for change in &members {
        changes.push(match change {
            MembershipChange::Add(members) => MemberChange::Add(ids(members)?),
            MembershipChange::Replace(members) => MemberChange::Replace(ids(members)?),
            // Who is no user is not in it.
            MembershipChange::Remove(ids) => {
                MemberChange::Remove(ids.iter().filter_map(|id| id.parse().ok()).collect())
            }
            MembershipChange::RemoveWhere(_) => {
                let text = "members are chosen by their value: members[value eq \"…\"]";
                return Err(scim::Error::InvalidPath(text.into()).into());
            }
        });
    }
    let of = (group.pool_id, group.id);
    // A group that was renamed meanwhile keeps its name, unless this names it.
    let renamed = (settings.name != group.name).then_some(&settings);
    let changed = groups::change_with_members(state, principal, of, renamed, &changes).await;
    let group = changed.map_err(|error| conflict(&settings, error))?;
    render_one(state, principal, place, &group, with_members).await
}

/// Deletes a group: its users stay.
pub async fn remove(state: &State, principal: &Principal, place: &Place, id: &str) -> Result<()> {
    principal.authorize(Action::UserGroupsManage, On::Organization(place.organization_id))?;
    let group = load(state, principal, place, id).await?;
    Ok(groups::remove(state, principal, (group.pool_id, group.id), None).await?)
}

fn document(group: &UserGroup) -> Resource {
    let attributes = Map::from_iter([("displayName".to_owned(), Value::from(group.name.as_str()))]);
    Resource::from_stored(KIND, attributes)
}

fn describe(group: &UserGroup, place: &Place) -> Value {
    without_version(document(group).to_json(&ResourceMetadata {
        id: &uuid(group.id.bits()),
        created: group.created_at,
        last_modified: group.updated_at,
        location: &place.group(group.id),
        version: "",
    }))
}

async fn render_one(
    state: &State,
    principal: &Principal,
    place: &Place,
    group: &UserGroup,
    with_members: bool,
) -> Result<Value> {
    let limit = if with_members { MAX_MEMBERS } else { 0 };
    render(state, principal, place, group, limit).await
}

async fn render(
    state: &State,
    principal: &Principal,
    place: &Place,
    group: &UserGroup,
    max_members: i64,
) -> Result<Value> {
    let mut body = describe(group, place);
    if max_members == 0 {
        return Ok(body);
    }
    let members = groups::list_names(state, principal, group, max_members).await?;
    if !members.is_empty() {
        let member = |(id, name): (UserId, Option<String>)| {
            let value = uuid(id.bits());
            serde_json::json!({
                "display": name.unwrap_or_else(|| value.clone()),
                "value": value,
                "$ref": place.user(id),
                "type": "User",
            })
        };
        body["members"] = members.into_iter().map(member).collect();
    }
    Ok(body)
}

/// The groups of an organization that a query finds. Their members are shown to whoever asks for them by name.
pub async fn list(
    state: &State,
    principal: &Principal,
    place: &Place,
    query: &ListQuery,
) -> Result<ListResponse> {
    let environment_id =
        principal.authorize(Action::UserGroupsView, On::Organization(place.organization_id))?;
    if query.sort.is_some() {
        return Err(scim::Error::NotImplemented("Sorting is not supported.".into()).into());
    }
    let Page::Index { start, count } = query.page else {
        let text = "pages have no cursors here: send startIndex and count";
        return Err(scim::Error::InvalidValue(text.into()).into());
    };
    let skip = start - 1;
    let count = count.unwrap_or(DEFAULT_PAGE_SIZE).min(MAX_PAGE_SIZE);
    let (total, found) = match &query.filter {
        None => page(state, environment_id, place, skip, count).await?,
        Some(filter) => {
            let filter = checked(filter.clone())?;
            let candidates = match lookup(&filter) {
                Some(lookup) => by_lookup(state, principal, place, &lookup).await?,
                None => all(state, environment_id, place).await?,
            };
            let matching = candidates.into_iter().filter(|group| filter.matches(&describe(group, place)));
            let matching: Vec<UserGroup> = matching.collect();
            let total = matching.len() as u64;
            let take = usize::try_from(count).unwrap_or(usize::MAX);
            let skip = usize::try_from(skip).unwrap_or(usize::MAX);
            (total, matching.into_iter().skip(skip).take(take).collect())
        }
    };
    let with_members = !query.projection.is_default() && query.projection.includes("members");
    let mut resources = Vec::with_capacity(found.len());
    for group in &found {
        let max_members = if with_members { MAX_LISTED_MEMBERS } else { 0 };
        let body = render(state, principal, place, group, max_members).await?;
        resources.push(query.projection.apply(body));
    }
    Ok(ListResponse { total: Some(total), resources, position: Position::Index(start) })
}

/// A filter of what groups are looked for by: their name, their id, and when they were made or changed.
fn checked(filter: Filter) -> Result<Filter, scim::Error> {
    match filter {
        Filter::And(parts) => Ok(Filter::And(parts.into_iter().map(checked).collect::<Result<_, _>>()?)),
        Filter::Compare { path, operator, value } => {
            let is_known = path.schema().is_none() && matches!(path.name(), "displayName" | "id" | "meta");
            if !is_known || path.target().is_none() {
                return Err(scim::Error::InvalidFilter(format!("groups are not looked for by {path}")));
            }
            let value = match value {
                Literal::Text(text) if path.name() == "displayName" => {
                    Literal::Text(without_store(&text).to_owned())
                }
                value => value,
            };
            Ok(Filter::Compare { path, operator, value })
        }
        Filter::Or(_) => Err(unsupported("or")),
        Filter::Not(_) => Err(unsupported("not")),
        Filter::Present(_) | Filter::Element { .. } => Err(unsupported("pr")),
    }
}

fn unsupported(operator: &str) -> scim::Error {
    scim::Error::InvalidFilter(format!("Filter operator: {operator} is not supported for group filtering."))
}

/// What has an index, and the value that is looked for.
enum Lookup<'f> {
    Id(&'f str),
    Name(&'f str),
}

fn lookup(filter: &Filter) -> Option<Lookup<'_>> {
    match filter {
        Filter::And(parts) => parts.iter().find_map(lookup),
        Filter::Compare { path, operator: Operator::Eq, value: Literal::Text(text) } => match path.name() {
            "id" => Some(Lookup::Id(text)),
            "displayName" => Some(Lookup::Name(text)),
            _ => None,
        },
        _ => None,
    }
}

async fn by_lookup(
    state: &State,
    principal: &Principal,
    place: &Place,
    lookup: &Lookup<'_>,
) -> Result<Vec<UserGroup>> {
    let mut found = Vec::new();
    match lookup {
        Lookup::Id(text) => match load(state, principal, place, text).await {
            Ok(group) => found.push(group),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        },
        Lookup::Name(name) => {
            let key = model::user_group::name_key(name);
            let pools = users::list_pools(state, principal, place.organization_id).await?;
            let mut conn = state.db.read().await?;
            for pool in pools {
                let named = store::user_groups::find_by_key(&mut conn, pool.environment_id, pool.id, &key);
                found.extend(named.await?);
            }
        }
    }
    Ok(found)
}

async fn page(
    state: &State,
    environment_id: EnvironmentId,
    place: &Place,
    skip: u64,
    count: u64,
) -> Result<(u64, Vec<UserGroup>)> {
    let mut conn = state.db.read().await?;
    let total = count_of(&mut conn, environment_id, place).await?;
    let skip = i64::try_from(skip).unwrap_or(i64::MAX);
    if count == 0 || skip >= total {
        return Ok((u64::try_from(total).unwrap_or(0), Vec::new()));
    }
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let organization_id = place.organization_id;
    let found =
        store::user_groups::list_by_organization(&mut conn, environment_id, organization_id, skip, count);
    let found = found.await?;
    Ok((u64::try_from(total).unwrap_or(0), found))
}

async fn count_of(conn: &mut Conn, environment_id: EnvironmentId, place: &Place) -> Result<i64> {
    Ok(store::user_groups::count_by_organization(conn, environment_id, place.organization_id).await?)
}

/// Every group of an organization that has not too many.
async fn all(state: &State, environment_id: EnvironmentId, place: &Place) -> Result<Vec<UserGroup>> {
    let mut conn = state.db.read().await?;
    if count_of(&mut conn, environment_id, place).await? > MAX_SCANNED {
        return Err(scim::Error::TooMany(format!(
            "with more than {MAX_SCANNED} groups a filter has to name one by displayName or id with eq"
        ))
        .into());
    }
    let organization_id = place.organization_id;
    let mut found = Vec::new();
    loop {
        let skip = i64::try_from(found.len()).unwrap_or(i64::MAX);
        let some =
            store::user_groups::list_by_organization(&mut conn, environment_id, organization_id, skip, BATCH);
        let some = some.await?;
        let is_last = i64::try_from(some.len()).is_ok_and(|read| read < BATCH);
        found.extend(some);
        if is_last || skip > MAX_SCANNED {
            return Ok(found);
        }
    }
}
