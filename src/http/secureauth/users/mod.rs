//! `/pools/{pool}/users`: users of an identity pool, with their identifiers and addresses.

pub mod addresses;
pub mod identifiers;
pub mod objects;
mod requests;

use actix_web::HttpResponse;
use base::id::{IdentityPoolId, UserId};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{
    call::{Call, JsonObject, Query},
    error::SecureauthError,
    reply::{SecureauthResult, hex_id, versioned},
};
use crate::{
    app::{
        Error, Result,
        accounts::users::{self, Slice, UserChange, UserKey, UserQuery},
    },
    links::path,
};
use objects::UserObject;
use requests::{NewUserBody, UserBody, UserKeyBody};

/// A page of users, in the order of their ids.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthUsers)]
pub struct Users {
    /// The users.
    users: Vec<UserObject>,
    /// Present where a search through payloads or metadata stopped before it had enough: go on with it as `after_user_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    cursor: Option<String>,
}

impl Users {
    /// A page that has all that was asked for.
    pub(super) fn all(users: Vec<UserObject>) -> Self {
        Self { users, cursor: None }
    }
}

/// Which users.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UserParams {
    /// How many: 20 unless said, and 100 at most.
    pub limit: Option<u32>,
    /// Only those after this one.
    pub after_user_id: Option<String>,
    /// The last ones before this one.
    pub before_user_id: Option<String>,
    /// What they are looked for by, as JSON: `user_key` (an identifier, an address that was proven, or the id), and members that
    /// `payload` and `metadata` have; a list holds the values that are named. All of it holds.
    #[param(example = r#"{"user_key":"dana@acme.com"}"#)]
    pub query: Option<String>,
}

impl<B> Call<B> {
    /// The identity pool in the path. What is no id is not found.
    pub(super) fn pool_id(&self) -> Result<IdentityPoolId> {
        self.path("pool").parse().map_err(|_| Error::not_found("identity pool", ""))
    }

    /// The identity pool and the user in the path. What is no id is not found.
    pub(super) fn user(&self) -> Result<(IdentityPoolId, UserId)> {
        Ok((self.pool_id()?, self.path("user").parse().map_err(|_| Error::not_found("user", ""))?))
    }
}

/// Create a user
#[utoipa::path(
    post,
    path = path::SECUREAUTH_USERS,
    operation_id = "secureauthCreateUser",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    request_body = NewUserBody,
    responses((status = 201, body = UserObject))
)]
pub async fn create(call: Call<JsonObject>) -> SecureauthResult {
    let pool_id = call.pool_id()?;
    let Call { state, principal, tenant, body, .. } = call;
    let body: NewUserBody = body.read_with::<UserBody, _>()?;
    let new = body.parse()?;
    let made = users::create(&state, &principal, pool_id, &new).await;
    let user = made.map_err(|error| body.at_its_place(error))?;
    let shown = objects::one(&state, &principal, &tenant.name, &user).await?;
    Ok(versioned(HttpResponse::Created(), user.version, &shown))
}

/// List or find users
#[utoipa::path(
    get,
    path = path::SECUREAUTH_USERS,
    operation_id = "secureauthListUsers",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        UserParams,
    ),
    responses((status = 200, body = Users))
)]
pub async fn list(call: Call) -> SecureauthResult {
    let (pool_id, query) = (call.pool_id()?, call.query());
    let slice = slice(&query)?;
    let found = users::list(&call.state, &call.principal, pool_id, &user_query(&query)?, slice).await?;
    let users = objects::of(&call.state, &call.principal, &call.tenant.name, found.users).await?;
    Ok(HttpResponse::Ok().json(Users { users, cursor: found.rest.map(hex_id) }))
}

/// Which part of a list of users is asked for.
pub(super) fn slice(query: &Query) -> Result<Slice> {
    let id = |name: &'static str| {
        let parsed = query.text(name).map(|text| text.parse::<UserId>()).transpose();
        parsed.map_err(|_| Error::invalid(name, "must be the id of a user"))
    };
    Ok(Slice { after: id("after_user_id")?, before: id("before_user_id")?, limit: query.limit()? })
}

/// What users are looked for by, from `query`.
fn user_query(query: &Query) -> Result<UserQuery> {
    let invalid = |reason: String| Error::invalid("query", reason);
    let mut fields = query.json("query")?;
    let mut object = |name: &'static str| match fields.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(invalid(format!("{name} must be an object"))),
    };
    let (payload, metadata) = (object("payload")?, object("metadata")?);
    let user_key = match fields.remove("user_key") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text).filter(|text| !text.is_empty()),
        Some(_) => return Err(invalid("user_key must be a string".to_owned())),
    };
    Ok(UserQuery { user_key, payload, metadata })
}

/// Find a user by an identifier or an address
///
/// One of the two is given. An address finds the user who has proven it.
#[utoipa::path(
    post,
    path = path::SECUREAUTH_USER_BY_KEY,
    operation_id = "secureauthGetUserByKey",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
    ),
    request_body = UserKeyBody,
    responses((status = 200, body = UserObject))
)]
pub async fn by_key(call: Call<JsonObject>) -> SecureauthResult {
    let pool_id = call.pool_id()?;
    let Call { state, principal, tenant, body, .. } = call;
    let body: UserKeyBody = body.read()?;
    let key = match (body.identifier, body.address) {
        (Some(identifier), None) => UserKey::Identifier(identifier),
        (None, Some(address)) => UserKey::Address(address),
        _ => return Err(Error::invalid("identifier", "give either identifier or address").into()),
    };
    let user = users::find_by_key(&state, &principal, pool_id, &key).await?;
    let shown = objects::one(&state, &principal, &tenant.name, &user).await?;
    Ok(versioned(HttpResponse::Ok(), user.version, &shown))
}

/// Get a user
#[utoipa::path(
    get,
    path = path::SECUREAUTH_USER,
    operation_id = "secureauthGetUser",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    responses((status = 200, body = UserObject))
)]
pub async fn get(call: Call) -> SecureauthResult {
    let user = users::find(&call.state, &call.principal, call.user()?).await?;
    let shown = objects::one(&call.state, &call.principal, &call.tenant.name, &user).await?;
    Ok(versioned(HttpResponse::Ok(), user.version, &shown))
}

/// Update a user
///
/// Members that are absent stay as they are; what is there replaces what there was. Sessions and access tokens end where the
/// status becomes another one than `active`.
#[utoipa::path(
    put,
    path = path::SECUREAUTH_USER,
    operation_id = "secureauthUpdateUser",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    request_body = UserBody,
    responses((status = 200, body = UserObject))
)]
pub async fn update(call: Call<JsonObject>) -> SecureauthResult {
    let of = call.user()?;
    let Call { state, principal, tenant, if_match, body, .. } = call;
    let body: UserBody = body.read()?;
    if let Some(text) = &body.id {
        let same = text.parse::<UserId>().is_ok_and(|id| id == of.1);
        if !same {
            return Err(SecureauthError::id_mismatch());
        }
    }
    let change: UserChange = body.parse()?;
    let changed = users::update(&state, &principal, of, if_match.as_ref(), &change).await;
    let user = changed.map_err(|error| body.at_its_place(error))?;
    let shown = objects::one(&state, &principal, &tenant.name, &user).await?;
    Ok(versioned(HttpResponse::Ok(), user.version, &shown))
}

/// Delete a user
///
/// Identifiers, addresses, credentials and the profile are erased; sessions and access tokens end.
#[utoipa::path(
    delete,
    path = path::SECUREAUTH_USER,
    operation_id = "secureauthDeleteUser",
    tag = "Users",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("pool" = String, Path, description = "The identity pool."),
        ("user" = String, Path, description = "The user."),
    ),
    responses((status = 204))
)]
pub async fn delete(call: Call) -> SecureauthResult {
    users::remove(&call.state, &call.principal, call.user()?, call.if_match.as_ref()).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_a_json_object() {
        let query = |text: &str| {
            let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            user_query(&Query::parse(&format!("query={encoded}")))
        };
        let found =
            query(r#"{"user_key":"dana","payload":{"name":"D"},"metadata":null,"x":1}"#).ok().unwrap();
        assert_eq!(
            (found.user_key.as_deref(), found.payload.len(), found.metadata.len()),
            (Some("dana"), 1, 0)
        );
        assert!(query("").ok().unwrap().user_key.is_none());
        let deep = format!("{{\"payload\":{}1{}}}", "{\"a\":".repeat(50), "}".repeat(50));
        for bad in ["[]", "{", r#"{"user_key":1}"#, r#"{"payload":[]}"#, r#"{"a":1,"a":2}"#, deep.as_str()] {
            assert!(query(bad).is_err(), "{bad}");
        }
    }
}
