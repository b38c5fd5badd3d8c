//! Users and Groups (RFC 7644 §3.3 to §3.7).

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};

use super::{
    answer::{self, Answer, Refused},
    call::{Call, if_match, if_none_match},
};
use crate::{
    app::{
        State,
        provision::{bulk, groups, search, users},
    },
    scim::{self, BulkRequest, Kind, ListQuery, PatchRequest, Projection},
};

/// The attribute of a group that is not fetched unless it is wanted.
const MEMBERS: &str = "members";

fn kind(request: &HttpRequest) -> Result<Kind, Refused> {
    let segment = request.match_info().get("kind").unwrap_or_default();
    Kind::of_endpoint(segment).ok_or_else(|| scim::Error::NotFound("there is nothing here".into()).into())
}

fn id(request: &HttpRequest) -> &str {
    request.match_info().get("id").unwrap_or_default()
}

/// The parameters of the address, decoded. A blank is `%20` or `+`.
fn pairs(request: &HttpRequest) -> Result<Vec<(String, String)>, scim::Error> {
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    match pairs.iter().any(|(_, value)| value.contains('\0')) {
        true => Err(scim::Error::InvalidValue("a parameter holds U+0000".into())),
        false => Ok(pairs),
    }
}

/// Which attributes the answer shall hold (§3.9).
fn projection(request: &HttpRequest) -> Result<Projection, scim::Error> {
    let pairs = pairs(request)?;
    let named = |name: &str| {
        pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    };
    Projection::parse(named("attributes"), named("excludedAttributes"))
}

/// `GET /Users`, `GET /Groups` (§3.4.2).
pub(super) async fn list(state: web::Data<State>, call: Call, request: HttpRequest) -> Answer {
    let pairs = pairs(&request)?;
    let query = ListQuery::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    let found = search::list(&state, &call.directory, kind(&request)?, &query).await?;
    Ok(answer::json(&request, StatusCode::OK, &found.into_json()))
}

/// `POST /Users/.search`, `POST /Groups/.search` (§3.4.3).
pub(super) async fn search(state: web::Data<State>, call: Call, request: HttpRequest) -> Answer {
    let query = ListQuery::from_search(call.json()?)?;
    let found = search::list(&state, &call.directory, kind(&request)?, &query).await?;
    Ok(answer::json(&request, StatusCode::OK, &found.into_json()))
}

/// `POST /.search`: over all resource types (§3.4.2.1).
pub(super) async fn search_all(state: web::Data<State>, call: Call, request: HttpRequest) -> Answer {
    let query = ListQuery::from_search(call.json()?)?;
    let found = search::list_all(&state, &call.directory, &query).await?;
    Ok(answer::json(&request, StatusCode::OK, &found.into_json()))
}

/// `POST /Users`, `POST /Groups` (§3.3).
pub(super) async fn create(state: web::Data<State>, call: Call, request: HttpRequest) -> Answer {
    let (body, projection) = (call.json()?, projection(&request)?);
    let made = match kind(&request)? {
        Kind::User => users::create(&state, &call.directory, body).await?,
        Kind::Group => groups::create(&state, &call.directory, body, projection.wants(MEMBERS)).await?,
    };
    Ok(answer::resource(&request, StatusCode::CREATED, made, &projection))
}

/// `GET /Users/{id}`, `GET /Groups/{id}` (§3.4.1).
pub(super) async fn find(state: web::Data<State>, call: Call, request: HttpRequest) -> Answer {
    let projection = projection(&request)?;
    let found = match kind(&request)? {
        Kind::User => users::find(&state, &call.directory, id(&request)).await?,
        Kind::Group => groups::find(&state, &call.directory, id(&request), projection.wants(MEMBERS)).await?,
    };
    match answer::not_modified(if_none_match(&request).as_ref(), &found) {
        Some(answer) => Ok(answer),
        None => Ok(answer::resource(&request, StatusCode::OK, found, &projection)),
    }
}

/// `PUT /Users/{id}`, `PUT /Groups/{id}` (§3.5.1).
pub(super) async fn replace(state: web::Data<State>, call: Call, request: HttpRequest) -> Answer {
    let (body, projection) = (call.json()?, projection(&request)?);
    let (if_match, id) = (if_match(&request), id(&request));
    let changed = match kind(&request)? {
        Kind::User => users::replace(&state, &call.directory, id, body, if_match.as_ref()).await?,
        Kind::Group => {
            let members = projection.wants(MEMBERS);
            groups::replace(&state, &call.directory, id, body, if_match.as_ref(), members).await?
        }
    };
    Ok(answer::resource(&request, StatusCode::OK, changed, &projection))
}

/// `PATCH /Users/{id}`, `PATCH /Groups/{id}` (§3.5.2). A group is answered only to those who say which
/// attributes they want (ruling 27): one of twenty thousand members would be sent back for each change.
pub(super) async fn patch(state: web::Data<State>, call: Call, request: HttpRequest) -> Answer {
    let (operations, projection) = (PatchRequest::parse(call.json()?)?, projection(&request)?);
    let (if_match, id) = (if_match(&request), id(&request));
    let changed = match kind(&request)? {
        Kind::User => users::patch(&state, &call.directory, id, &operations, if_match.as_ref()).await?,
        Kind::Group => {
            let members = !projection.is_default() && projection.wants(MEMBERS);
            let changed =
                groups::patch(&state, &call.directory, id, &operations, if_match.as_ref(), members).await?;
            if projection.is_default() {
                return Ok(answer::no_content(Some(changed.version)));
            }
            changed
        }
    };
    Ok(answer::resource(&request, StatusCode::OK, changed, &projection))
}

/// `DELETE /Users/{id}`, `DELETE /Groups/{id}` (§3.6).
pub(super) async fn remove(state: web::Data<State>, call: Call, request: HttpRequest) -> Answer {
    let (if_match, id) = (if_match(&request), id(&request));
    match kind(&request)? {
        Kind::User => users::remove(&state, &call.directory, id, if_match.as_ref()).await?,
        Kind::Group => groups::remove(&state, &call.directory, id, if_match.as_ref()).await?,
    }
    Ok(answer::no_content(None))
}

/// `POST /Bulk` (§3.7).
pub(super) async fn bulk(state: web::Data<State>, call: Call, request: HttpRequest) -> Answer {
    let operations = BulkRequest::parse(call.json()?, bulk::MOST_OPERATIONS)?;
    let outcomes = bulk::run(&state, &call.directory, operations).await?;
    Ok::<HttpResponse, _>(answer::json(&request, StatusCode::OK, &outcomes))
}
