//! Users and Groups (RFC 7644 §3.3 to §3.6).

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};

use super::{
    answer::{self, Answer, Refused},
    call::{Call, if_match, if_none_match},
};
use crate::{
    app::{
        State,
        provision::{groups, users},
    },
    scim::{self, Kind, PatchRequest},
};

fn kind(request: &HttpRequest) -> Result<Kind, Refused> {
    let segment = request.match_info().get("kind").unwrap_or_default();
    Kind::of_endpoint(segment).ok_or_else(|| scim::Error::NotFound("there is nothing here".into()).into())
}

fn id(request: &HttpRequest) -> &str {
    request.match_info().get("id").unwrap_or_default()
}

/// `POST /Users`, `POST /Groups` (§3.3).
pub(super) async fn create(state: web::Data<State>, call: Call, request: HttpRequest) -> Answer {
    let body = call.json()?;
    let made = match kind(&request)? {
        Kind::User => users::create(&state, &call.directory, body).await?,
        Kind::Group => groups::create(&state, &call.directory, body, true).await?,
    };
    Ok(answer::resource(&request, StatusCode::CREATED, &made, &made.body))
}

/// `GET /Users/{id}`, `GET /Groups/{id}` (§3.4.1).
pub(super) async fn find(state: web::Data<State>, call: Call, request: HttpRequest) -> Answer {
    let found = match kind(&request)? {
        Kind::User => users::find(&state, &call.directory, id(&request)).await?,
        Kind::Group => groups::find(&state, &call.directory, id(&request), true).await?,
    };
    match answer::not_modified(if_none_match(&request).as_ref(), &found) {
        Some(answer) => Ok(answer),
        None => Ok(answer::resource(&request, StatusCode::OK, &found, &found.body)),
    }
}

/// `PUT /Users/{id}`, `PUT /Groups/{id}` (§3.5.1).
pub(super) async fn replace(state: web::Data<State>, call: Call, request: HttpRequest) -> Answer {
    let (body, if_match, id) = (call.json()?, if_match(&request), id(&request));
    let changed = match kind(&request)? {
        Kind::User => users::replace(&state, &call.directory, id, body, if_match.as_ref()).await?,
        Kind::Group => groups::replace(&state, &call.directory, id, body, if_match.as_ref(), true).await?,
    };
    Ok(answer::resource(&request, StatusCode::OK, &changed, &changed.body))
}

/// `PATCH /Users/{id}`, `PATCH /Groups/{id}` (§3.5.2).
pub(super) async fn patch(state: web::Data<State>, call: Call, request: HttpRequest) -> Answer {
    let (operations, if_match, id) = (PatchRequest::parse(call.json()?)?, if_match(&request), id(&request));
    let changed = match kind(&request)? {
        Kind::User => users::patch(&state, &call.directory, id, &operations, if_match.as_ref()).await?,
        Kind::Group => {
            groups::patch(&state, &call.directory, id, &operations, if_match.as_ref(), true).await?
        }
    };
    Ok(answer::resource(&request, StatusCode::OK, &changed, &changed.body))
}

/// `DELETE /Users/{id}`, `DELETE /Groups/{id}` (§3.6).
pub(super) async fn remove(state: web::Data<State>, call: Call, request: HttpRequest) -> Answer {
    let (if_match, id) = (if_match(&request), id(&request));
    match kind(&request)? {
        Kind::User => users::remove(&state, &call.directory, id, if_match.as_ref()).await?,
        Kind::Group => groups::remove(&state, &call.directory, id, if_match.as_ref()).await?,
    }
    Ok(HttpResponse::NoContent().finish())
}
