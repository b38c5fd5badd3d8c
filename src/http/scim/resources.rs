//! Users and Groups (RFC 7644 §3.3 to §3.7).

use actix_web::{HttpRequest, http::StatusCode, web};
use scim::{ListQuery, PatchRequest, Projection, Resource, ResourceType};
use tokio::sync::oneshot;

use super::{
    call::ScimCall,
    extensions::received_at,
    request_log,
    response::{self, ScimError, ScimResult},
};
use crate::{
    app::{
        self, State,
        directories::provisioning::{Change, RequestBudget, bulk, groups, search, users},
    },
    http::conditions::{if_match, if_none_match},
};

/// The attribute of a group that is loaded only when requested.
const MEMBERS: &str = "members";

fn kind(request: &HttpRequest) -> Result<ResourceType, ScimError> {
    let segment = request.match_info().get("kind").unwrap_or_default();
    ResourceType::from_endpoint(segment)
        .ok_or_else(|| scim::Error::NotFound("there is no such resource type".into()).into())
}

fn id(request: &HttpRequest) -> &str {
    request.match_info().get("id").unwrap_or_default()
}

/// The decoded query parameters. A space is `%20` or `+`.
fn pairs(request: &HttpRequest) -> Result<Vec<(String, String)>, scim::Error> {
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    match pairs.iter().any(|(_, value)| value.contains('\0')) {
        true => Err(scim::Error::InvalidValue("a parameter holds U+0000".into())),
        false => Ok(pairs),
    }
}

/// The attributes to return (§3.9).
fn projection(request: &HttpRequest) -> Result<Projection, scim::Error> {
    let pairs = pairs(request)?;
    let named = |name: &str| {
        pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    };
    Projection::parse(named("attributes"), named("excludedAttributes"))
}

/// `GET /Users`, `GET /Groups` (§3.4.2).
pub(super) async fn list(state: web::Data<State>, call: ScimCall, request: HttpRequest) -> ScimResult {
    let pairs = pairs(&request)?;
    let query = ListQuery::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    let found = search::list(&state, &call.directory, kind(&request)?, &query).await?;
    Ok(response::json(&request, StatusCode::OK, &found.into_json()))
}

/// `POST /Users/.search`, `POST /Groups/.search` (§3.4.3).
pub(super) async fn search(state: web::Data<State>, call: ScimCall, request: HttpRequest) -> ScimResult {
    let query = call.parse(&state, ListQuery::from_search).await?;
    let found = search::list(&state, &call.directory, kind(&request)?, &query).await?;
    Ok(response::json(&request, StatusCode::OK, &found.into_json()))
}

/// `POST /.search`: over all resource types (§3.4.2.1).
pub(super) async fn search_all(state: web::Data<State>, call: ScimCall, request: HttpRequest) -> ScimResult {
    let query = call.parse(&state, ListQuery::from_search).await?;
    let found = search::list_all(&state, &call.directory, &query).await?;
    Ok(response::json(&request, StatusCode::OK, &found.into_json()))
}

/// `POST /Users`, `POST /Groups` (§3.3).
pub(super) async fn create(state: web::Data<State>, call: ScimCall, request: HttpRequest) -> ScimResult {
    let (kind, projection) = (kind(&request)?, projection(&request)?);
    // A password in the request is dropped: it is never used.
    let resource = call.parse(&state, move |body| Ok(Resource::parse_create(kind, body)?.resource)).await?;
    let made = match kind {
        ResourceType::User => users::create(&state, &call.directory, resource).await?,
        ResourceType::Group => {
            groups::create(&state, &call.directory, resource, projection.includes(MEMBERS)).await?
        }
    };
    response::resource(&state, &request, StatusCode::CREATED, made, projection).await
}

/// `GET /Users/{id}`, `GET /Groups/{id}` (§3.4.1).
pub(super) async fn find(state: web::Data<State>, call: ScimCall, request: HttpRequest) -> ScimResult {
    let projection = projection(&request)?;
    let found = match kind(&request)? {
        ResourceType::User => users::find(&state, &call.directory, id(&request)).await?,
        ResourceType::Group => {
            groups::find(&state, &call.directory, id(&request), projection.includes(MEMBERS)).await?
        }
    };
    match response::not_modified(if_none_match(&request).as_ref(), &found) {
        Some(answer) => Ok(answer),
        None => response::resource(&state, &request, StatusCode::OK, found, projection).await,
    }
}

/// `PUT /Users/{id}`, `PUT /Groups/{id}` (§3.5.1).
pub(super) async fn replace(state: web::Data<State>, call: ScimCall, request: HttpRequest) -> ScimResult {
    let (kind, projection) = (kind(&request)?, projection(&request)?);
    let read = move |body| Change::replace(Resource::parse(kind, body)?.resource);
    let change = call.parse(&state, read).await?;
    let (if_match, id, budget) = (if_match(&request), id(&request), RequestBudget::default());
    let changed = match kind {
        ResourceType::User => {
            users::change(&state, &call.directory, id, &change, if_match.as_ref(), &budget).await?
        }
        ResourceType::Group => {
            let members = projection.includes(MEMBERS);
            groups::change(&state, &call.directory, id, &change, if_match.as_ref(), members, &budget).await?
        }
    };
    response::resource(&state, &request, StatusCode::OK, changed, projection).await
}

/// `PATCH /Users/{id}`, `PATCH /Groups/{id}` (§3.5.2). A group is returned only if the request names
/// attributes: otherwise a group of twenty thousand members would be sent back for each change.
pub(super) async fn patch(state: web::Data<State>, call: ScimCall, request: HttpRequest) -> ScimResult {
    let read = |body| PatchRequest::parse(body).map(Change::patch);
    let (change, projection) = (call.parse(&state, read).await?, projection(&request)?);
    let (if_match, id, budget) = (if_match(&request), id(&request), RequestBudget::default());
    let changed = match kind(&request)? {
        ResourceType::User => {
            users::change(&state, &call.directory, id, &change, if_match.as_ref(), &budget).await?
        }
        ResourceType::Group => {
            let members = !projection.is_default() && projection.includes(MEMBERS);
            let changed =
                groups::change(&state, &call.directory, id, &change, if_match.as_ref(), members, &budget)
                    .await?;
            if projection.is_default() {
                return Ok(response::no_content(Some(changed.version)));
            }
            changed
        }
    };
    response::resource(&state, &request, StatusCode::OK, changed, projection).await
}

/// `DELETE /Users/{id}`, `DELETE /Groups/{id}` (§3.6).
pub(super) async fn remove(state: web::Data<State>, call: ScimCall, request: HttpRequest) -> ScimResult {
    let (if_match, id) = (if_match(&request), id(&request));
    match kind(&request)? {
        ResourceType::User => users::remove(&state, &call.directory, id, if_match.as_ref()).await?,
        ResourceType::Group => groups::remove(&state, &call.directory, id, if_match.as_ref()).await?,
    }
    Ok(response::no_content(None))
}

/// `POST /Bulk` (§3.7). It runs in a separate task: neither the time limit of requests nor a client that disconnects
/// ends it between two operations. If the response cannot be sent, the request log has it.
pub(super) async fn bulk(state: web::Data<State>, call: ScimCall, request: HttpRequest) -> ScimResult {
    let run = state.bulk_executor.acquire(call.directory.directory.id)?;
    let operations = call.parse(&state, bulk::OrderedBulkRequest::parse).await?;
    let more = operations.len().saturating_sub(1) as u64;
    state.directory_limits.charge_requests(call.directory.directory.id, state.now(), more);
    let arrived = received_at(&request).unwrap_or_else(|| state.now());
    let detached = request_log::DetachedRequest::of(&request, &call, arrived);
    let (answer, answered) = oneshot::channel();
    let (here, directory) = (state.get_ref().clone(), call.directory.clone());
    state.bulk_executor.spawn(move || async move {
        let outcomes = bulk::run(&here, &directory, operations, arrived + bulk::MAX_DURATION).await;
        // What nobody receives logs itself.
        drop(answer.send(detached.answer(here, outcomes)));
        drop(run);
    });
    let outcomes = answered.await.map_err(app::Error::internal)?.take();
    Ok(response::json(&request, StatusCode::OK, &outcomes))
}
