//! Users: created, read, changed and deleted by SCIM clients.

use std::{collections::BTreeMap, sync::Mutex};

use base::id::{IdKind as _, OrganizationId, UserGroupId, UserId, UserKind};
use model::{
    entity_tag::{EntityTags, etag},
    organization::root_id,
    role::Audience,
    user::{User, UserAssociation},
};
use scim::{PatchRequest, Resource, ResourceType, resource::ResourceMetadata, schema};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    document,
    new_user::{self, WantedUser},
    user_changes,
};
use crate::{
    app::{
        Error, State,
        accounts::{
            user_credentials,
            users::{self, UserDetails},
        },
        directories::provisioning::{self, Result},
        permissions::Action,
        principal::{On, Principal},
        roles::{self, RoleRef},
    },
    store::{Conn, user_associations, user_groups},
};

/// How often a change is tried again that another one came before.
const MAX_ATTEMPTS: usize = 5;

/// The maximum number of groups that the users of one answer are shown in.
const MAX_GROUPS: i64 = 5000;

/// Where a client calls: the organization, and the address of its SCIM server.
pub struct Place {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id as it is written there.
    pub organization: String,
    /// The id of the root as it is written there.
    pub root: String,
    /// The base address, without a slash at its end.
    pub base: String,
}

impl Place {
    /// The address of a user.
    pub fn user(&self, id: UserId) -> String {
        format!("{}/Users/{}", self.base, uuid(id.bits()))
    }

    /// The address of a group.
    pub fn group(&self, id: UserGroupId) -> String {
        format!("{}/Groups/{}", self.base, uuid(id.bits()))
    }
}

/// An id as these resources write it.
pub(super) fn uuid(bits: u128) -> String {
    Uuid::from_u128(bits).hyphenated().to_string()
}

/// A user who was created.
pub struct CreatedUser {
    /// The resource.
    pub body: Value,
    /// The code by which the account is activated, where no letter takes it there.
    pub confirmation_code: Option<String>,
}

/// Creates a user in the first pool of the organization, which gets one if it has none.
pub async fn create(
    state: &State,
    principal: &Principal,
    place: &Place,
    resource: Resource,
    password: Option<String>,
) -> Result<CreatedUser> {
    principal.authorize(Action::UsersCreate, On::Organization(place.organization_id))?;
    let WantedUser { new, ask_password, letter_to, user_name } = new_user::read(resource, password)?;
    let pool = users::first_pool(state, principal, place.organization_id).await?;
    ensure_free(state, principal, place.organization_id, &user_name).await?;
    let code = Mutex::new(None);
    let made = users::create_with(state, principal, pool.id, &new, async |tx, pool, user| {
        if ask_password {
            let made =
                user_credentials::ask_for_password(tx, state, principal, pool, user, letter_to.as_deref());
            let made = made.await?;
            if let Ok(mut code) = code.lock() {
                *code = made;
            }
        }
        Ok(())
    })
    .await;
    let user = match made {
        Ok(user) => user,
        Err(error) => return Err(conflict(state, principal, place.organization_id, &user_name, error).await),
    };
    let body = render_one(state, principal, place, user).await?;
    Ok(CreatedUser { body, confirmation_code: code.into_inner().unwrap_or_default() })
}

/// Refuses a user name that somebody has in one of the pools of the organization.
async fn ensure_free(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    user_name: &str,
) -> Result<()> {
    match is_taken(state, principal, organization_id, user_name).await? {
        true => Err(already_exists(user_name)),
        false => Ok(()),
    }
}

async fn is_taken(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    user_name: &str,
) -> Result<bool> {
    for pool in users::list_pools(state, principal, organization_id).await? {
        if users::find_by_typed(&mut state.db.read().await?, &pool, user_name).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn already_exists(user_name: &str) -> provisioning::Error {
    scim::Error::Uniqueness(format!("User with the name: {user_name} already exists in the system.")).into()
}

/// What a conflict of identifiers says to the client.
async fn conflict(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    user_name: &str,
    error: Error,
) -> provisioning::Error {
    match error {
        Error::Conflict { field: "identifier", .. } => {
            match is_taken(state, principal, organization_id, user_name).await {
                Ok(true) => already_exists(user_name),
                Ok(false) => scim::Error::Uniqueness("another user has this externalId".into()).into(),
                Err(error) => error,
            }
        }
        Error::Conflict { field: "address", .. } => {
            scim::Error::Uniqueness("another user has proven this e-mail address, or signs in with it".into())
                .into()
        }
        error => error.into(),
    }
}

/// The user of an organization that a text names. One of another organization is not found.
async fn load(state: &State, principal: &Principal, place: &Place, id: &str) -> Result<User> {
    let not_found = || {
        let shown: String = id.chars().take(80).flat_map(char::escape_debug).collect();
        provisioning::Error::from(scim::Error::NotFound(format!("there is no user \"{shown}\" here")))
    };
    principal.authorize(Action::UsersView, On::Organization(place.organization_id))?;
    let id: UserId = id.parse().map_err(|_| not_found())?;
    match users::find_any(state, principal, id).await {
        Ok(user) if user.organization_id == place.organization_id => Ok(user),
        Ok(_) | Err(Error::NotFound { .. }) => Err(not_found()),
        Err(error) => Err(error.into()),
    }
}

async fn details(state: &State, user: User) -> Result<UserDetails> {
    let id = user.id;
    let found = users::details::details_of(&mut state.db.read().await?, vec![user]).await?;
    found.into_iter().next().ok_or_else(|| Error::not_found(UserKind::NOUN, id).into())
}

/// The user of an organization with this id.
pub async fn find(state: &State, principal: &Principal, place: &Place, id: &str) -> Result<Value> {
    let user = load(state, principal, place, id).await?;
    render_one(state, principal, place, user).await
}

/// A change of a resource.
pub enum Change {
    /// PUT.
    Replace(Resource, Option<String>),
    /// PATCH.
    Patch(PatchRequest),
}

/// Changes a user.
pub async fn change(
    state: &State,
    principal: &Principal,
    place: &Place,
    id: &str,
    change: &Change,
) -> Result<Value> {
    principal.authorize(Action::UsersManage, On::Organization(place.organization_id))?;
    for _ in 0..MAX_ATTEMPTS {
        let user = load(state, principal, place, id).await?;
        let details = details(state, user).await?;
        let user = &details.user;
        if user.shadow_of.is_some() {
            return Err(user_changes::read_only().into());
        }
        let before = document::of(&details);
        let (mut after, password) = match change {
            Change::Replace(resource, password) => {
                (user_changes::replacing(&before, resource.clone()), password.clone())
            }
            Change::Patch(request) => {
                let patched = request.apply(&before)?;
                (patched.resource, patched.password)
            }
        };
        new_user::set_user_name(&mut after)?;
        let Some(wanted) = user_changes::between(&details, &before, &after, password)? else {
            return render_one(state, principal, place, details.user).await;
        };
        let expected = EntityTags::parse(&etag(user.version));
        let changed =
            users::update(state, principal, (user.pool_id, user.id), Some(&expected), &wanted).await;
        match changed {
            Ok(user) => return render_one(state, principal, place, user).await,
            // Somebody else changed the user between.
            Err(Error::Outdated { .. }) => {}
            Err(error) => {
                let name = after.user_name().unwrap_or_default();
                return Err(conflict(state, principal, place.organization_id, name, error).await);
            }
        }
    }
    Err(Error::Unavailable { retry_after: std::time::Duration::from_secs(1) }.into())
}

/// Deletes a user.
pub async fn remove(state: &State, principal: &Principal, place: &Place, id: &str) -> Result<()> {
    principal.authorize(Action::UsersDelete, On::Organization(place.organization_id))?;
    let user = load(state, principal, place, id).await?;
    Ok(users::remove(state, principal, (user.pool_id, user.id), None).await?)
}

async fn render_one(state: &State, principal: &Principal, place: &Place, user: User) -> Result<Value> {
    let details = details(state, user).await?;
    let mut conn = state.db.read().await?;
    let parts = Parts { groups: true, roles: true };
    let mut rendered = render(&mut conn, principal, place, vec![details], parts).await?;
    rendered.pop().ok_or_else(|| Error::internal("a user was not rendered").into())
}

/// What is shown of users that belongs to others.
#[derive(Clone, Copy)]
pub(super) struct Parts {
    /// The groups that they are in.
    pub groups: bool,
    /// The roles that they have.
    pub roles: bool,
}

/// Users as they are answered.
pub(super) async fn render(
    conn: &mut Conn,
    principal: &Principal,
    place: &Place,
    found: Vec<UserDetails>,
    parts: Parts,
) -> Result<Vec<Value>> {
    let environment_id = principal.environment()?;
    let ids: Vec<UserId> = found.iter().map(|details| details.user.id).collect();
    let mut groups = match parts.groups {
        true => user_groups::list_of_users(conn, environment_id, &ids, MAX_GROUPS).await?,
        false => BTreeMap::new(),
    };
    let mut rendered = Vec::with_capacity(found.len());
    for details in &found {
        let id = details.user.id;
        let mut body = describe(details, place);
        let groups = groups.remove(&id).unwrap_or_default();
        if !groups.is_empty() {
            let groups = groups.into_iter().map(|(id, name)| {
                json!({ "value": uuid(id.bits()), "display": name, "$ref": place.group(id), "type": "direct" })
            });
            body["groups"] = groups.collect();
        }
        if details.user.shadow_of.is_some() {
            let found = user_associations::find_by_image(conn, environment_id, id).await?;
            if let Some(association) = found {
                describe_association(&mut body, &association, place);
            }
        }
        if parts.roles {
            let roles = roles::of_user(conn, environment_id, place.organization_id, id).await?;
            if !roles.is_empty() {
                body["roles"] = roles.into_iter().map(|role| describe_role(&role, place)).collect();
            }
        }
        rendered.push(body);
    }
    Ok(rendered)
}

/// Where the user is at home whose image somebody is, and how they came here.
fn describe_association(body: &mut Value, association: &UserAssociation, place: &Place) {
    let home = association.resident_organization_id;
    let managed_by = match home == root_id(association.environment_id) {
        true => place.root.clone(),
        false => uuid(home.bits()),
    };
    for extension in schema::USER_EXTENSIONS {
        body[extension.id]["managedOrg"] = managed_by.as_str().into();
        body[extension.id]["sharedType"] = association.kind.as_str().to_uppercase().into();
    }
}

/// A role of a user.
fn describe_role(role: &RoleRef, place: &Place) -> Value {
    let id = uuid(role.id.bits());
    let audience = match role.audience {
        Audience::Organization(id) if id == place.organization_id => place.organization.clone(),
        audience => uuid(audience.bits()),
    };
    json!({
        "value": id,
        "display": role.name,
        "$ref": format!("{}/v2/Roles/{id}", place.base),
        "audienceValue": audience,
        "audienceDisplay": role.audience_name,
        "audienceType": role.audience.kind().as_str(),
    })
}

/// A user as they are answered, without what belongs to others: groups and roles.
pub(super) fn describe(details: &UserDetails, place: &Place) -> Value {
    let user = &details.user;
    without_version(document::of(details).to_json(&ResourceMetadata {
        id: &uuid(user.id.bits()),
        created: user.created_at,
        last_modified: user.updated_at,
        location: &place.user(user.id),
        version: "",
    }))
}

/// A resource without an entity tag: these have none.
pub(super) fn without_version(mut body: Value) -> Value {
    if let Some(meta) = body.get_mut("meta").and_then(Value::as_object_mut) {
        meta.remove("version");
    }
    body
}

/// The kind of these resources.
pub(super) const KIND: ResourceType = ResourceType::User;
