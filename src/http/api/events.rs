//! `/v1/events`: what happened, in order.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{Answer, api, query};
use crate::{
    app::{self, State, events::EventQuery},
    http::extract::{Call, ManagementKey},
    links::path,
    model::{
        id::{EnvironmentId, OrganizationId, ScimDirectoryId},
        time::Timestamp,
    },
};

/// Something that happened, as `app::events::view` writes it for the feed and for webhooks alike.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Event {
    /// What kind of thing: `scim_user.created` and so on.
    #[schema(rename = "type", example = "scim_user.created")]
    pub kind: String,
    /// When it happened.
    pub timestamp: Timestamp,
    /// Its place in the environment's order: from 1, without gaps.
    #[schema(example = 7)]
    pub sequence: u64,
    /// Where it happened.
    pub environment_id: EnvironmentId,
    /// Whose organization.
    pub organization_id: OrganizationId,
    /// In which directory.
    pub scim_directory_id: ScimDirectoryId,
    /// To whom or what: the id of a person or a group.
    pub resource_id: String,
    /// What changed: `before` and `after`, or `added` and `removed`.
    #[schema(value_type = Object, additional_properties = true)]
    pub data: Value,
}

/// Some events in order.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct EventsReply {
    /// The events.
    pub events: Vec<Event>,
    /// What to ask for next as `after`.
    pub next_after: u64,
    /// Whether there was more when they were read.
    pub has_more: bool,
}

/// Which events.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct EventParams {
    /// The last sequence number that you know; 0 for none.
    #[param(default = 0)]
    pub after: Option<u64>,
    /// How many at once.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub page_size: Option<u32>,
    /// Only these kinds, separated by commas.
    #[param(example = "scim_user.created,scim_user.deactivated")]
    pub types: Option<String>,
}

/// Read what happened
///
/// In one order an environment. Remember `nextAfter`, ask with it as `after`, and nothing is missed or seen
/// twice. Who was away for longer than events are kept is told so (400, code 9).
#[utoipa::path(
    get,
    path = path::EVENTS,
    operation_id = "listEvents",
    tag = "Events",
    params(EventParams),
    responses((status = 200, body = EventsReply))
)]
pub async fn list(state: web::Data<State>, call: Call<ManagementKey>, request: HttpRequest) -> Answer {
    let query = query(&request);
    let wanted =
        EventQuery { after: query.text("after"), size: query.text("pageSize"), types: query.text("types") };
    let feed = app::events::list(&state, &call.actor, &wanted).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(json!({
        "events": feed.events.iter().map(app::events::view).collect::<Vec<_>>(),
        "nextAfter": feed.next_after,
        "hasMore": feed.has_more,
    })))
}
