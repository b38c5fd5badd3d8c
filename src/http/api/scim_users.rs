//! `/v1/scim/users`: the people that identity providers pushed, for apps.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    Answer, api,
    fields::{Query, id},
    page_query, query,
};
use crate::{
    app::{
        self, State,
        scim_people::{DirectoryQuery, DirectoryUser},
    },
    http::extract::{AnyKey, Call},
    model::id::{ScimDirectoryId, ScimUserId},
};

/// A person in a directory.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScimUser<'a> {
    id: ScimUserId,
    scim_directory_id: ScimDirectoryId,
    email: &'a str,
    deleted: bool,
    attributes: &'a Map<String, Value>,
}

impl<'a> From<&'a DirectoryUser> for ScimUser<'a> {
    fn from(user: &'a DirectoryUser) -> Self {
        Self {
            id: user.id,
            scim_directory_id: user.directory_id,
            email: &user.email,
            deleted: user.deleted,
            attributes: &user.attributes,
        }
    }
}

/// Which directory the caller means.
pub(super) fn directory_query(query: &Query) -> DirectoryQuery {
    DirectoryQuery {
        scim_directory_id: query.text("scimDirectoryId").unwrap_or_default(),
        organization_id: query.text("organizationId").unwrap_or_default(),
        organization_external_id: query.text("organizationExternalId").unwrap_or_default(),
    }
}

/// `GET /v1/scim/users`
pub async fn list(state: web::Data<State>, call: Call<AnyKey>, request: HttpRequest) -> Answer {
    let query = query(&request);
    let group = query.text("scimGroupId").unwrap_or_default();
    let page = app::scim_people::list_users(
        &state,
        &call.actor,
        &directory_query(&query),
        &group,
        &page_query(&query),
    )
    .await
    .map_err(api)?;
    let users: Vec<_> = page.items.iter().map(ScimUser::from).collect();
    Ok(HttpResponse::Ok().json(json!({ "scimUsers": users, "nextPageToken": page.next_token })))
}

/// `GET /v1/scim/users/{id}`
pub async fn find(state: web::Data<State>, call: Call<AnyKey>, path: web::Path<String>) -> Answer {
    let id = id("id", &path).map_err(api)?;
    let user = app::scim_people::find_user(&state, &call.actor, id).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(json!({ "scimUser": ScimUser::from(&user) })))
}
