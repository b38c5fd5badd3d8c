//! `/v1/scim/groups`: the groups that identity providers pushed, for apps.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Answer, api, fields::id, page_query, query, scim_users::directory_query};
use crate::{
    app::{self, State, scim_people::DirectoryGroup},
    http::extract::{AnyKey, Call},
    model::id::{ScimDirectoryId, ScimGroupId},
};

/// A group in a directory.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScimGroup<'a> {
    id: ScimGroupId,
    scim_directory_id: ScimDirectoryId,
    display_name: &'a str,
    deleted: bool,
    attributes: &'a Map<String, Value>,
}

impl<'a> From<&'a DirectoryGroup> for ScimGroup<'a> {
    fn from(group: &'a DirectoryGroup) -> Self {
        Self {
            id: group.id,
            scim_directory_id: group.directory_id,
            display_name: &group.display_name,
            deleted: group.deleted,
            attributes: &group.attributes,
        }
    }
}

/// `GET /v1/scim/groups`
pub async fn list(state: web::Data<State>, call: Call<AnyKey>, request: HttpRequest) -> Answer {
    let query = query(&request);
    let page =
        app::scim_people::list_groups(&state, &call.actor, &directory_query(&query), &page_query(&query))
            .await
            .map_err(api)?;
    let groups: Vec<_> = page.items.iter().map(ScimGroup::from).collect();
    Ok(HttpResponse::Ok().json(json!({ "scimGroups": groups, "nextPageToken": page.next_token })))
}

/// `GET /v1/scim/groups/{id}`
pub async fn find(state: web::Data<State>, call: Call<AnyKey>, path: web::Path<String>) -> Answer {
    let id = id("id", &path).map_err(api)?;
    let group = app::scim_people::find_group(&state, &call.actor, id).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(json!({ "scimGroup": ScimGroup::from(&group) })))
}
