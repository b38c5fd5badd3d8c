//! The names of what the entries of the audit log refer to.

use std::collections::{BTreeMap, btree_map};

use base::id::{
    AdministratorId, ApiKeyId, ApplicationId, EnvironmentId, Id, IdKind, OrganizationId, RoleId, UserGroupId,
    UserId,
};
use model::{
    api_key::ApiKey, application::Application, audit::AuditEvent, email::Email, role::Role,
    user::IdentifierKind, user_group::UserGroup,
};
use serde_json::Value;

use crate::{
    app::{Result, State},
    store::{Conn, administrators, organizations, table, user_identifiers, users},
};

/// Display names of what entries refer to. Deleted resources have none.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Administrators.
    pub administrators: BTreeMap<AdministratorId, Email>,
    /// API keys that have a display name.
    pub api_keys: BTreeMap<ApiKeyId, String>,
    /// Applications that have a display name.
    pub applications: BTreeMap<ApplicationId, String>,
    /// Users: by the name of their profile, else by what they sign in with.
    pub users: BTreeMap<UserId, String>,
    /// Roles.
    pub roles: BTreeMap<RoleId, String>,
    /// Groups of users.
    pub groups: BTreeMap<UserGroupId, String>,
    /// Organizations of the environment.
    pub organizations: BTreeMap<OrganizationId, String>,
}

/// How many users or groups that an entry names are named.
const MAX_MEMBERS: usize = 10;

/// How many of an entry's other organizations are returned.
const MAX_SHARED_ORGANIZATIONS: usize = 10;

/// The first few organizations with which the entry's organization shares a domain since this entry.
pub fn shared_with(event: &AuditEvent) -> Vec<OrganizationId> {
    let domains = event.after.get("sharedDomains").and_then(Value::as_object);
    let others =
        domains.into_iter().flat_map(|domains| domains.values()).filter_map(Value::as_array).flatten();
    let mut ids: Vec<OrganizationId> = Vec::new();
    for id in others.filter_map(|id| id.as_str()?.parse().ok()) {
        if ids.len() >= MAX_SHARED_ORGANIZATIONS {
            break;
        }
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// The users or groups that an entry names beside its target: who was given a role.
pub fn members<K: IdKind>(event: &AuditEvent, field: &str) -> Vec<Id<K>> {
    let all = [&event.after, &event.before].into_iter().filter_map(|values| values.get(field)?.as_array());
    all.flatten().filter_map(|id| id.as_str()?.parse().ok()).take(MAX_MEMBERS).collect()
}

/// The display names for a page of entries of one organization, for its own people: of its users, roles and groups, and of nobody else.
pub async fn names_in(
    state: &State,
    organization_id: OrganizationId,
    events: &[AuditEvent],
) -> Result<Names> {
    let all = names(state, events).await?;
    let ids: Vec<UserId> = all.users.keys().copied().collect();
    let own = users::list_of_organization(&mut state.db.read().await?, organization_id, &ids).await?;
    let users = all.users.into_iter().filter(|(id, _)| own.contains(id)).collect();
    Ok(Names { users, roles: all.roles, groups: all.groups, ..Names::default() })
}

/// The display names for a page of entries.
pub async fn names(state: &State, events: &[AuditEvent]) -> Result<Names> {
    let mut names = Names::default();
    let mut wanted: Vec<AdministratorId> = events
        .iter()
        .flat_map(|event| [event.actor.id.as_str(), event.target_id.as_str()])
        .filter_map(|id| id.parse().ok())
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut conn = state.db.read().await?;
    names.administrators.extend(administrators::list_emails(&mut conn, &wanted).await?);
    if let Some(environment_id) = events.first().and_then(|event| event.environment_id) {
        let mut wanted: Vec<OrganizationId> = events
            .iter()
            .filter_map(|event| event.organization_id)
            .chain(events.iter().flat_map(shared_with))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        names.organizations.extend(organizations::list_names(&mut conn, environment_id, &wanted).await?);
        let ids = events.iter().flat_map(|event| [event.actor.id.as_str(), event.target_id.as_str()]);
        let mut ids: Vec<UserId> = ids.filter_map(|id| id.parse().ok()).collect();
        ids.extend(events.iter().flat_map(|event| members(event, "users")));
        let one = |event: &AuditEvent| event.after.get("userId")?.as_str()?.parse::<UserId>().ok();
        ids.extend(events.iter().filter_map(one));
        ids.sort_unstable();
        ids.dedup();
        names.users = user_names(&mut conn, environment_id, &ids).await?;
        for id in events.iter().filter_map(|event| event.target_id.parse().ok()) {
            if let btree_map::Entry::Vacant(unknown) = names.roles.entry(id) {
                let found = table::find::<Role>(&mut conn, environment_id, id).await?;
                unknown.insert(found.map(|role| role.name).unwrap_or_default());
            }
        }
        names.roles.retain(|_, name| !name.is_empty());
        let groups = events.iter().filter_map(|event| event.target_id.parse().ok());
        for id in groups.chain(events.iter().flat_map(|event| members(event, "groups"))) {
            if let btree_map::Entry::Vacant(unknown) = names.groups.entry(id) {
                let found = table::find::<UserGroup>(&mut conn, environment_id, id).await?;
                unknown.insert(found.map(|group| group.name).unwrap_or_default());
            }
        }
        names.groups.retain(|_, name| !name.is_empty());
        for id in events.iter().filter_map(|event| event.actor.id.parse().ok()) {
            if let btree_map::Entry::Vacant(unknown) = names.api_keys.entry(id) {
                let found = table::find::<ApiKey>(&mut conn, environment_id, id).await?;
                unknown.insert(found.map(|key| key.display_name).unwrap_or_default());
            }
        }
        names.api_keys.retain(|_, name| !name.trim().is_empty());
        for id in events.iter().filter_map(|event| event.actor.id.parse().ok()) {
            if let btree_map::Entry::Vacant(unknown) = names.applications.entry(id) {
                let found = table::find::<Application>(&mut conn, environment_id, id).await?;
                unknown.insert(found.map(|application| application.display_name).unwrap_or_default());
            }
        }
        names.applications.retain(|_, name| !name.trim().is_empty());
    }
    Ok(names)
}

/// What these users are called.
async fn user_names(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    ids: &[UserId],
) -> Result<BTreeMap<UserId, String>> {
    let mut names: BTreeMap<UserId, String> =
        users::list_names(conn, environment_id, ids).await?.into_iter().collect();
    let is_blank = |name: &String| name.trim().is_empty();
    let unnamed: Vec<UserId> = names.iter().filter(|(_, name)| is_blank(name)).map(|(id, _)| *id).collect();
    for (id, identifiers) in user_identifiers::list(conn, &unnamed).await? {
        let typed = identifiers.into_iter().find(|one| one.text.kind() != IdentifierKind::Federated);
        names.extend(typed.map(|identifier| (id, identifier.text.as_str().to_owned())));
    }
    names.retain(|_, name| !is_blank(name));
    Ok(names)
}

/// The id of the actor with this e-mail address; any other text is taken as an id.
pub async fn actor_named(state: &State, text: &str) -> Result<String> {
    let Some(email) = Email::parse(text) else { return Ok(text.to_owned()) };
    let mut conn = state.db.read().await?;
    let found = administrators::find_by_email(&mut conn, &email).await?;
    // An unknown address matches no entry.
    Ok(found.map_or_else(|| text.to_owned(), |administrator| administrator.id.to_string()))
}
