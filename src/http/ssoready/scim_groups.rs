//! `/v1/scim/groups`: the provisioned groups, for apps.

use actix_web::{HttpRequest, HttpResponse, web};
use base::id::{ScimDirectoryId, ScimGroupId};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    call::{AnyKey, ApiCall},
    fields::id,
    reply::{ApiResult, api, page_query, query},
    schema::PageParams,
    scim_users::{DirectoryParams, directory_query},
};
use crate::{
    app::{self, State, directories::resources::DirectoryGroup},
    links::path,
};

/// A group in a directory.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimGroup<'a> {
    id: ScimGroupId,
    scim_directory_id: ScimDirectoryId,
    /// Its name.
    #[schema(example = "Engineering")]
    display_name: &'a str,
    /// Whether it was deleted.
    deleted: bool,
    /// The current SCIM resource. It contains up to 1000 `members`; list those of a larger group with `scimGroupId`.
    #[schema(value_type = Object, additional_properties = true)]
    attributes: &'a Map<String, Value>,
}

/// One group.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimGroupReply<'a> {
    scim_group: ScimGroup<'a>,
}

/// One page of a directory's groups.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimGroupsReply<'a> {
    scim_groups: Vec<ScimGroup<'a>>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
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

/// List the groups of a directory
///
/// Including deleted ones (`deleted`).
#[utoipa::path(
    get,
    path = path::SCIM_GROUPS,
    operation_id = "listScimGroups",
    tag = "People and groups",
    params(DirectoryParams, PageParams),
    responses((status = 200, body = ScimGroupsReply<'_>)),
    security(("apiKey" = []))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<AnyKey>, request: HttpRequest) -> ApiResult {
    let query = query(&request);
    let page = app::directories::resources::list_groups(
        &state,
        &call.principal,
        &directory_query(&query),
        &page_query(&query),
    )
    .await
    .map_err(api)?;
    Ok(HttpResponse::Ok().json(ScimGroupsReply {
        scim_groups: page.items.iter().map(ScimGroup::from).collect(),
        next_page_token: page.next_token,
    }))
}

/// Get a group
#[utoipa::path(
    get,
    path = path::SCIM_GROUP,
    operation_id = "getScimGroup",
    tag = "People and groups",
    params(("id" = ScimGroupId, Path)),
    responses((status = 200, body = ScimGroupReply<'_>)),
    security(("apiKey" = []))
)]
pub async fn find(state: web::Data<State>, call: ApiCall<AnyKey>, path: web::Path<String>) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let group = app::directories::resources::find_group(&state, &call.principal, id).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(ScimGroupReply { scim_group: (&group).into() }))
}
