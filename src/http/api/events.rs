//! `/v1/events`: what happened, in order.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::{Answer, api, query};
use crate::{
    app::{self, State, events::EventQuery},
    http::extract::{Call, ManagementKey},
};

/// `GET /v1/events?after=SEQUENCE&pageSize=…&types=…`
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
