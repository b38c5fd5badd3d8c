//! `/v1/organizations`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::json;

use super::{
    Answer, api, done,
    fields::{Fields, id},
    page_query, query,
};
use crate::{
    app::{self, State, organizations::OrganizationChange},
    http::extract::{Call, ManagementKey},
    model::{
        self,
        domain::Domain,
        id::{EnvironmentId, OrganizationId},
    },
};

/// An organization.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    id: OrganizationId,
    environment_id: EnvironmentId,
    display_name: String,
    external_id: String,
    domains: Vec<Domain>,
}

impl From<&model::organization::Organization> for Organization {
    fn from(organization: &model::organization::Organization) -> Self {
        Self {
            id: organization.id,
            environment_id: organization.environment_id,
            display_name: organization.display_name.clone(),
            external_id: organization.external_id.clone().unwrap_or_default(),
            domains: organization.admitted_domains().cloned().collect(),
        }
    }
}

fn one(organization: &model::organization::Organization) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "organization": Organization::from(organization) }))
}

fn change(body: &mut Fields) -> app::Result<OrganizationChange> {
    Ok(OrganizationChange {
        display_name: body.text("displayName")?,
        external_id: body.text("externalId")?,
        domains: body.texts("domains")?,
        allow_free_mail: body.flag("allowFreeMail")?.unwrap_or(false),
    })
}

/// `GET /v1/organizations`: all, in the order in which they were made, or what `query` finds, the newest
/// first.
pub async fn list(state: web::Data<State>, call: Call<ManagementKey>, request: HttpRequest) -> Answer {
    let query = query(&request);
    let page = page_query(&query);
    let page = match query.text("query") {
        Some(text) => app::organizations::search(&state, &call.actor, &text, &page).await,
        None => app::organizations::list(&state, &call.actor, &page).await,
    }
    .map_err(api)?;
    let organizations: Vec<_> = page.items.iter().map(Organization::from).collect();
    Ok(HttpResponse::Ok().json(json!({ "organizations": organizations, "nextPageToken": page.next_token })))
}

/// `POST /v1/organizations`
pub async fn create(state: web::Data<State>, mut call: Call<ManagementKey, Fields>) -> Answer {
    let change = change(&mut call.body).map_err(api)?;
    Ok(one(&app::organizations::create(&state, &call.actor, &change).await.map_err(api)?))
}

/// `GET /v1/organizations/{id}`
pub async fn find(state: web::Data<State>, call: Call<ManagementKey>, path: web::Path<String>) -> Answer {
    let id = id("id", &path).map_err(api)?;
    Ok(one(&app::organizations::find(&state, &call.actor, id).await.map_err(api)?))
}

/// `PATCH /v1/organizations/{id}`: the id of the path wins over one in the body.
pub async fn update(
    state: web::Data<State>,
    mut call: Call<ManagementKey, Fields>,
    path: web::Path<String>,
) -> Answer {
    let id = id("id", &path).map_err(api)?;
    let change = change(&mut call.body).map_err(api)?;
    Ok(one(&app::organizations::update(&state, &call.actor, id, &change).await.map_err(api)?))
}

/// `DELETE /v1/organizations/{id}`: with its domains and connections.
pub async fn remove(state: web::Data<State>, call: Call<ManagementKey>, path: web::Path<String>) -> Answer {
    let id = id("id", &path).map_err(api)?;
    app::organizations::remove(&state, &call.actor, id).await.map_err(api)?;
    Ok(done())
}
