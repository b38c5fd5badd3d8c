//! `/v1/scim-directories`.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::json;

use super::{
    Answer, api, done,
    fields::{Fields, id, required_id},
    page_query, query,
};
use crate::{
    app::{
        self, State,
        scim_directories::{DescribedDirectory, OVERLAP, ScimDirectoryChange},
    },
    http::extract::{Call, ManagementKey},
    model::{
        id::{OrganizationId, ScimDirectoryId},
        time::Timestamp,
    },
};

/// A SCIM directory.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScimDirectory {
    id: ScimDirectoryId,
    organization_id: OrganizationId,
    primary: bool,
    scim_base_url: String,
    has_client_bearer_token: bool,
    allow_foreign_secondary_emails: bool,
    refuse_inactive_logins: bool,
    require_provisioned_logins: bool,
    /// Those that work now, the newest first.
    bearer_tokens: Vec<BearerToken>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BearerToken {
    created_at: Timestamp,
    /// `null` until a newer one replaces it.
    expires_at: Option<Timestamp>,
    /// `null` until it opens the directory; up to a minute late.
    last_used_at: Option<Timestamp>,
}

impl From<&DescribedDirectory> for ScimDirectory {
    fn from(described: &DescribedDirectory) -> Self {
        let directory = &described.directory;
        Self {
            id: directory.id,
            organization_id: directory.organization_id,
            primary: directory.primary,
            scim_base_url: directory.scim_base_url.clone(),
            has_client_bearer_token: !described.tokens.is_empty(),
            allow_foreign_secondary_emails: directory.allow_foreign_secondary_emails,
            refuse_inactive_logins: directory.refuse_inactive_logins,
            require_provisioned_logins: directory.require_provisioned_logins,
            bearer_tokens: described
                .tokens
                .iter()
                .map(|token| BearerToken {
                    created_at: token.created_at,
                    expires_at: token.expires_at,
                    last_used_at: token.last_used_at,
                })
                .collect(),
        }
    }
}

fn one(directory: &DescribedDirectory) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "scimDirectory": ScimDirectory::from(directory) }))
}

fn change(body: &mut Fields) -> app::Result<ScimDirectoryChange> {
    Ok(ScimDirectoryChange {
        primary: body.flag("primary")?,
        allow_foreign_secondary_emails: body.flag("allowForeignSecondaryEmails")?,
        refuse_inactive_logins: body.flag("refuseInactiveLogins")?,
        require_provisioned_logins: body.flag("requireProvisionedLogins")?,
    })
}

/// `GET /v1/scim-directories?organizationId=…`
pub async fn list(state: web::Data<State>, call: Call<ManagementKey>, request: HttpRequest) -> Answer {
    let query = query(&request);
    let organization =
        required_id("organization_id", query.text("organizationId").as_deref()).map_err(api)?;
    let page = app::scim_directories::list(&state, &call.actor, organization, &page_query(&query))
        .await
        .map_err(api)?;
    let directories: Vec<_> = page.items.iter().map(ScimDirectory::from).collect();
    Ok(HttpResponse::Ok().json(json!({ "scimDirectories": directories, "nextPageToken": page.next_token })))
}

/// `POST /v1/scim-directories`: one without a bearer token, as SSOReady has it; rotating gives it one.
pub async fn create(state: web::Data<State>, mut call: Call<ManagementKey, Fields>) -> Answer {
    let organization = call.body.text("organizationId").map_err(api)?;
    let organization = required_id("organization_id", organization.as_deref()).map_err(api)?;
    let change = change(&mut call.body).map_err(api)?;
    Ok(one(&app::scim_directories::create(&state, &call.actor, organization, &change).await.map_err(api)?))
}

/// `GET /v1/scim-directories/{id}`
pub async fn find(state: web::Data<State>, call: Call<ManagementKey>, path: web::Path<String>) -> Answer {
    let id = id("id", &path).map_err(api)?;
    Ok(one(&app::scim_directories::find(&state, &call.actor, id).await.map_err(api)?))
}

/// `PATCH /v1/scim-directories/{id}`: the id of the path wins, and the organization stays.
pub async fn update(
    state: web::Data<State>,
    mut call: Call<ManagementKey, Fields>,
    path: web::Path<String>,
) -> Answer {
    let id = id("id", &path).map_err(api)?;
    let change = change(&mut call.body).map_err(api)?;
    Ok(one(&app::scim_directories::update(&state, &call.actor, id, &change).await.map_err(api)?))
}

/// `DELETE /v1/scim-directories/{id}`
pub async fn remove(state: web::Data<State>, call: Call<ManagementKey>, path: web::Path<String>) -> Answer {
    let id = id("id", &path).map_err(api)?;
    app::scim_directories::remove(&state, &call.actor, id).await.map_err(api)?;
    Ok(done())
}

/// `POST /v1/scim-directories/{id}/rotate-bearer-token`: the tokens before it work for `overlapSeconds`
/// more, by default a day. (SSOReady ends them at once, which is `overlapSeconds: 0`.)
pub async fn rotate(
    state: web::Data<State>,
    mut call: Call<ManagementKey, Fields>,
    path: web::Path<String>,
) -> Answer {
    let id = id("id", &path).map_err(api)?;
    let overlap = call.body.number("overlapSeconds").map_err(api)?.map_or(OVERLAP, Duration::from_secs);
    let token = app::scim_directories::rotate(&state, &call.actor, id, overlap).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(json!({ "bearerToken": token.reveal() })))
}

/// `POST /v1/scim-directories/{id}/end-bearer-token-overlap`: only the newest token works from now on.
pub async fn end_overlap(
    state: web::Data<State>,
    call: Call<ManagementKey, Fields>,
    path: web::Path<String>,
) -> Answer {
    let id = id("id", &path).map_err(api)?;
    Ok(one(&app::scim_directories::end_overlap(&state, &call.actor, id).await.map_err(api)?))
}
