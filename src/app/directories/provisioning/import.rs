//! Imports users and groups from another gateway's database, by the same rules as SCIM requests.
//!
//! The source did not validate resources as we do: the valid attributes are imported, and the names of the others are
//! returned.

use base::{
    id::{ScimGroupId, ScimUserId},
    time::Timestamp,
};
use model::{
    email::Email,
    event::EventKind,
    scim_group::{ScimGroup, ScimMember, ScimMemberId},
    scim_user::ScimUser,
};
use scim::{Resource, ResourceType};
use serde_json::{Map, Value, json};

use super::{
    addresses,
    error::{Error, Result, outdated},
    groups, membership_events, render, users,
};
use crate::{
    app::directories::tokens::ProvisioningTarget,
    store::{self, Transaction},
};

/// Attributes that are generated, or stored elsewhere.
const IGNORED_ATTRIBUTES: [&str; 6] = ["schemas", "id", "meta", "groups", "members", "password"];

/// The status of an imported user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum AccountStatus {
    /// May sign in.
    Active,
    /// Exists, and may not sign in.
    Inactive,
    /// Deleted.
    Deleted,
}

/// The valid part of a resource, and the names of the invalid attributes.
#[derive(Debug)]
pub(in crate::app) struct PartialResource {
    /// The valid part.
    pub(in crate::app) resource: Resource,
    /// The names of the attributes left out, sorted.
    pub(in crate::app) left_out: Vec<String>,
}

/// Parses stored attributes like the body of a PUT. `name` is the required attribute with its current value, since the
/// attributes may be stale.
pub(in crate::app) fn parse_leniently(
    kind: ResourceType,
    name: (&str, &str),
    attributes: &Map<String, Value>,
) -> Result<PartialResource, scim::Error> {
    let (required, value) = name;
    let with_name = |mut body: Map<String, Value>| {
        body.insert(required.to_owned(), value.into());
        Resource::parse(kind, Value::Object(body)).map(|parsed| parsed.resource)
    };
    let own = |key: &str| IGNORED_ATTRIBUTES.iter().any(|it| it.eq_ignore_ascii_case(key));
    let given: Map<String, Value> = attributes
        .iter()
        .filter(|(key, _)| !own(key) && !key.eq_ignore_ascii_case(required))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if let Ok(resource) = with_name(given.clone()) {
        return Ok(PartialResource { resource, left_out: Vec::new() });
    }
    let one = |key: &String, value: &Value| with_name(Map::from_iter([(key.clone(), value.clone())])).is_ok();
    let (good, bad): (Vec<_>, Vec<_>) = given.into_iter().partition(|(key, value)| one(key, value));
    let mut left_out: Vec<String> = bad.into_iter().map(|(key, _)| key).collect();
    let names: Vec<String> = good.iter().map(|(key, _)| key.clone()).collect();
    let resource = match with_name(good.into_iter().collect()) {
        Ok(resource) => resource,
        // Each is valid alone but not together: two spellings of one attribute.
        Err(_) => {
            left_out.extend(names);
            with_name(Map::new())?
        }
    };
    left_out.sort();
    Ok(PartialResource { resource, left_out })
}

/// Applies imported attributes to `user`, if its directory allows them. Returns what was left out.
pub(in crate::app) fn apply_user(
    directory: &ProvisioningTarget,
    user: &mut ScimUser,
    user_name: &str,
    status: AccountStatus,
    attributes: &Map<String, Value>,
) -> Result<Vec<String>> {
    let PartialResource { mut resource, mut left_out } =
        parse_leniently(ResourceType::User, ("userName", user_name), attributes)?;
    resource.attributes.insert("active".into(), (status == AccountStatus::Active).into());
    if addresses::validate(directory, &resource).is_err()
        && let Some(Value::Array(entries)) = resource.attributes.get_mut("emails")
    {
        let before = entries.len();
        entries.retain(|entry| {
            let address = entry.get("value").and_then(Value::as_str).and_then(Email::parse);
            address.is_some_and(|address| directory.accepts_domain(address.domain()))
        });
        if entries.len() < before {
            left_out.push("emails of foreign domains".to_owned());
        }
        if entries.is_empty() {
            resource.attributes.remove("emails");
        }
    }
    users::apply_resource(directory, user, &resource)?;
    Ok(left_out)
}

/// Applies imported attributes to `group`. Returns what was left out.
pub(in crate::app) fn apply_group(
    group: &mut ScimGroup,
    display_name: &str,
    attributes: &Map<String, Value>,
) -> Result<Vec<String>> {
    let PartialResource { mut resource, left_out } =
        parse_leniently(ResourceType::Group, ("displayName", display_name), attributes)?;
    drop(resource.take_members());
    groups::apply_resource(group, &resource)?;
    Ok(left_out)
}

/// Writes an imported user; `before` is the stored one. The caller has checked that the `userName` is free. With
/// `with_events`, events are recorded.
pub(in crate::app) async fn write_user(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    before: Option<&ScimUser>,
    user: &ScimUser,
    now: Timestamp,
    with_events: bool,
) -> Result<()> {
    let Some(before) = before else {
        store::scim_users::insert(tx, user).await?;
        if with_events && user.deleted_at.is_none() {
            let data = json!({ "after": render::user_event(user) });
            users::record(tx, directory, user, now, EventKind::UserCreated, data).await?;
        }
        return Ok(());
    };
    let both = json!({ "before": render::user_event(before), "after": render::user_event(user) });
    let (kind, data) = match (before.deleted_at.is_some(), user.deleted_at.is_some()) {
        (true, true) => return Ok(()),
        (true, false) => {
            store::scim_users::restore(tx, before, user).await?;
            (EventKind::UserCreated, json!({ "after": render::user_event(user) }))
        }
        (false, true) => {
            let groups = store::scim_users::update_deleted(tx, before, now)
                .await?
                .ok_or_else(|| outdated(before.version))?;
            update_groups(tx, directory, &groups, now).await?;
            (EventKind::UserDeleted, json!({ "before": render::user_event(before) }))
        }
        (false, false) => {
            if !store::scim_users::update(tx, before, user).await? {
                return Err(outdated(before.version));
            }
            match (before.active, user.active) {
                (true, false) => (EventKind::UserDeactivated, both),
                (false, true) => (EventKind::UserReactivated, both),
                _ => (EventKind::UserUpdated, both),
            }
        }
    };
    if before.active && before.deleted_at.is_none() && (!user.active || user.deleted_at.is_some()) {
        users::revoke_access(tx, directory, &[before, user], now).await?;
    }
    match with_events {
        true => users::record(tx, directory, user, now, kind, data).await,
        false => Ok(()),
    }
}

/// Updates the groups that lost a member because of the import itself.
async fn update_groups(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    groups: &[ScimGroupId],
    now: Timestamp,
) -> Result<()> {
    let known = store::import_lookups::list_groups(tx, groups).await?;
    let noted: Vec<String> = groups.iter().map(ScimGroupId::to_string).collect();
    let noted = store::import_records::list(tx, &noted).await?;
    store::scim_groups::update_versions(tx, directory.directory.id, groups, now).await?;
    for group in groups {
        let as_imported = known.get(group).is_some_and(|known| {
            noted.get(&group.to_string()).is_some_and(|noted| noted.written_at == known.updated_at)
        });
        if as_imported {
            store::import_records::update_written(tx, &group.to_string(), now).await?;
        }
    }
    Ok(())
}

/// Writes an imported group; `before` is the stored one. Duplicate names stay.
pub(in crate::app) async fn write_group(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    before: Option<&ScimGroup>,
    group: &ScimGroup,
    now: Timestamp,
    with_events: bool,
) -> Result<()> {
    let (kind, data) = match (before, group.deleted_at.is_some()) {
        (Some(before), true) if before.deleted_at.is_some() => return Ok(()),
        (None, _) => {
            store::scim_groups::insert(tx, group).await?;
            (EventKind::GroupCreated, json!({ "after": render::group_event(group) }))
        }
        (Some(before), true) => {
            let parents = store::scim_groups::update_deleted(tx, before, now)
                .await?
                .ok_or_else(|| outdated(before.version))?;
            update_groups(tx, directory, &parents, now).await?;
            (EventKind::GroupDeleted, json!({ "before": render::group_event(before) }))
        }
        (Some(before), false) if before.deleted_at.is_some() => {
            store::scim_groups::restore(tx, group).await?;
            (EventKind::GroupCreated, json!({ "after": render::group_event(group) }))
        }
        (Some(before), false) => {
            if !store::scim_groups::update(tx, before.version, group).await? {
                return Err(outdated(before.version));
            }
            let data = json!({ "before": render::group_event(before), "after": render::group_event(group) });
            (EventKind::GroupUpdated, data)
        }
    };
    match with_events && (before.is_some() || group.deleted_at.is_none()) {
        true => groups::record(tx, directory, group, now, kind, data).await,
        false => Ok(()),
    }
}

/// Adds and removes members of an imported group. Returns how many were added and removed.
pub(in crate::app) async fn write_members(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    group: ScimGroupId,
    (added, removed_ids): (&[ScimUserId], &[ScimUserId]),
    now: Timestamp,
    with_events: bool,
) -> Result<(usize, usize), Error> {
    let wanted: Vec<ScimMember> =
        added.iter().map(|id| ScimMember { id: ScimMemberId::User(*id), attributes: Map::new() }).collect();
    let removed_ids: Vec<String> = removed_ids.iter().map(ScimUserId::to_string).collect();
    let inserted = store::scim_members::insert(tx, directory.directory.id, group, &wanted, now).await?;
    let removed = store::scim_members::remove(tx, group, &removed_ids).await?;
    if with_events {
        membership_events::record(tx, directory, group, now, &inserted, &removed).await?;
    }
    Ok((inserted.len(), removed.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed_leniently(kind: ResourceType, name: (&str, &str), attributes: Value) -> (Value, Vec<String>) {
        let Value::Object(attributes) = attributes else { panic!("an object") };
        let PartialResource { resource, left_out } = parse_leniently(kind, name, &attributes).unwrap();
        (Value::Object(resource.attributes), left_out)
    }

    #[test]
    fn what_is_valid_of_a_stored_resource_is_taken_and_the_rest_is_named() {
        let stale = json!({
            "id": "theirs", "schemas": ["x"], "userName": "old@acme.example", "active": "True",
            "name": {"givenName": "Dana"}, "emails": "no list of addresses", "title": ["a", "b"],
            "nickname": "D",
        });
        let (taken, left_out) = parsed_leniently(ResourceType::User, ("userName", "new@acme.example"), stale);
        assert_eq!(left_out, ["emails", "title"]);
        assert_eq!(taken["userName"], "new@acme.example");
        assert_eq!(taken["nickName"], "D");
        assert_eq!(taken["name"]["givenName"], "Dana");
        assert!(taken.get("id").is_none() && taken.get("schemas").is_none() && taken.get("title").is_none());

        let twice = json!({"displayName": "G", "externalId": "1", "externalID": "2"});
        let (taken, left_out) = parsed_leniently(ResourceType::Group, ("displayName", "Now"), twice);
        assert_eq!((taken, left_out.len()), (json!({"displayName": "Now"}), 2));
        assert!(parse_leniently(ResourceType::User, ("userName", ""), &Map::new()).is_err());
    }
}
