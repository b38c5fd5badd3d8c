//! `GET …/applications`

use actix_web::{HttpResponse, http::StatusCode};
use serde_json::{Value, json};

use super::{application_error, body};
use crate::{
    app::applications::{filter, visible},
    http::wso2::{call::Call, error::Wso2Error},
    links::wso2,
};

/// How many a page has where nothing is said.
const DEFAULT_LIMIT: i64 = 30;

/// How many it has at most; more is cut.
const MAX_LIMIT: i64 = 100;

/// Lists applications.
pub(in crate::http::wso2) async fn list(call: Call) -> Result<HttpResponse, Wso2Error> {
    if call.query("sortBy").is_some() || call.query("sortOrder").is_some() {
        return Err(Wso2Error::new(
            StatusCode::NOT_IMPLEMENTED,
            "APP-65002",
            "Sorting not supported.",
            "Applications cannot be sorted.",
        ));
    }
    let limit = number(&call, "limit", "APP-60003", "Invalid limit.", DEFAULT_LIMIT)?.min(MAX_LIMIT);
    let offset = number(&call, "offset", "APP-60002", "Invalid offset.", 0)?;
    let filter_text = call.query("filter");
    let condition = filter_text.as_deref().map(filter::parse).transpose().map_err(application_error)?;
    let (state, principal, organization_id) = (&call.state, &call.principal, call.organization_id);
    let found = visible::list(state, principal, organization_id, condition.as_ref(), offset, limit)
        .await
        .map_err(application_error)?;
    let attributes = call.query("attributes").unwrap_or_default();
    let with_roles = attributes.split(',').any(|name| name.trim().starts_with("associatedRoles"));
    let prefix = call.prefix();
    let items: Vec<Value> = found.items.iter().map(|found| body::item(&prefix, found, with_roles)).collect();
    let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let links = links(&prefix, filter_text.as_deref(), limit, offset, found.total);
    Ok(HttpResponse::Ok().json(json!({
        "totalResults": found.total,
        "startIndex": offset + 1,
        "count": count,
        "applications": items,
        "links": links,
    })))
}

/// A number of the query, which is not negative.
fn number(
    call: &Call,
    name: &'static str,
    code: &'static str,
    message: &'static str,
    default: i64,
) -> Result<i64, Wso2Error> {
    let Some(text) = call.query(name) else { return Ok(default) };
    let number = text.parse::<i64>().ok().filter(|number| (0..=1_000_000_000).contains(number));
    number.ok_or_else(|| {
        let description = format!("{name} must be a whole number that is not negative");
        Wso2Error::new(StatusCode::BAD_REQUEST, code, message, description)
    })
}

/// Where the pages before and after this one are.
fn links(prefix: &str, filter: Option<&str>, limit: i64, offset: i64, total: i64) -> Vec<Value> {
    let link = |rel: &str, offset: i64| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("offset", &offset.to_string()).append_pair("limit", &limit.to_string());
        if let Some(filter) = filter {
            query.append_pair("filter", filter);
        }
        let [path, ..] = wso2::APPLICATIONS;
        json!({ "href": format!("{prefix}{path}?{}", query.finish()), "rel": rel })
    };
    let mut links = Vec::new();
    if limit > 0 && offset > 0 {
        links.push(link("previous", (offset - limit).max(0)));
    }
    if limit > 0 && offset + limit < total {
        links.push(link("next", offset + limit));
    }
    links
}
