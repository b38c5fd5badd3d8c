//! Renders stored resources for SCIM clients (RFC 7643 §3.1, §8).

use std::collections::HashMap;

use base::id::{ScimGroupId, ScimUserId};
use model::{
    entity_tag::etag,
    scim_group::{ScimGroup, ScimMember, ScimMemberId},
    scim_user::ScimUser,
};
use scim::{Resource, ResourceType, resource::ResourceMetadata};
use serde_json::{Value, json};

use super::error::Result;
use crate::{
    app::directories::tokens::ProvisioningTarget,
    store::{self, Conn},
};

/// The approximate bytes of one member in a response.
pub(super) const MEMBER_BYTES: usize = 160;

/// A resource as returned to clients, before the attribute projection.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedResource {
    /// The whole resource.
    pub body: Value,
    /// Its version, for `ETag`.
    pub version: i64,
    /// Its URL.
    pub location: String,
}

impl RenderedResource {
    /// Its approximate size as JSON in bytes.
    pub fn bytes(&self) -> usize {
        self.body["members"].as_array().map_or(0, Vec::len) * MEMBER_BYTES
    }
}

/// The URL of a resource, below the directory's stored SCIM base URL.
pub(super) fn location(
    directory: &ProvisioningTarget,
    kind: ResourceType,
    id: &dyn std::fmt::Display,
) -> String {
    format!("{}/{}/{id}", directory.directory.scim_base_url, kind.endpoint())
}

/// A user with its groups.
pub(super) fn user(
    directory: &ProvisioningTarget,
    user: &ScimUser,
    groups: &[(ScimGroupId, String)],
) -> RenderedResource {
    let location = location(directory, ResourceType::User, &user.id);
    let metadata = ResourceMetadata {
        id: &user.id.to_string(),
        created: user.created_at,
        last_modified: user.updated_at,
        location: &location,
        version: &etag(user.version),
    };
    let mut body = Resource::from_stored(ResourceType::User, user.document.clone()).to_json(&metadata);
    if !groups.is_empty() {
        body["groups"] = groups
            .iter()
            .map(|(id, name)| {
                json!({
                    "value": id,
                    "$ref": self::location(directory, ResourceType::Group, id),
                    "display": name,
                    "type": "direct",
                })
            })
            .collect();
    }
    RenderedResource { body, version: user.version, location }
}

/// A group. If `members` is empty, the attribute is omitted.
pub(super) fn group(
    directory: &ProvisioningTarget,
    group: &ScimGroup,
    members: &[ScimMember],
) -> RenderedResource {
    let location = location(directory, ResourceType::Group, &group.id);
    let metadata = ResourceMetadata {
        id: &group.id.to_string(),
        created: group.created_at,
        last_modified: group.updated_at,
        location: &location,
        version: &etag(group.version),
    };
    let mut body = Resource::from_stored(ResourceType::Group, group.document.clone()).to_json(&metadata);
    if !members.is_empty() {
        body["members"] = members.iter().map(|one| member(directory, one)).collect();
    }
    RenderedResource { body, version: group.version, location }
}

/// One entry of `members`: the stored attributes with `value`, `$ref` and `type`.
pub(super) fn member(directory: &ProvisioningTarget, member: &ScimMember) -> Value {
    let kind = match member.id {
        ScimMemberId::User(_) => ResourceType::User,
        ScimMemberId::Group(_) => ResourceType::Group,
    };
    let mut entry = member.attributes.clone();
    entry.insert("value".into(), member.id.to_string().into());
    entry.insert("$ref".into(), location(directory, kind, &member.id).into());
    entry.insert("type".into(), kind.name().into());
    entry.into()
}

/// Users with their groups, which are read in one query.
pub(super) async fn users(
    conn: &mut Conn,
    directory: &ProvisioningTarget,
    users: &[ScimUser],
) -> Result<Vec<RenderedResource>> {
    let ids: Vec<ScimUserId> = users.iter().map(|user| user.id).collect();
    let mut groups: HashMap<ScimUserId, Vec<(ScimGroupId, String)>> = HashMap::new();
    for (id, group, name) in store::scim_members::list_groups_of(conn, directory.directory.id, &ids).await? {
        groups.entry(id).or_default().push((group, name));
    }
    Ok(users.iter().map(|one| user(directory, one, groups.get(&one.id).map_or(&[], Vec::as_slice))).collect())
}

/// A user in an event.
pub(super) fn user_event(user: &ScimUser) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "active": user.active && user.deleted_at.is_none(),
        "attributes": user.document,
    })
}

/// A group in an event.
pub(super) fn group_event(group: &ScimGroup) -> Value {
    json!({
        "id": group.id,
        "displayName": group.display_name,
        "attributes": group.document,
    })
}
