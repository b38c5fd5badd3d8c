//! SCIM groups: create, read, replace, patch and delete.

use base::{
    id::{Id, ScimGroupId},
    time::Timestamp,
};
use model::{
    entity_tag::EntityTags,
    event::EventKind,
    scim_group::{ScimGroup, ScimMember},
};
use scim::{MembershipChange, Resource, ResourceType, WorkBudget};
use serde_json::{Map, Value, json};

use super::{
    change::{AppliedChange, Change, MAX_ATTEMPTS, contention_error},
    error::{Error, Result, not_found, outdated},
    membership_events,
    membership_plan::MembershipPlan,
    render::{self, RenderedResource},
    request_budget::RequestBudget,
    resource::{check_size, parse_id},
    usage,
};
use crate::{
    app::{
        self, State,
        directories::tokens::ProvisioningTarget,
        events::{self, NewEvent},
        resource::check_version,
        retry::retry_deadlocks,
    },
    store::{self, Transaction},
};

/// Creates a group (RFC 7644 §3.3).
pub async fn create(
    state: &State,
    directory: &ProvisioningTarget,
    mut resource: Resource,
    with_members: bool,
) -> Result<RenderedResource> {
    let wanted = [MembershipChange::Add(resource.take_members())];
    let now = state.now();
    let id: ScimGroupId = Id::new(now, &*state.random);
    let plan = MembershipPlan::from_changes(id, &wanted)?
        .ok_or_else(|| app::Error::internal("a new group has no members to read"))?;
    let (group, members) = retry_deadlocks(async || {
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
        apply_resource(&mut group, &resource)?;
        let mut tx = state.db.write().await?;
        check_name(&mut tx, &group, None).await?;
        store::scim_groups::insert(&mut tx, &group).await?;
        let delta = plan.execute(&mut tx, directory, id, now).await?;
        let members = members_of(&mut tx, &group, with_members).await?;
        let data = json!({ "after": render::group_event(&group) });
        record(&mut tx, directory, &group, now, EventKind::GroupCreated, data).await?;
        membership_events::record_delta(&mut tx, directory, id, now, &delta).await?;
        tx.commit().await?;
        Ok::<_, Error>((group, members))
    })
    .await?;
    render_off_thread(state, directory, group, members).await
}

/// The group with this id.
pub async fn find(
    state: &State,
    directory: &ProvisioningTarget,
    id: &str,
    with_members: bool,
) -> Result<RenderedResource> {
    let group_id = parse_id(ResourceType::Group, id)?;
    let mut conn = state.db.read().await?;
    let group = store::scim_groups::find(&mut conn, directory.directory.id, group_id)
        .await?
        .ok_or_else(|| not_found(ResourceType::Group, id))?;
    let members = members_of(&mut conn, &group, with_members).await?;
    drop(conn);
    render_off_thread(state, directory, group, members).await
}

fn stored(group: &ScimGroup) -> Resource {
    Resource::from_stored(ResourceType::Group, group.document.clone())
}

/// A change computed before the transaction.
struct PreparedChange {
    before: ScimGroup,
    resource: Resource,
    plan: MembershipPlan,
}

impl PreparedChange {
    /// Whether it is valid for the current version of the group.
    fn fits(&self, now: &ScimGroup) -> bool {
        match self.plan.version_bound {
            true => self.before.version == now.version,
            false => self.before.document == now.document,
        }
    }
}

/// Changes a group and its members by PUT (RFC 7644 §3.5.1) or PATCH (§3.5.2).
pub async fn change(
    state: &State,
    directory: &ProvisioningTarget,
    id: &str,
    change: &Change,
    if_match: Option<&EntityTags>,
    with_members: bool,
    budget: &RequestBudget,
) -> Result<RenderedResource> {
    let group_id = parse_id(ResourceType::Group, id)?;
    let not_there = || not_found(ResourceType::Group, id);
    let prepare = async || {
        let found = {
            let mut conn = state.db.read().await?;
            store::scim_groups::find(&mut conn, directory.directory.id, group_id).await?
        };
        let before = found.ok_or_else(not_there)?;
        check_version(if_match, before.version)?;
        let (change, resource, work) = (change.clone(), stored(&before), WorkBudget::new(budget.left()));
        let apply = move || {
            let mut work = work;
            let wanted = change.apply(&resource, &mut work);
            let planned = wanted.map_err(Error::from).and_then(|wanted| {
                let plan = MembershipPlan::from_changes(group_id, &wanted.members)?;
                Ok((wanted, plan))
            });
            (planned, work)
        };
        let of = Some(directory.directory.id);
        let (planned, mut work) = state.offload.run(of, usize::MAX, apply).await?;
        let planned = match planned {
            Ok((wanted, Some(plan))) => Ok((wanted.resource, plan)),
            Ok((wanted, None)) => {
                MembershipPlan::from_stored_members(state, directory, group_id, wanted.members, &mut work)
                    .await
                    .map(|plan| (wanted.resource, plan))
            }
            Err(error) => Err(error),
        };
        budget.charge(state, directory, work.spent());
        let (resource, plan) = planned?;
        Ok::<_, Error>(PreparedChange { before, resource, plan })
    };
    let mut prepared = match change.is_light() {
        true => None,
        false => Some(prepare().await?),
    };
    for _ in 0..MAX_ATTEMPTS {
        let outcome = retry_deadlocks(async || {
            let now = state.now();
            let mut tx = state.db.write().await?;
            let before = store::scim_groups::lock(&mut tx, directory.directory.id, group_id)
                .await?
                .ok_or_else(not_there)?;
            check_version(if_match, before.version)?;
            match &prepared {
                Some(prepared) if prepared.fits(&before) => {
                    write(tx, directory, before, (&prepared.resource, &prepared.plan), with_members, now)
                        .await
                        .map(Some)
                }
                Some(_) => Ok(None),
                None => {
                    let Some(AppliedChange { resource, members }) =
                        change.apply_if_light(&stored(&before))?
                    else {
                        return Ok(None);
                    };
                    match MembershipPlan::from_changes(group_id, &members)? {
                        Some(plan) => write(tx, directory, before, (&resource, &plan), with_members, now)
                            .await
                            .map(Some),
                        None => Ok(None),
                    }
                }
            }
        });
        match outcome.await? {
            Some((group, members)) => {
                return render_off_thread(state, directory, group, members).await;
            }
            None => prepared = Some(prepare().await?),
        }
    }
    Err(contention_error())
}

/// Writes the changes of a locked group, and commits. Returns it, `with_members` if requested.
async fn write(
    mut tx: Transaction,
    directory: &ProvisioningTarget,
    before: ScimGroup,
    (resource, plan): (&Resource, &MembershipPlan),
    with_members: bool,
    now: Timestamp,
) -> Result<(ScimGroup, Vec<ScimMember>)> {
    let mut group = before.clone();
    apply_resource(&mut group, resource)?;
    let attributes_changed = group != before;
    if group.display_name != before.display_name {
        check_name(&mut tx, &group, Some(group.id)).await?;
    }
    let delta = plan.execute(&mut tx, directory, group.id, now).await?;
    if !attributes_changed && delta.is_empty() {
        let members = members_of(&mut tx, &before, with_members).await?;
        return Ok((before, members));
    }
    group.version = before.version + 1;
    group.updated_at = now;
    if !store::scim_groups::update(&mut tx, before.version, &group).await? {
        return Err(outdated(group.version));
    }
    let members = members_of(&mut tx, &group, with_members).await?;
    if attributes_changed {
        let data = json!({ "before": render::group_event(&before), "after": render::group_event(&group) });
        record(&mut tx, directory, &group, now, EventKind::GroupUpdated, data).await?;
    }
    membership_events::record_delta(&mut tx, directory, group.id, now, &delta).await?;
    tx.commit().await?;
    Ok((group, members))
}

/// Deletes a group (RFC 7644 §3.6) with its memberships. The row stays for the app's API and for history.
pub async fn remove(
    state: &State,
    directory: &ProvisioningTarget,
    id: &str,
    if_match: Option<&EntityTags>,
) -> Result<()> {
    let group_id = parse_id(ResourceType::Group, id)?;
    retry_deadlocks(async || {
        let now = state.now();
        let mut tx = state.db.write().await?;
        let before = store::scim_groups::lock(&mut tx, directory.directory.id, group_id)
            .await?
            .ok_or_else(|| not_found(ResourceType::Group, id))?;
        check_version(if_match, before.version)?;
        let members = store::scim_members::count(&mut tx, &[group_id]).await?.into_iter().sum();
        let parents = store::scim_groups::update_deleted(&mut tx, &before, now)
            .await?
            .ok_or_else(|| outdated(before.version))?;
        store::scim_groups::update_versions(&mut tx, directory.directory.id, &parents, now).await?;
        membership_events::record_removed_from(&mut tx, directory, &parents, now, &before.id.to_string())
            .await?;
        usage::count_removed_members(&mut tx, directory, now, members).await?;
        let data = json!({ "before": render::group_event(&before) });
        record(&mut tx, directory, &before, now, EventKind::GroupDeleted, data).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Applies the resource to the stored group, without its members.
pub(super) fn apply_resource(group: &mut ScimGroup, resource: &Resource) -> Result<()> {
    group.display_name = resource
        .display_name()
        .map(str::to_owned)
        .ok_or_else(|| scim::Error::InvalidValue("displayName is required".into()))?;
    group.external_id = resource.external_id().map(str::to_owned);
    check_size(&resource.attributes)?;
    group.document = resource.attributes.clone();
    Ok(())
}

/// Refuses a taken name, case-insensitively. Imported duplicates stay.
async fn check_name(tx: &mut Transaction, group: &ScimGroup, except: Option<ScimGroupId>) -> Result<()> {
    let (directory, name) = (group.directory_id, &group.display_name);
    if store::scim_groups::name_is_taken(tx, directory, name, except).await? {
        let name: String = name.chars().take(100).flat_map(char::escape_debug).collect();
        return Err(scim::Error::Uniqueness(format!("another group has the displayName \"{name}\"")).into());
    }
    Ok(())
}

async fn members_of(conn: &mut store::Conn, group: &ScimGroup, wanted: bool) -> Result<Vec<ScimMember>> {
    if !wanted {
        return Ok(Vec::new());
    }
    let members = store::scim_members::list_of_groups(conn, &[group.id]).await?;
    Ok(members.into_iter().map(|(_, member)| member).collect())
}

async fn render_off_thread(
    state: &State,
    directory: &ProvisioningTarget,
    group: ScimGroup,
    members: Vec<ScimMember>,
) -> Result<RenderedResource> {
    let bytes = members.len() * render::MEMBER_BYTES;
    let of = directory.directory.id;
    let directory = directory.clone();
    Ok(state.offload.run(Some(of), bytes, move || render::group(&directory, &group, &members)).await?)
}

pub(super) async fn record(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    group: &ScimGroup,
    now: Timestamp,
    kind: EventKind,
    data: Value,
) -> Result<()> {
    usage::count(tx, directory, now, kind, &data).await?;
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
