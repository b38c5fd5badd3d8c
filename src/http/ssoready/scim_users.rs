//! `/v1/scim/users`: the provisioned users, for apps.

use actix_web::{HttpRequest, HttpResponse, web};
use base::id::{OrganizationId, ScimDirectoryId, ScimGroupId, ScimUserId};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{
    call::{AnyKey, ApiCall},
    fields::{Query, id},
    reply::{ApiResult, api, page_query, query},
    schema::PageParams,
};
use crate::{
    app::{
        self, State,
        directories::resources::{DirectoryQuery, DirectoryUser},
    },
    links::path,
};

/// A person in a directory.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimUser<'a> {
    id: ScimUserId,
    scim_directory_id: ScimDirectoryId,
    /// The e-mail address by which apps identify the person; `null` for a person without one, which the directory must
    /// allow (`allowUsersWithoutEmail`).
    #[schema(example = "dana@acme.com")]
    email: Option<&'a str>,
    /// Whether the person is inactive or deleted and must not use the app.
    deleted: bool,
    /// The current SCIM resource: `userName`, `name`, `active`, `emails` and everything else that was provisioned.
    #[schema(value_type = Object, additional_properties = true)]
    attributes: &'a Map<String, Value>,
}

/// One person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimUserReply<'a> {
    scim_user: ScimUser<'a>,
}

/// One page of a directory's people.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimUsersReply<'a> {
    scim_users: Vec<ScimUser<'a>>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

impl<'a> From<&'a DirectoryUser> for ScimUser<'a> {
    fn from(user: &'a DirectoryUser) -> Self {
        Self {
            id: user.id,
            scim_directory_id: user.directory_id,
            email: user.email.as_deref(),
            deleted: user.deleted,
            attributes: &user.attributes,
        }
    }
}

/// Which directory: the first of the three parameters that is not empty counts.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct DirectoryParams {
    /// The directory.
    pub scim_directory_id: Option<ScimDirectoryId>,
    /// The organization whose primary directory is used.
    pub organization_id: Option<OrganizationId>,
    /// The same by your own id for the organization.
    pub organization_external_id: Option<String>,
}

/// Reads the parameters that select a directory.
pub(super) fn directory_query(query: &Query) -> DirectoryQuery {
    DirectoryQuery {
        scim_directory_id: query.text("scimDirectoryId").unwrap_or_default(),
        organization_id: query.text("organizationId").unwrap_or_default(),
        organization_external_id: query.text("organizationExternalId").unwrap_or_default(),
    }
}

/// List the people of a directory
///
/// Including inactive and deleted ones (`deleted`).
#[utoipa::path(
    get,
    path = path::SCIM_USERS,
    operation_id = "listScimUsers",
    tag = "People and groups",
    params(
        DirectoryParams,
        ("scimGroupId" = Option<ScimGroupId>, Query, description = "Only members of this group."),
        PageParams
    ),
    responses((status = 200, body = ScimUsersReply<'_>)),
    security(("apiKey" = []))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<AnyKey>, request: HttpRequest) -> ApiResult {
    let query = query(&request);
    let group = query.text("scimGroupId").unwrap_or_default();
    let page = app::directories::resources::list_users(
        &state,
        &call.principal,
        &directory_query(&query),
        &group,
        &page_query(&query),
    )
    .await
    .map_err(api)?;
    Ok(HttpResponse::Ok().json(ScimUsersReply {
        scim_users: page.items.iter().map(ScimUser::from).collect(),
        next_page_token: page.next_token,
    }))
}

/// Get a person
#[utoipa::path(
    get,
    path = path::SCIM_USER,
    operation_id = "getScimUser",
    tag = "People and groups",
    params(("id" = ScimUserId, Path)),
    responses((status = 200, body = ScimUserReply<'_>)),
    security(("apiKey" = []))
)]
pub async fn find(state: web::Data<State>, call: ApiCall<AnyKey>, path: web::Path<String>) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let user = app::directories::resources::find_user(&state, &call.principal, id).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(ScimUserReply { scim_user: (&user).into() }))
}
