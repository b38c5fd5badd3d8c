//! SCIM users: create, read, replace, patch and delete.

use std::collections::{BTreeMap, BTreeSet};

use base::{
    id::{Id, ScimUserId},
    time::Timestamp,
};
use model::{email::Email, entity_tag::EntityTags, event::EventKind, scim_user::ScimUser};
use scim::{Resource, ResourceType, WorkBudget};
use serde_json::{Map, Value, json};

use super::{
    addresses,
    change::{AppliedChange, Change, MAX_ATTEMPTS, contention_error},
    error::{Error, Result, not_found, outdated},
    membership_events,
    render::{self, RenderedResource},
    request_budget::RequestBudget,
    resource::{check_size, parse_id},
    usage,
};
use crate::{
    app::{
        State,
        directories::tokens::ProvisioningTarget,
        events::{self, NewEvent},
        resource::check_version,
        retry::retry_deadlocks,
    },
    store::{self, Transaction},
};

/// Creates a user (RFC 7644 §3.3). The database enforces that `userName` is unique.
pub async fn create(
    state: &State,
    directory: &ProvisioningTarget,
    resource: Resource,
) -> Result<RenderedResource> {
    let now = state.now();
    let id: ScimUserId = Id::new(now, &*state.random);
    retry_deadlocks(async || {
        let mut user = ScimUser {
            id,
            directory_id: directory.directory.id,
            user_name: String::new(),
            external_id: None,
            active: true,
            email: None,
            document: Map::new(),
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        apply_resource(directory, &mut user, &resource)?;
        ensure_address(directory, None, &user)?;
        let mut tx = state.db.write().await?;
        store::scim_users::insert(&mut tx, &user).await.map_err(|error| user_name_conflict(error, &user))?;
        if !user.active {
            revoke_access(&mut tx, directory, &[&user], now).await?;
        }
        let data = json!({ "after": render::user_event(&user) });
        record(&mut tx, directory, &user, now, EventKind::UserCreated, data).await?;
        tx.commit().await?;
        Ok(render::user(directory, &user, &[]))
    })
    .await
}

/// The user with this id.
pub async fn find(state: &State, directory: &ProvisioningTarget, id: &str) -> Result<RenderedResource> {
    let user_id = parse_id(ResourceType::User, id)?;
    let mut conn = state.db.read().await?;
    let user = store::scim_users::find(&mut conn, directory.directory.id, user_id)
        .await?
        .ok_or_else(|| not_found(ResourceType::User, id))?;
    render_one(&mut conn, directory, &user).await
}

pub(super) fn stored(user: &ScimUser) -> Resource {
    let mut resource = Resource::from_stored(ResourceType::User, user.document.clone());
    // A request without `active` leaves it unchanged.
    if !user.active {
        resource.attributes.entry("active").or_insert(Value::Bool(false));
    }
    resource
}

/// A change computed before the transaction.
struct PreparedChange {
    /// The version that it was computed for.
    version: i64,
    resource: Resource,
}

/// Changes a user by PUT (RFC 7644 §3.5.1) or PATCH (§3.5.2). A PUT without `active` leaves it unchanged.
pub async fn change(
    state: &State,
    directory: &ProvisioningTarget,
    id: &str,
    change: &Change,
    if_match: Option<&EntityTags>,
    budget: &RequestBudget,
) -> Result<RenderedResource> {
    let user_id = parse_id(ResourceType::User, id)?;
    let not_there = || not_found(ResourceType::User, id);
    let prepare = async || {
        let found = {
            let mut conn = state.db.read().await?;
            store::scim_users::find(&mut conn, directory.directory.id, user_id).await?
        };
        let before = found.ok_or_else(not_there)?;
        check_version(if_match, before.version)?;
        let (change, mut work) = (change.clone(), WorkBudget::new(budget.left()));
        let version = before.version;
        let apply = move || (change.apply(&stored(&before), &mut work), work.spent());
        let (wanted, spent) = state.offload.run(Some(directory.directory.id), usize::MAX, apply).await?;
        budget.charge(state, directory, spent);
        Ok::<_, Error>(PreparedChange { version, resource: wanted?.resource })
    };
    let mut prepared = match change.is_light() {
        true => None,
        false => Some(prepare().await?),
    };
    for _ in 0..MAX_ATTEMPTS {
        let outcome = retry_deadlocks(async || {
            let now = state.now();
            let mut tx = state.db.write().await?;
            let before = store::scim_users::lock(&mut tx, directory.directory.id, user_id)
                .await?
                .ok_or_else(not_there)?;
            check_version(if_match, before.version)?;
            let resource = match &prepared {
                Some(prepared) if prepared.version == before.version => prepared.resource.clone(),
                Some(_) => return Ok(None),
                None => match change.apply_if_light(&stored(&before))? {
                    Some(AppliedChange { resource, .. }) => resource,
                    None => return Ok(None),
                },
            };
            write(tx, directory, before, &resource, now).await.map(Some)
        });
        match outcome.await? {
            Some(answer) => {
                return Ok(answer);
            }
            None => prepared = Some(prepare().await?),
        }
    }
    Err(contention_error())
}

/// Writes the changed attributes of a locked user, and commits.
async fn write(
    mut tx: Transaction,
    directory: &ProvisioningTarget,
    before: ScimUser,
    resource: &Resource,
    now: Timestamp,
) -> Result<RenderedResource> {
    let mut user = before.clone();
    apply_resource(directory, &mut user, resource)?;
    ensure_address(directory, Some(&before), &user)?;
    if user == before {
        return render_one(&mut tx, directory, &before).await;
    }
    user.version = before.version + 1;
    user.updated_at = now;
    let written = store::scim_users::update(&mut tx, &before, &user).await;
    if !written.map_err(|error| user_name_conflict(error, &user))? {
        return Err(outdated(user.version));
    }
    let answer = render_one(&mut tx, directory, &user).await?;
    // Also if the user was inactive before: a changed address may have live tokens.
    if !user.active {
        revoke_access(&mut tx, directory, &[&before, &user], now).await?;
    }
    let kind = match (before.active, user.active) {
        (true, false) => EventKind::UserDeactivated,
        (false, true) => EventKind::UserReactivated,
        _ => EventKind::UserUpdated,
    };
    let data = json!({ "before": render::user_event(&before), "after": render::user_event(&user) });
    record(&mut tx, directory, &user, now, kind, data).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Deletes a user (RFC 7644 §3.6): it is not found any more, leaves its groups, and its `userName` is free. The row
/// stays for the app's API and for history.
pub async fn remove(
    state: &State,
    directory: &ProvisioningTarget,
    id: &str,
    if_match: Option<&EntityTags>,
) -> Result<()> {
    let user_id = parse_id(ResourceType::User, id)?;
    retry_deadlocks(async || {
        let now = state.now();
        let mut tx = state.db.write().await?;
        let before = store::scim_users::lock(&mut tx, directory.directory.id, user_id)
            .await?
            .ok_or_else(|| not_found(ResourceType::User, id))?;
        check_version(if_match, before.version)?;
        let groups = store::scim_users::update_deleted(&mut tx, &before, now)
            .await?
            .ok_or_else(|| outdated(before.version))?;
        store::scim_groups::update_versions(&mut tx, directory.directory.id, &groups, now).await?;
        revoke_access(&mut tx, directory, &[&before], now).await?;
        membership_events::record_removed_from(&mut tx, directory, &groups, now, &before.id.to_string())
            .await?;
        let data = json!({ "before": render::user_event(&before) });
        record(&mut tx, directory, &before, now, EventKind::UserDeleted, data).await?;
        tx.commit().await?;
        Ok(())
    })
    .await
}

/// Refuses a user who would have no e-mail address, unless the directory takes such users. Whoever had none before may be
/// changed, and deactivated, all the same.
fn ensure_address(directory: &ProvisioningTarget, before: Option<&ScimUser>, user: &ScimUser) -> Result<()> {
    let had_one = before.is_none_or(|before| before.email.is_some());
    if user.email.is_some() || !had_one || directory.directory.allow_users_without_email {
        return Ok(());
    }
    Err(scim::Error::InvalidValue(
        "the user has no e-mail address of the organization's domains: neither userName nor an entry of emails is one".into(),
    )
    .into())
}

/// Applies the resource to the stored user, if the directory allows its addresses.
pub(super) fn apply_resource(
    directory: &ProvisioningTarget,
    user: &mut ScimUser,
    resource: &Resource,
) -> Result<()> {
    user.user_name = resource
        .user_name()
        .map(str::to_owned)
        .ok_or_else(|| scim::Error::InvalidValue("userName is required".into()))?;
    user.external_id = resource.external_id().map(str::to_owned);
    user.email = addresses::validate(directory, resource)?.as_ref().map(Email::as_str).map(str::to_owned);
    user.active = resource.active();
    check_size(&resource.attributes)?;
    user.document = resource.attributes.clone();
    Ok(())
}

async fn render_one(
    conn: &mut store::Conn,
    directory: &ProvisioningTarget,
    user: &ScimUser,
) -> Result<RenderedResource> {
    let mut rendered = render::users(conn, directory, std::slice::from_ref(user)).await?;
    Ok(rendered.swap_remove(0))
}

fn user_name_conflict(error: store::Error, user: &ScimUser) -> Error {
    match error {
        store::Error::Duplicate => {
            let name: String = user.user_name.chars().take(100).flat_map(char::escape_debug).collect();
            scim::Error::Uniqueness(format!("another user has the userName \"{name}\"")).into()
        }
        other => other.into(),
    }
}

/// Revokes the access tokens and unredeemed codes of a person who lost access, under all their present and former
/// addresses, except those that another active user has now.
pub(super) async fn revoke_access(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    known_as: &[&ScimUser],
    now: Timestamp,
) -> Result<()> {
    let Some(user) = known_as.last() else { return Ok(()) };
    let (directory_id, id) = (directory.directory.id, user.id);
    let today = known_as.iter().flat_map(|user| addresses::all_addresses(&stored(user)));
    let reported = known_as.iter().filter_map(|user| Email::parse(user.email.as_deref()?));
    let former = store::scim_users::list_former_addresses(tx, directory_id, id).await?;
    let former = former.iter().filter_map(|text| Email::parse(text));
    let known: BTreeMap<String, Email> =
        today.chain(reported).chain(former).map(|email| (email.key(), email)).collect();
    // Directories may hold an address in either spelling of its domain.
    let spellings: BTreeSet<String> = known.values().flat_map(Email::spellings).collect();
    let spellings: Vec<String> = spellings.into_iter().collect();
    let others = store::scim_users::list_used_by_others(tx, directory_id, id, &spellings).await?;
    let by_others = |email: &Email| email.spellings().iter().any(|spelling| others.contains(spelling));
    let keys: Vec<String> =
        known.into_iter().filter(|(_, email)| !by_others(email)).map(|(key, _)| key).collect();
    store::authorization_grants::revoke_for_emails(tx, directory.organization.id, &keys, now).await?;
    Ok(store::account_deprovisioning::end_use_of_addresses(tx, directory.organization.id, &keys, now).await?)
}

pub(super) async fn record(
    tx: &mut Transaction,
    directory: &ProvisioningTarget,
    user: &ScimUser,
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
        resource: user.id.to_string(),
        data,
    };
    events::record(tx, now, event).await?;
    Ok(())
}
