//! Groups of users (RFC 7644 §3.3 to §3.6).

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use scim::{ListQuery, PatchRequest, Quoting, Resource, ResourceType};

use super::{
    body::{Query, ScimBody},
    place,
    users::{list_query, projection},
};
use crate::{
    app::accounts::scim::groups::{self, Change},
    http::{
        scim::response::{ScimResult, json},
        wso2::call::Call,
    },
};

/// The attribute of a group that is read only where it is answered.
const MEMBERS: &str = "members";

/// `POST /Groups`.
pub async fn create(call: Call<ScimBody>) -> ScimResult {
    let (place, projection) = (place(&call), projection(&call.request)?);
    let Call { state, principal, request, body: ScimBody(body), .. } = call;
    let parsed = Resource::parse_create(ResourceType::Group, body)?;
    let made = groups::create(&state, &principal, &place, parsed.resource).await?;
    let location = made["meta"]["location"].as_str().unwrap_or_default().to_owned();
    let mut response = json(&request, StatusCode::CREATED, &projection.apply(made));
    if let Ok(location) = header::HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `GET /Groups`.
pub async fn list(call: Call<Query>) -> ScimResult {
    let query = list_query(&call.request)?;
    answer_list(call, &query).await
}

/// `POST /Groups/.search`.
pub async fn search(mut call: Call<ScimBody>) -> ScimResult {
    let query = ListQuery::from_search_with(call.body.0.take(), Quoting::Optional)?;
    answer_list(call, &query).await
}

async fn answer_list<B>(call: Call<B>, query: &ListQuery) -> ScimResult {
    let found = groups::list(&call.state, &call.principal, &place(&call), query).await?;
    Ok(json(&call.request, StatusCode::OK, &found.into_json()))
}

/// `GET /Groups/{id}`.
pub async fn find(call: Call<Query>) -> ScimResult {
    let (place, projection) = (place(&call), projection(&call.request)?);
    let members = projection.includes(MEMBERS);
    let body = groups::find(&call.state, &call.principal, &place, call.path("id"), members).await?;
    Ok(json(&call.request, StatusCode::OK, &projection.apply(body)))
}

/// `PUT /Groups/{id}`.
pub async fn replace(mut call: Call<ScimBody>) -> ScimResult {
    let parsed = Resource::parse(ResourceType::Group, call.body.0.take())?;
    change(call, Change::Replace(parsed.resource)).await
}

/// `PATCH /Groups/{id}`.
pub async fn patch(mut call: Call<ScimBody>) -> ScimResult {
    let request = PatchRequest::parse_with(call.body.0.take(), Quoting::Optional)?;
    change(call, Change::Patch(request)).await
}

async fn change(call: Call<ScimBody>, change: Change) -> ScimResult {
    let (place, projection) = (place(&call), projection(&call.request)?);
    let members = projection.includes(MEMBERS);
    let body =
        groups::change(&call.state, &call.principal, &place, call.path("id"), &change, members).await?;
    Ok(json(&call.request, StatusCode::OK, &projection.apply(body)))
}

/// `DELETE /Groups/{id}`.
pub async fn remove(call: Call<Query>) -> ScimResult {
    groups::remove(&call.state, &call.principal, &place(&call), call.path("id")).await?;
    Ok(HttpResponse::NoContent().finish())
}
