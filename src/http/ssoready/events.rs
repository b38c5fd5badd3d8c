//! `/v1/events`: the feed of events, in order.

use actix_web::{HttpRequest, HttpResponse, web};
use base::{
    id::{EnvironmentId, OrganizationId, ScimDirectoryId},
    time::Timestamp,
};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{
    call::{ApiCall, ManagementKey},
    reply::{ApiResult, api, query},
};
use crate::{
    app::{self, State, events::EventQuery},
    links::path,
};

/// An event, in the feed and in webhooks alike.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Event {
    /// The event type, such as `scim_user.created`.
    #[schema(rename = "type", example = "scim_user.created")]
    pub kind: String,
    /// When it happened.
    pub timestamp: Timestamp,
    /// Its number in the environment: from 1, without gaps.
    #[schema(example = 7)]
    pub sequence: u64,
    /// The environment in which it happened.
    pub environment_id: EnvironmentId,
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// The directory in which it happened.
    pub scim_directory_id: ScimDirectoryId,
    /// The id of the user, group or other resource that it is about.
    pub resource_id: String,
    /// What changed: `before` and `after`, or `added` and `removed`.
    #[schema(value_type = Object, additional_properties = true)]
    pub data: Value,
}

/// A page of events, in order.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct EventsReply {
    /// The events.
    pub events: Vec<Event>,
    /// The value of `after` for the next page.
    pub next_after: u64,
    /// Whether there were more events when the page was read.
    pub has_more: bool,
}

/// Which events.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct EventParams {
    /// The last sequence number that you have processed; 0 for none.
    #[param(default = 0)]
    pub after: Option<u64>,
    /// The number of events per page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub page_size: Option<u32>,
    /// Only these event types, separated by commas.
    #[param(example = "scim_user.created,scim_user.deactivated")]
    pub types: Option<String>,
}

/// List events
///
/// Events of an environment have one order. Store `nextAfter` and send it as `after`: then no event is missed or read
/// twice. If events after it were already deleted, the call fails (400, code 9).
#[utoipa::path(
    get,
    path = path::EVENTS,
    operation_id = "listEvents",
    tag = "Events",
    params(EventParams),
    responses((status = 200, body = EventsReply))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<ManagementKey>, request: HttpRequest) -> ApiResult {
    let query = query(&request);
    let wanted =
        EventQuery { after: query.text("after"), size: query.text("pageSize"), types: query.text("types") };
    let feed = app::events::list(&state, &call.principal, &wanted).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(json!({
        "events": feed.events.iter().map(app::events::view).collect::<Vec<_>>(),
        "nextAfter": feed.next_after,
        "hasMore": feed.has_more,
    })))
}
