//! Users and groups of SCIM directories, as apps read them.

use base::id::{EnvironmentId, ScimDirectoryId, ScimGroupId, ScimUserId};
use model::scim_directory::ScimDirectory;
use serde_json::{Map, Value, json};

use crate::{
    app::{
        Error, Result, State, input,
        organizations::reference,
        pagination::{List, Page, PageQuery, PageRequest},
        permissions::Action,
        principal::{On, Principal},
        resource,
    },
    store::{
        self,
        scim_resources::{StoredGroup, StoredUser},
    },
};

/// The maximum number of members in a group's attributes. A larger group has no `members` attribute, as a partial
/// list would be wrong; listing users with `scimGroupId` pages through them.
const MAX_MEMBERS: usize = 1000;

/// Selects a directory by the first non-empty one of the three ids.
#[derive(Debug, Clone, Default)]
pub struct DirectoryQuery {
    /// The directory itself.
    pub scim_directory_id: String,
    /// The organization, whose primary directory it is.
    pub organization_id: String,
    /// The organization by the vendor's own id for it.
    pub organization_external_id: String,
}

/// A user, as apps read it.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectoryUser {
    /// The user's id.
    pub id: ScimUserId,
    /// The directory.
    pub directory_id: ScimDirectoryId,
    /// The e-mail address, if there is one.
    pub email: Option<String>,
    /// Whether the user may no longer use the app: inactive or deleted.
    pub deleted: bool,
    /// Whether the identity provider deleted the user, as opposed to setting `active` to false.
    pub removed: bool,
    /// The current SCIM attributes.
    pub attributes: Map<String, Value>,
}

/// A group, as apps read it.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectoryGroup {
    /// Its id.
    pub id: ScimGroupId,
    /// The directory.
    pub directory_id: ScimDirectoryId,
    /// Its display name.
    pub display_name: String,
    /// Whether it is deleted.
    pub deleted: bool,
    /// The current SCIM attributes with the current members.
    pub attributes: Map<String, Value>,
}

/// Finds the selected directory. The error messages are SSOReady's, where it has one.
async fn find_directory(
    conn: &mut store::Conn,
    environment_id: EnvironmentId,
    query: &DirectoryQuery,
) -> Result<ScimDirectoryId> {
    let no_primary = |field: &'static str| {
        move || {
            Error::invalid(
                field,
                "organization not found, or organization does not have a primary SCIM directory",
            )
        }
    };
    if !query.scim_directory_id.is_empty() {
        let id: ScimDirectoryId = parse_id("scim_directory_id", &query.scim_directory_id)?;
        return Ok(resource::load::<ScimDirectory>(conn, environment_id, id).await?.id);
    }
    let found = if !query.organization_id.is_empty() {
        let id =
            reference::resolve_in(conn, environment_id, "organization_id", &query.organization_id).await?;
        store::scim_directories::find_primary(conn, environment_id, id)
            .await?
            .ok_or_else(no_primary("organization_id"))?
    } else if !query.organization_external_id.is_empty() {
        let id = input::line("organization_external_id", &query.organization_external_id, 500)?;
        store::scim_directories::find_primary_by_external_id(conn, environment_id, &id)
            .await?
            .ok_or_else(no_primary("organization_external_id"))?
    } else {
        return Err(Error::invalid(
            "",
            "one of scim_directory_id, organization_id, or organization_external_id must be provided",
        ));
    };
    Ok(found.id)
}

fn parse_id<T: std::str::FromStr<Err: std::fmt::Display>>(field: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|error| Error::invalid(field, ToString::to_string(&error)))
}

/// One page of a directory's users, or of the members of `group`; deleted ones are included.
pub async fn list_users(
    state: &State,
    principal: &Principal,
    query: &DirectoryQuery,
    group: &str,
    page: &PageQuery,
) -> Result<Page<DirectoryUser>> {
    let environment_id = principal.authorize(Action::ScimUsersView, On::Environment)?;
    let mut conn = state.db.read().await?;
    let directory = find_directory(&mut conn, environment_id, query).await?;
    let group: Option<ScimGroupId> = match group {
        "" => None,
        text => Some(parse_id("scim_group_id", text)?),
    };
    let list = match group {
        None => List::of(environment_id, format_args!("scim_users/{directory}")),
        Some(group) => List::of(environment_id, format_args!("scim_users/{directory}/{group}")),
    };
    let wanted = PageRequest::parse(state, &list, page)?;
    let found = match group {
        None => store::scim_resources::list_users(&mut conn, directory, wanted.from, wanted.limit()).await?,
        Some(group) => {
            store::scim_resources::list_members(&mut conn, directory, group, wanted.from, wanted.limit())
                .await?
        }
    };
    let page = wanted.page_of(state, &list, found, |user| user.id);
    Ok(Page { items: page.items.into_iter().map(user_view).collect(), next_token: page.next_token })
}

/// One user, deleted or not.
pub async fn find_user(state: &State, principal: &Principal, id: ScimUserId) -> Result<DirectoryUser> {
    let mut conn = state.db.read().await?;
    let found = store::scim_resources::find_user(
        &mut conn,
        principal.authorize(Action::ScimUsersView, On::Environment)?,
        id,
    )
    .await?;
    found.map(user_view).ok_or_else(|| Error::not_found("SCIM user", id))
}

/// One page of a directory's groups, deleted ones included.
pub async fn list_groups(
    state: &State,
    principal: &Principal,
    query: &DirectoryQuery,
    page: &PageQuery,
) -> Result<Page<DirectoryGroup>> {
    let environment_id = principal.authorize(Action::ScimGroupsView, On::Environment)?;
    let mut conn = state.db.read().await?;
    let directory = find_directory(&mut conn, environment_id, query).await?;
    let list = List::of(environment_id, format_args!("scim_groups/{directory}"));
    let wanted = PageRequest::parse(state, &list, page)?;
    let found = store::scim_resources::list_groups(&mut conn, directory, wanted.from, wanted.limit()).await?;
    let page = wanted.page_of(state, &list, found, |group| group.id);
    let mut items = Vec::with_capacity(page.items.len());
    for group in page.items {
        items.push(group_view(&mut conn, group).await?);
    }
    Ok(Page { items, next_token: page.next_token })
}

/// One group, deleted or not.
pub async fn find_group(state: &State, principal: &Principal, id: ScimGroupId) -> Result<DirectoryGroup> {
    let mut conn = state.db.read().await?;
    let found = store::scim_resources::find_group(
        &mut conn,
        principal.authorize(Action::ScimGroupsView, On::Environment)?,
        id,
    )
    .await?;
    group_view(&mut conn, found.ok_or_else(|| Error::not_found("SCIM group", id))?).await
}

/// The users of a directory with this e-mail address, user name, display name, external id or id.
pub async fn search_users(
    state: &State,
    principal: &Principal,
    directory: ScimDirectoryId,
    name: &str,
) -> Result<Vec<DirectoryUser>> {
    let environment_id = principal.authorize(Action::ScimUsersView, On::Environment)?;
    let name = input::line("q", name.trim(), 500)?;
    let mut conn = state.db.read().await?;
    resource::load::<ScimDirectory>(&mut conn, environment_id, directory).await?;
    let found = match name.parse::<ScimUserId>() {
        Ok(id) => store::scim_resources::find_user(&mut conn, environment_id, id)
            .await?
            .into_iter()
            .filter(|user| user.directory_id == directory)
            .collect(),
        Err(_) => {
            store::scim_resources::search_users(&mut conn, directory, &name.to_lowercase(), &name).await?
        }
    };
    Ok(found.into_iter().map(user_view).collect())
}

/// The groups of a directory with this name, external id or id.
pub async fn search_groups(
    state: &State,
    principal: &Principal,
    directory: ScimDirectoryId,
    name: &str,
) -> Result<Vec<DirectoryGroup>> {
    let environment_id = principal.authorize(Action::ScimGroupsView, On::Environment)?;
    let name = input::line("q", name.trim(), 500)?;
    let mut conn = state.db.read().await?;
    resource::load::<ScimDirectory>(&mut conn, environment_id, directory).await?;
    let found: Vec<StoredGroup> = match name.parse::<ScimGroupId>() {
        Ok(id) => store::scim_resources::find_group(&mut conn, environment_id, id)
            .await?
            .into_iter()
            .filter(|group| group.directory_id == directory)
            .collect(),
        Err(_) => {
            store::scim_resources::search_groups(&mut conn, directory, &name.to_lowercase(), &name).await?
        }
    };
    let mut groups = Vec::with_capacity(found.len());
    for group in found {
        groups.push(group_view(&mut conn, group).await?);
    }
    Ok(groups)
}

/// The maximum number of groups of a user that are returned.
const MAX_GROUPS: i64 = 200;

/// The ids and names of a user's groups.
pub async fn groups_of(
    state: &State,
    principal: &Principal,
    user: &DirectoryUser,
) -> Result<Vec<(ScimGroupId, String)>> {
    let environment_id = principal.authorize(Action::ScimUsersView, On::Environment)?;
    let mut conn = state.db.read().await?;
    resource::load::<ScimDirectory>(&mut conn, environment_id, user.directory_id).await?;
    Ok(store::scim_resources::list_groups_of(&mut conn, user.directory_id, user.id, MAX_GROUPS).await?)
}

fn user_view(user: StoredUser) -> DirectoryUser {
    let deleted = user.deleted || !user.active;
    let mut attributes = user.document;
    remove_internal(&mut attributes);
    attributes.insert("active".to_owned(), Value::Bool(!deleted));
    DirectoryUser {
        id: user.id,
        directory_id: user.directory_id,
        email: user.email,
        deleted,
        removed: user.deleted,
        attributes,
    }
}

async fn group_view(conn: &mut store::Conn, group: StoredGroup) -> Result<DirectoryGroup> {
    let mut attributes = group.document;
    remove_internal(&mut attributes);
    attributes.insert("displayName".to_owned(), Value::from(group.display_name.as_str()));
    attributes.remove("members");
    let limit = i64::try_from(MAX_MEMBERS + 1).unwrap_or(i64::MAX);
    let members = store::scim_resources::list_member_ids(conn, group.id, limit).await?;
    if members.len() <= MAX_MEMBERS {
        let members = members.into_iter().map(|(id, attributes)| member(id, attributes.as_deref()));
        attributes.insert("members".to_owned(), members.collect());
    }
    Ok(DirectoryGroup {
        id: group.id,
        directory_id: group.directory_id,
        display_name: group.display_name,
        deleted: group.deleted,
        attributes,
    })
}

fn member(id: String, attributes: Option<&str>) -> Value {
    let mut member = match attributes.and_then(|text| serde_json::from_str(text).ok()) {
        Some(Value::Object(attributes)) => Value::Object(attributes),
        _ => json!({}),
    };
    member["value"] = Value::from(id);
    member
}

/// Removes what is no attribute of the resource itself, and the password.
fn remove_internal(attributes: &mut Map<String, Value>) {
    for name in ["schemas", "id", "meta", "groups", "password"] {
        attributes.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::id::Id;

    #[test]
    fn attributes_say_what_is_true_now() {
        let document = json!({
            "schemas": ["urn:x"], "userName": "a", "active": true, "password": "p", "groups": []
        });
        let user = |active, deleted| StoredUser {
            id: Id::from_bits(1),
            directory_id: Id::from_bits(2),
            email: None,
            active,
            deleted,
            document: document.as_object().unwrap().clone(),
        };
        let described = user_view(user(true, false));
        assert_eq!(Value::Object(described.attributes), json!({ "userName": "a", "active": true }));
        assert!(!described.deleted);
        for gone in [user(false, false), user(true, true)] {
            let described = user_view(gone);
            assert!(described.deleted);
            assert_eq!(described.attributes["active"], false);
        }
    }

    #[test]
    fn a_member_keeps_what_was_sent_with_it_but_its_id() {
        assert_eq!(
            member("u".into(), Some(r#"{"display":"D","value":"x"}"#)),
            json!({"value":"u","display":"D"})
        );
        assert_eq!(member("u".into(), None), json!({ "value": "u" }));
    }
}
