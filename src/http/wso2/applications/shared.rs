//! With which organizations an application is shared, and what it is there.

use actix_web::HttpResponse;
use base::id::OrganizationId;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::application::Application;
use serde_json::{Map, Value, json};

use super::{
    share::shareable,
    share_body::{policy_name, refused, role_json, role_sharing_json},
};
use crate::{
    app::{
        Error,
        applications::{
            roles,
            shared_organizations::{self, SharedOrganization, Shown},
            sharing::{self, SharedRoles},
        },
    },
    http::wso2::{
        call::{Call, uuid},
        error::Wso2Error,
    },
    links::{self, wso2},
};

/// How many organizations a page has at most, and where nothing is said.
const MAX_LIMIT: i64 = 1000;

/// Which part of the list is asked for.
struct Part {
    from: Option<OrganizationId>,
    limit: i64,
    below: Option<OrganizationId>,
}

fn part(call: &Call) -> Result<Part, Wso2Error> {
    let limit = match call.query("limit") {
        None => MAX_LIMIT,
        Some(text) => match text.parse::<i64>() {
            // 0 is all of them, as in WSO2.
            Ok(0) => MAX_LIMIT,
            Ok(limit) if limit > 0 => limit.min(MAX_LIMIT),
            _ => {
                let text = "The limit must be a whole number that is not negative.";
                return Err(refused("ORG-60025", "Invalid limit.", text));
            }
        },
    };
    let decode = |text: String| {
        let bytes = BASE64_STANDARD.decode(&text).ok()?;
        std::str::from_utf8(&bytes).ok()?.parse::<OrganizationId>().ok()
    };
    let malformed =
        || refused("ORG-60026", "Cursor decoding failed.", "The cursor is none that this list has given.");
    let from = match call.query("after") {
        Some(text) => Some(decode(text).ok_or_else(malformed)?),
        None => None,
    };
    if call.query("before").is_some() {
        return Err(malformed());
    }
    if call.query("filter").is_some() {
        return Err(refused("ORG-60022", "Unsupported filter.", "This list takes no filter."));
    }
    let recursive = call.query("recursive").is_none_or(|text| !text.eq_ignore_ascii_case("false"));
    Ok(Part { from, limit, below: (!recursive).then_some(call.organization_id) })
}

/// One page, and where the next one is.
async fn page(
    call: &Call,
    application: &Application,
    route: [&'static str; 6],
) -> Result<(Vec<Shown>, Vec<Value>), Wso2Error> {
    let Part { from, limit, below } = part(call)?;
    let mut found =
        shared_organizations::list(&call.state, &call.principal, application, below, from, limit + 1).await?;
    let mut next = Vec::new();
    let has_more = i64::try_from(found.len()).is_ok_and(|there| there > limit);
    if let Some(first) = found.pop_if(|_| has_more) {
        let cursor = BASE64_STANDARD.encode(uuid(first.organization.id));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &limit.to_string()).append_pair("after", &cursor);
        let [path, ..] = route;
        let path = links::expand(path, &[&uuid(application.id)]);
        let href = format!("{}{path}?{}", call.prefix(), query.finish());
        next.push(json!({ "href": href, "rel": "next" }));
    }
    Ok((found, next))
}

/// `GET …/applications/{id}/share`
pub(in crate::http::wso2) async fn organizations(call: Call) -> Result<HttpResponse, Wso2Error> {
    let application = shareable(&call, call.path("id")).await?;
    let attributes = call.query("attributes").unwrap_or_default();
    let asks_for = |name: &str| attributes.split(',').any(|asked| asked.trim() == name);
    let (with_roles, with_mode) = (asks_for("roles"), asks_for("sharingMode"));
    let (found, links) = page(&call, &application, wso2::APPLICATION_SHARE).await?;
    let all_roles = match with_roles {
        true => roles::list(&mut call.state.db.read().await.map_err(Error::from)?, &application).await?,
        false => Vec::new(),
    };
    let mut listed = Vec::with_capacity(found.len());
    for shown in &found {
        let mut item = organization(&call, &shown.organization);
        if with_roles {
            let mut conn = call.state.db.read().await.map_err(Error::from)?;
            let shared = sharing::shared_roles(&mut conn, &application, shown.organization.id).await?;
            let is_there = |id: String| match &shared {
                SharedRoles::All => true,
                SharedRoles::None => false,
                SharedRoles::Ids(ids) => ids.contains(&id),
            };
            let there = all_roles.iter().filter(|role| is_there(role.id.to_string()));
            let there: Vec<Value> = there.map(|role| role_json(&application, &role.name)).collect();
            item.insert("roles".to_owned(), there.into());
        }
        if with_mode && let Some(own) = &shown.selected_with_children {
            let roles = role_sharing_json(&call.state, &application, own).await?;
            let policy = "SELECTED_ORG_WITH_ALL_EXISTING_AND_FUTURE_CHILDREN";
            item.insert("sharingMode".to_owned(), json!({ "policy": policy, "roleSharing": roles }));
        }
        listed.push(Value::Object(item));
    }
    let mut body = Map::new();
    body.insert("links".to_owned(), links.into());
    body.insert("organizations".to_owned(), listed.into());
    if with_mode && let Some(policy) = policy_name(application.shared) {
        let roles = role_sharing_json(&call.state, &application, &application.shared_roles).await?;
        body.insert("sharingMode".to_owned(), json!({ "policy": policy, "roleSharing": roles }));
    }
    Ok(HttpResponse::Ok().json(body))
}

fn organization(call: &Call, organization: &SharedOrganization) -> Map<String, Value> {
    let id = uuid(organization.id);
    let [path, ..] = wso2::ORGANIZATION;
    let handle = organization.handle.clone().unwrap_or_else(|| id.clone());
    let fields = json!({
        "id": id,
        "name": organization.shown_name().unwrap_or(&id),
        "orgHandle": handle,
        "status": organization.status.to_ascii_uppercase(),
        "parentId": organization.parent_id.map(|id| call.organization_text(id)),
        "depthFromRoot": organization.depth,
        "hasChildren": organization.has_children,
        "ref": links::expand(path, &[&id]),
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// `GET …/applications/{id}/shared-apps`
pub(in crate::http::wso2) async fn shared_applications(call: Call) -> Result<HttpResponse, Wso2Error> {
    let application = shareable(&call, call.path("id")).await?;
    let (found, links) = page(&call, &application, wso2::SHARED_APPLICATIONS).await?;
    let mut listed = Vec::with_capacity(found.len());
    for shown in &found {
        let organization_id = shown.organization.id;
        let id = sharing::fragment_id(organization_id, application.id)?;
        listed.push(json!({ "applicationId": uuid(id), "organizationId": uuid(organization_id) }));
    }
    let mut body = json!({ "sharedApplications": listed });
    if !links.is_empty()
        && let Value::Object(body) = &mut body
    {
        body.insert("links".to_owned(), links.into());
    }
    Ok(HttpResponse::Ok().json(body))
}
