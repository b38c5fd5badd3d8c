//! Groups: created, replaced, patched, removed, read.

use serde_json::{Map, Value, json};

use super::{
    Directory, Rendered, Result, Tags, check_size, check_version, members, not_found, outdated, persistently,
    read_id, render,
};
use crate::{
    app::{
        State,
        events::{self, NewEvent},
    },
    model::{
        event::EventKind,
        id::{Id, ScimGroupId},
        scim_group::{ScimGroup, ScimMember},
        time::Timestamp,
    },
    scim::{self, Kind, MembersChange, PatchRequest, Resource},
    store::{self, Transaction},
};

/// What is made of a group.
struct Wanted {
    resource: Resource,
    members: Vec<MembersChange>,
}

/// Makes a group (RFC 7644 §3.3).
pub async fn create(
    state: &State,
    directory: &Directory,
    body: Value,
    with_members: bool,
) -> Result<Rendered> {
    let mut resource = Resource::parse_create(Kind::Group, body)?.resource;
    let wanted = [MembersChange::Add(resource.take_members())];
    let now = state.now();
    let id: ScimGroupId = Id::new(now, &*state.random);
    persistently(async || {
        let mut group = ScimGroup {
            id,
            directory_id: directory.directory.id,
            display_name: String::new(),
            external_id: None,
            document: Map::new(),
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        take(&mut group, &resource)?;
        let mut tx = state.db.write().await?;
        check_name(&mut tx, &group, None).await?;
        store::scim_groups::insert(&mut tx, &group).await?;
        let delta = members::apply(&mut tx, directory, id, &wanted, now).await?;
        let answer = rendered(&mut tx, directory, &group, with_members).await?;
        let data = json!({ "after": render::group_event(&group) });
        record(&mut tx, directory, &group, now, EventKind::GroupCreated, data).await?;
        members::record_delta(&mut tx, directory, id, now, &delta).await?;
        tx.commit().await?;
        Ok(answer)
    })
    .await
}

/// The group with this id.
pub async fn find(state: &State, directory: &Directory, id: &str, with_members: bool) -> Result<Rendered> {
    let group_id = read_id(Kind::Group, id)?;
    let mut conn = state.db.read().await?;
    let group = store::scim_groups::find(&mut conn, directory.directory.id, group_id)
        .await?
        .ok_or_else(|| not_found(Kind::Group, id))?;
    rendered(&mut conn, directory, &group, with_members).await
}

/// Puts another resource in a group's place (RFC 7644 §3.5.1), its members too.
pub async fn replace(
    state: &State,
    directory: &Directory,
    id: &str,
    body: Value,
    if_match: Option<&Tags>,
    with_members: bool,
) -> Result<Rendered> {
    change(state, directory, id, if_match, with_members, |before| {
        let mut resource = stored(before).parse_replace(body.clone())?.resource;
        let members = vec![MembersChange::Replace(resource.take_members())];
        Ok(Wanted { resource, members })
    })
    .await
}

/// Applies the operations of a PATCH, all or none (RFC 7644 §3.5.2).
pub async fn patch(
    state: &State,
    directory: &Directory,
    id: &str,
    request: &PatchRequest,
    if_match: Option<&Tags>,
    with_members: bool,
) -> Result<Rendered> {
    change(state, directory, id, if_match, with_members, |before| {
        let patched = request.apply(&stored(before))?;
        Ok(Wanted { resource: patched.resource, members: patched.members })
    })
    .await
}

fn stored(group: &ScimGroup) -> Resource {
    Resource::from_stored(Kind::Group, group.document.clone())
}

async fn change(
    state: &State,
    directory: &Directory,
    id: &str,
    if_match: Option<&Tags>,
    with_members: bool,
    judge: impl Fn(&ScimGroup) -> Result<Wanted>,
) -> Result<Rendered> {
    let group_id = read_id(Kind::Group, id)?;
    persistently(async || {
        let now = state.now();
        let mut tx = state.db.write().await?;
        let before = store::scim_groups::lock(&mut tx, directory.directory.id, group_id)
            .await?
            .ok_or_else(|| not_found(Kind::Group, id))?;
        check_version(if_match, before.version)?;
        let wanted = judge(&before)?;
        let mut group = before.clone();
        take(&mut group, &wanted.resource)?;
        let attributes_changed = group != before;
        if group.display_name != before.display_name {
            check_name(&mut tx, &group, Some(group.id)).await?;
        }
        let delta = members::apply(&mut tx, directory, group_id, &wanted.members, now).await?;
        if !attributes_changed && delta.is_empty() {
            return rendered(&mut tx, directory, &before, with_members).await;
        }
        group.version = before.version + 1;
        group.updated_at = now;
        if !store::scim_groups::update(&mut tx, before.version, &group).await? {
            return Err(outdated(group.version));
        }
        let answer = rendered(&mut tx, directory, &group, with_members).await?;
        if attributes_changed {
            let data =
                json!({ "before": render::group_event(&before), "after": render::group_event(&group) });
            record(&mut tx, directory, &group, now, EventKind::GroupUpdated, data).await?;
        }
        members::record_delta(&mut tx, directory, group_id, now, &delta).await?;
        tx.commit().await?;
        Ok(answer)
    })
    .await
}

/// Removes a group (RFC 7644 §3.6). The row stays, for the app's API and for history; nobody is in it.
pub async fn remove(state: &State, directory: &Directory, id: &str, if_match: Option<&Tags>) -> Result<()> {
    let group_id = read_id(Kind::Group, id)?;
    persistently(async || {
        let now = state.now();
        let mut tx = state.db.write().await?;
        let before = store::scim_groups::lock(&mut tx, directory.directory.id, group_id)
            .await?
            .ok_or_else(|| not_found(Kind::Group, id))?;
        check_version(if_match, before.version)?;
        let parents = store::scim_groups::update_deleted(&mut tx, &before, now)
            .await?
            .ok_or_else(|| outdated(before.version))?;
        store::scim_groups::update_versions(&mut tx, directory.directory.id, &parents, now).await?;
        for parent in parents {
            members::record(&mut tx, directory, parent, now, &[], &[before.id.to_string()]).await?;
        }
        let data = json!({ "before": render::group_event(&before) });
        record(&mut tx, directory, &before, now, EventKind::GroupDeleted, data).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Makes the stored group say what the resource says, but for its members.
pub(super) fn take(group: &mut ScimGroup, resource: &Resource) -> Result<()> {
    group.display_name = resource
        .display_name()
        .map(str::to_owned)
        .ok_or_else(|| scim::Error::InvalidValue("displayName is required".into()))?;
    group.external_id = resource.external_id().map(str::to_owned);
    check_size(&resource.attributes)?;
    group.document = resource.attributes.clone();
    Ok(())
}

/// Names are told apart whatever their case; imported duplicates stay (ruling 28).
async fn check_name(tx: &mut Transaction, group: &ScimGroup, except: Option<ScimGroupId>) -> Result<()> {
    let (directory, name) = (group.directory_id, &group.display_name);
    if store::scim_groups::name_is_taken(tx, directory, name, except).await? {
        let name: String = name.chars().take(100).flat_map(char::escape_debug).collect();
        return Err(scim::Error::Uniqueness(format!("another group has the displayName \"{name}\"")).into());
    }
    Ok(())
}

async fn rendered(
    conn: &mut store::Conn,
    directory: &Directory,
    group: &ScimGroup,
    with_members: bool,
) -> Result<Rendered> {
    let members: Vec<ScimMember> = match with_members {
        true => {
            let members = store::scim_members::list_of(conn, &[group.id]).await?;
            members.into_iter().map(|(_, member)| member).collect()
        }
        false => Vec::new(),
    };
    Ok(render::group(directory, group, &members))
}

pub(super) async fn record(
    tx: &mut Transaction,
    directory: &Directory,
    group: &ScimGroup,
    now: Timestamp,
    kind: EventKind,
    data: Value,
) -> Result<()> {
    let event = NewEvent {
        environment: &directory.directory.environment_id,
        organization: &directory.directory.organization_id,
        directory: Some(&directory.directory.id),
        kind,
        resource: group.id.to_string(),
        data,
    };
    events::record(tx, now, event).await?;
    Ok(())
}
