//! `/pools/{pool}/groups`: groups of the users of an identity pool.

pub mod members;

use actix_web::HttpResponse;
use base::{
    id::{IdKind as _, IdentityPoolId, UserGroupId, UserGroupKind},
    time::Timestamp,
};
use model::user_group::UserGroup;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{
    call::{Call, JsonObject, Query},
    error::SecureauthError,
    reply::{SecureauthResult, hex_id, versioned},
    sorted::sorted_query,
};
use crate::{
    app::{
        Error, Result,
        accounts::groups::{self, GroupQuery, GroupSettings},
        sorted_list::Sort,
    },
    links::path,
};

/// A group of users.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthGroup)]
pub struct GroupObject {
    /// Its id: 32 hexadecimal digits.
    id: String,
    /// The environment, as issuers name it.
    tenant_id: String,
    /// The identity pool whose users it holds.
    user_pool_id: String,
    /// Its name.
    #[schema(example = "Administrators")]
    name: String,
    /// What it is for.
    description: String,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl GroupObject {
    fn new(group: UserGroup, tenant: &str) -> Self {
        Self {
            id: hex_id(group.id),
            tenant_id: tenant.to_owned(),
            user_pool_id: hex_id(group.pool_id),
            name: group.name,
            description: group.description,
            created_at: group.created_at,
            updated_at: group.updated_at,
        }
    }
}

/// The settings of a group.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthGroupInput)]
pub struct GroupBody {
    /// Of a new group: 32 hexadecimal digits that you choose; random if absent.
    id: Option<String>,
    /// Its name: unique in the pool, whatever its case.
    #[schema(example = "Administrators", required = true)]
    name: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// The identity pool: that of the path, or absent.
    user_pool_id: Option<String>,
    /// Groups are not in other groups: absent or empty.
    parent_id: Option<String>,
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

impl GroupBody {
    fn parse(&self, pool_id: IdentityPoolId) -> Result<GroupSettings> {
        if given(&self.user_pool_id).is_some_and(|text| text.parse() != Ok(pool_id)) {
            return Err(Error::invalid("user_pool_id", "is another one than that of the path"));
        }
        no_parent(given(&self.parent_id))?;
        Ok(GroupSettings {
            name: self.name.clone().unwrap_or_default(),
            description: self.description.clone().unwrap_or_default(),
        })
    }
}

/// Refuses groups in groups, which would otherwise be made or listed as if they were none.
fn no_parent(parent: Option<&str>) -> Result<()> {
    match parent {
        None => Ok(()),
        Some(_) => Err(Error::invalid("parent_id", "groups are not in other groups")),
    }
}

/// Which groups.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GroupParams {
    /// How many: 20 unless said, and 100 at most.
    pub limit: Option<u32>,
    /// `name` (unless said), `id` or `created_at`.
    pub sort: Option<String>,
    /// `asc` (unless said) or `desc`.
    pub order: Option<String>,
    /// A part of the name, in whatever case, or the id.
    pub search_phrase: Option<String>,
    /// Only those after this one.
    pub after_group_id: Option<String>,
    /// The last ones before this one.
    pub before_group_id: Option<String>,
    /// What they are looked for by, as JSON: `name` is how the name begins or ends, in whatever case.
    #[param(example = r#"{"name":"admin"}"#)]
    pub query: Option<String>,
}

fn group_query(query: &Query) -> Result<GroupQuery> {
    no_parent(query.text("parent_id"))?;
    let name = match query.json("query")?.remove("name") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(name)) if name.chars().count() <= 255 => name,
        Some(_) => {
            return Err(Error::invalid("query", "name must be a string of at most 255 characters"));
        }
    };
    Ok(GroupQuery { name, user_id: None, page: sorted_query(query, Sort::Name)? })
}

impl<B> Call<B> {
    /// The identity pool and the group in the path. What is no id is not found.
    pub(super) fn group(&self) -> Result<(IdentityPoolId, UserGroupId)> {
        let group = self.path("group").parse();
        Ok((self.pool_id()?, group.map_err(|_| Error::not_found(UserGroupKind::NOUN, ""))?))
    }
}

/// A page of groups: a list, as SecureAuth's is.
async fn page(call: &Call, pool_id: IdentityPoolId, query: &GroupQuery) -> SecureauthResult {
    let found = groups::list(&call.state, &call.principal, pool_id, query).await?;
    let shown: Vec<GroupObject> =
        found.into_iter().map(|group| GroupObject::new(group, &call.tenant.name)).collect();
    Ok(HttpResponse::Ok().json(shown))
}

/// Create a group
#[utoipa::path(
    post,
    path = path::SECUREAUTH_GROUPS,
    operation_id = "secureauthCreateGroup",
    tag = "Groups",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    request_body = GroupBody,
    responses((status = 201, body = GroupObject))
)]
pub async fn create(call: Call<JsonObject>) -> SecureauthResult {
    let pool_id = call.pool_id()?;
    let Call { state, principal, tenant, body, .. } = call;
    let body: GroupBody = body.read()?;
    let id = given(&body.id).map(str::parse).transpose();
    let id = id.map_err(|_| Error::invalid("id", "must be 32 hexadecimal digits"))?;
    let group = groups::create(&state, &principal, pool_id, id, &body.parse(pool_id)?).await?;
    let version = group.version;
    Ok(versioned(HttpResponse::Created(), version, &GroupObject::new(group, &tenant.name)))
}

/// List groups
#[utoipa::path(
    get,
    path = path::SECUREAUTH_GROUPS,
    operation_id = "secureauthListGroups",
    tag = "Groups",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        GroupParams,
    ),
    responses((status = 200, body = Vec<GroupObject>))
)]
pub async fn list(call: Call) -> SecureauthResult {
    let query = group_query(&call.query())?;
    page(&call, call.pool_id()?, &query).await
}

/// Get a group
#[utoipa::path(
    get,
    path = path::SECUREAUTH_GROUP,
    operation_id = "secureauthGetGroup",
    tag = "Groups",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("group" = String, Path, description = "The group."),
    ),
    responses((status = 200, body = GroupObject))
)]
pub async fn get(call: Call) -> SecureauthResult {
    let group = groups::find(&call.state, &call.principal, call.group()?).await?;
    let version = group.version;
    Ok(versioned(HttpResponse::Ok(), version, &GroupObject::new(group, &call.tenant.name)))
}

/// Replace the settings of a group
///
/// A description that is absent becomes empty. Who its members are stays.
#[utoipa::path(
    put,
    path = path::SECUREAUTH_GROUP,
    operation_id = "secureauthUpdateGroup",
    tag = "Groups",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("group" = String, Path, description = "The group."),
    ),
    request_body = GroupBody,
    responses((status = 200, body = GroupObject))
)]
pub async fn update(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.group()?;
    let Call { state, principal, tenant, if_match, body, .. } = call;
    let body: GroupBody = body.read()?;
    if given(&body.id).is_some_and(|text| text.parse() != Ok(of.1)) {
        return Err(SecureauthError::id_mismatch());
    }
    let group = groups::replace(&state, &principal, of, if_match.as_ref(), &body.parse(of.0)?).await?;
    let version = group.version;
    Ok(versioned(HttpResponse::Ok(), version, &GroupObject::new(group, &tenant.name)))
}

/// Delete a group
///
/// Its members stay users.
#[utoipa::path(
    delete,
    path = path::SECUREAUTH_GROUP,
    operation_id = "secureauthDeleteGroup",
    tag = "Groups",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("group" = String, Path, description = "The group."),
    ),
    responses((status = 204))
)]
pub async fn delete(call: Call) -> SecureauthResult {
    groups::remove(&call.state, &call.principal, call.group()?, call.if_match.as_ref()).await?;
    Ok(HttpResponse::NoContent().finish())
}
