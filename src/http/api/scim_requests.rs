//! `/v1/scim-requests`: what identity providers asked of a directory, for support.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::{
    Answer, api,
    fields::{id, required_id},
    page_query, query,
};
use crate::{
    app::{self, State, scim_requests::ScimRequestQuery},
    http::extract::{Call, ManagementKey},
    model::scim_request::ScimRequest,
};

/// A request with SSOReady's fields (contracts §1.4), and the status as a number, the duration and the
/// code besides. SSOReady's status names stop at six; ours go on in the same form.
fn view(request: &ScimRequest) -> Value {
    let body = |text: &Option<String>| match text {
        None => Value::Null,
        // A body that was kept whole is JSON again.
        Some(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
    };
    let mut view = json!({
        "id": request.id,
        "scimDirectoryId": request.directory_id,
        "timestamp": request.at,
        "httpRequestUrl": request.path,
        "httpRequestMethod": format!("SCIM_REQUEST_HTTP_METHOD_{}", request.method),
        "httpRequestBody": body(&request.request_body),
        "httpResponseStatus": format!("SCIM_REQUEST_HTTP_STATUS_{}", request.status),
        "httpResponseBody": body(&request.response_body),
        "status": request.status,
        "durationMs": request.duration_ms,
        "error": request.error,
    });
    // SSOReady's oneof: a member is there only when it is the case.
    if request.error.as_deref() == Some("bad_bearer_token") {
        view["badBearerToken"] = json!({});
    }
    view
}

/// `GET /v1/scim-requests?scimDirectoryId=…`, with `method`, `status` (`404`, `4xx`) and `error` to choose.
pub async fn list(state: web::Data<State>, call: Call<ManagementKey>, request: HttpRequest) -> Answer {
    let query = query(&request);
    let directory =
        required_id("scim_directory_id", query.text("scimDirectoryId").as_deref()).map_err(api)?;
    let wanted = ScimRequestQuery {
        method: query.text("method").unwrap_or_default(),
        status: query.text("status").unwrap_or_default(),
        error: query.text("error").unwrap_or_default(),
    };
    let page = app::scim_requests::list(&state, &call.actor, directory, &wanted, &page_query(&query))
        .await
        .map_err(api)?;
    let requests: Vec<_> = page.items.iter().map(view).collect();
    Ok(HttpResponse::Ok().json(json!({ "scimRequests": requests, "nextPageToken": page.next_token })))
}

/// `GET /v1/scim-requests/{id}`
pub async fn find(state: web::Data<State>, call: Call<ManagementKey>, path: web::Path<String>) -> Answer {
    let id = id("id", &path).map_err(api)?;
    let request = app::scim_requests::find(&state, &call.actor, id).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(json!({ "scimRequest": view(&request) })))
}
