//! Users (RFC 7644 §3.3 to §3.6).

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};
use scim::{ListQuery, PatchRequest, Projection, Quoting, Resource, ResourceType};
use serde_json::Value;

use super::{
    base,
    body::{Query, ScimBody},
};
use crate::{
    app::accounts::scim::{self as accounts, Change, Place},
    http::{
        scim::response::{ScimResult, json},
        wso2::call::Call,
    },
};

/// The decoded query parameters. A space is `%20` or `+`.
pub(in crate::http::wso2) fn pairs(request: &HttpRequest) -> Result<Vec<(String, String)>, scim::Error> {
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    match pairs.iter().any(|(_, value)| value.contains('\0')) {
        true => Err(scim::Error::InvalidValue("a parameter holds U+0000".into())),
        false => Ok(pairs),
    }
}

/// The attributes to return (RFC 7644 §3.9).
pub(in crate::http::wso2) fn projection(request: &HttpRequest) -> Result<Projection, scim::Error> {
    let pairs = pairs(request)?;
    let named = |name: &str| {
        pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    };
    Projection::parse(named("attributes"), named("excludedAttributes"))
}

/// The query of a list.
pub(in crate::http::wso2) fn list_query(request: &HttpRequest) -> Result<ListQuery, scim::Error> {
    let pairs = pairs(request)?;
    ListQuery::from_pairs_with(
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())),
        Quoting::Optional,
    )
}

/// Addresses that are written as texts alone, as WSO2's clients do, become values.
fn with_email_values(mut body: Value) -> Value {
    let is_emails = |name: &str| {
        name.eq_ignore_ascii_case("emails")
            || name.eq_ignore_ascii_case("urn:ietf:params:scim:schemas:core:2.0:User:emails")
    };
    if let Value::Object(members) = &mut body {
        for (_, value) in members.iter_mut().filter(|(name, _)| is_emails(name)) {
            for email in value.as_array_mut().into_iter().flatten().filter(|email| email.is_string()) {
                *email = serde_json::json!({ "value": email.take() });
            }
        }
    }
    body
}

/// `POST /Users`.
pub async fn create(call: Call<ScimBody>) -> ScimResult {
    let (base, projection) = (base(&call), projection(&call.request)?);
    let Call { state, principal, organization_id, request, body: ScimBody(body), .. } = call;
    let parsed = Resource::parse_create(ResourceType::User, with_email_values(body))?;
    let place = Place { organization_id, base: &base };
    let made = accounts::create(&state, &principal, place, parsed.resource, parsed.password).await?;
    let location = made.body["meta"]["location"].as_str().unwrap_or_default().to_owned();
    let mut response = json(&request, StatusCode::CREATED, &projection.apply(made.body));
    if let Ok(location) = header::HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if let Some(code) = made.confirmation_code.and_then(|code| header::HeaderValue::from_str(&code).ok()) {
        response
            .headers_mut()
            .insert(header::HeaderName::from_static("ask-password-confirmation-code"), code);
        response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

/// `GET /Users`.
pub async fn list(call: Call<Query>) -> ScimResult {
    let query = list_query(&call.request)?;
    answer_list(call, &query).await
}

/// `POST /Users/.search`.
pub async fn search(mut call: Call<ScimBody>) -> ScimResult {
    let query = ListQuery::from_search_with(call.body.0.take(), Quoting::Optional)?;
    answer_list(call, &query).await
}

async fn answer_list<B>(call: Call<B>, query: &ListQuery) -> ScimResult {
    let base = base(&call);
    let place = Place { organization_id: call.organization_id, base: &base };
    let found = accounts::list(&call.state, &call.principal, place, query).await?;
    Ok(json(&call.request, StatusCode::OK, &found.into_json()))
}

/// `GET /Users/{id}`.
pub async fn find(call: Call<Query>) -> ScimResult {
    let (base, projection) = (base(&call), projection(&call.request)?);
    let place = Place { organization_id: call.organization_id, base: &base };
    let body = accounts::find(&call.state, &call.principal, place, call.path("id")).await?;
    Ok(json(&call.request, StatusCode::OK, &projection.apply(body)))
}

/// `PUT /Users/{id}`.
pub async fn replace(mut call: Call<ScimBody>) -> ScimResult {
    let parsed = Resource::parse(ResourceType::User, with_email_values(call.body.0.take()))?;
    change(call, Change::Replace(parsed.resource, parsed.password)).await
}

/// `PATCH /Users/{id}`.
pub async fn patch(mut call: Call<ScimBody>) -> ScimResult {
    let request = PatchRequest::parse_with(call.body.0.take(), Quoting::Optional)?;
    change(call, Change::Patch(request)).await
}

async fn change(call: Call<ScimBody>, change: Change) -> ScimResult {
    let (base, projection) = (base(&call), projection(&call.request)?);
    let place = Place { organization_id: call.organization_id, base: &base };
    let body = accounts::change(&call.state, &call.principal, place, call.path("id"), &change).await?;
    Ok(json(&call.request, StatusCode::OK, &projection.apply(body)))
}

/// `DELETE /Users/{id}`.
pub async fn remove(call: Call<Query>) -> ScimResult {
    let base = base(&call);
    let place = Place { organization_id: call.organization_id, base: &base };
    accounts::remove(&call.state, &call.principal, place, call.path("id")).await?;
    Ok(HttpResponse::NoContent().finish())
}
