//! `…/applications/{id}`, and new applications.

use actix_web::{HttpResponse, http::header};
use base::id::RoleId;
use model::application::{Application, ClientKind};
use serde::Deserialize;

use super::{
    application_error,
    body::{self, AssociatedRoles, Oidc},
    invalid, named,
};
use crate::{
    app::{
        self,
        applications::{ApplicationChange, roles, sharing, vendor},
        resource,
    },
    http::wso2::{
        call::{Call, Json, uuid},
        error::Wso2Error,
    },
};

/// A new application.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct New {
    name: String,
    description: Option<String>,
    inbound_protocol_configuration: Option<Protocols>,
    associated_roles: Option<AssociatedRoles>,
}

#[derive(Deserialize)]
struct Protocols {
    oidc: Option<Oidc>,
}

/// What can be changed of one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    name: Option<String>,
    description: Option<String>,
    application_enabled: Option<bool>,
    associated_roles: Option<AssociatedRoles>,
}

/// `POST …/applications`. The secret can be read once, with the settings of OpenID Connect.
pub(in crate::http::wso2) async fn create(call: Call<Json>) -> Result<HttpResponse, Wso2Error> {
    let (state, principal, prefix) = (call.state.clone(), call.principal, call.prefix());
    let new: New = call.body.read()?;
    if new.name.trim().is_empty() {
        return Err(invalid("name must not be empty"));
    }
    let oidc = new.inbound_protocol_configuration.and_then(|protocols| protocols.oidc);
    let kind = oidc.as_ref().map_or(ClientKind::Service, Oidc::kind);
    let audience = new.associated_roles.as_ref().map(AssociatedRoles::audience).transpose()?.flatten();
    let used = new.associated_roles.as_ref().and_then(|roles| roles.roles.as_deref());
    let used = used.map(role_ids).transpose()?;
    let (grant_types, redirect_uris, origins) = match oidc {
        Some(oidc) => (Some(oidc.grant_types), Some(oidc.callback_urls), Some(oidc.allowed_origins)),
        None => (None, None, None),
    };
    let change = ApplicationChange {
        display_name: Some(new.name.trim().to_owned()),
        description: new.description,
        grant_types,
        redirect_uris,
        origins,
        shared: Some("none".to_owned()),
        role_audience: audience.map(|audience| audience.as_str().to_owned()),
        ..ApplicationChange::default()
    };
    let used = used.unwrap_or_default();
    let made =
        vendor::create_named(&state, &principal, &change, kind, &used).await.map_err(application_error)?;
    let location = format!("{}{}", state.links.origin(), body::path(&prefix, made.id));
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).finish())
}

/// The ids of roles.
fn role_ids(references: &[body::RoleReference]) -> Result<Vec<RoleId>, Wso2Error> {
    let parsed = references.iter().map(|role| role.id.parse::<RoleId>());
    parsed
        .collect::<Result<_, _>>()
        .map_err(|_| invalid("associatedRoles.roles names a role that there is not"))
}

/// `GET …/applications/{id}`
pub(in crate::http::wso2) async fn find(call: Call) -> Result<HttpResponse, Wso2Error> {
    let found = named(&call).await.map_err(application_error)?;
    let mut conn = call.state.db.read().await.map_err(crate::app::Error::from)?;
    let mut shown = Vec::new();
    for role in roles::list(&mut conn, &found.application).await? {
        if !found.is_fragment {
            shown.push((uuid(role.id), role));
        } else if app::roles::is_there(&mut conn, &role, call.organization_id).await? {
            let id = sharing::fragment_id(call.organization_id, role.id)?;
            shown.push((uuid(id), role));
        }
    }
    Ok(HttpResponse::Ok().json(body::full(&call.prefix(), &found, &shown)))
}

/// `PATCH …/applications/{id}`
pub(in crate::http::wso2) async fn update(call: Call<Json>) -> Result<HttpResponse, Wso2Error> {
    let found = named(&call).await.map_err(application_error)?;
    let (state, principal, id) = (call.state.clone(), call.principal, found.application.id);
    let change: Change = call.body.read()?;
    if change.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
        return Err(invalid("name must not be empty"));
    }
    let audience = change.associated_roles.as_ref().map(AssociatedRoles::audience).transpose()?.flatten();
    let used = change.associated_roles.as_ref().and_then(|roles| roles.roles.as_deref());
    let used = used.map(role_ids).transpose()?;
    let settings = ApplicationChange {
        display_name: change.name.map(|name| name.trim().to_owned()),
        description: change.description,
        disabled: change.application_enabled.map(|enabled| !enabled),
        role_audience: audience.map(|audience| audience.as_str().to_owned()),
        ..ApplicationChange::default()
    };
    vendor::update_named(&state, &principal, id, &settings, used.as_deref())
        .await
        .map_err(application_error)?;
    Ok(HttpResponse::Ok().finish())
}

/// `DELETE …/applications/{id}`
pub(in crate::http::wso2) async fn remove(call: Call) -> Result<HttpResponse, Wso2Error> {
    let found = named(&call).await.map_err(application_error)?;
    resource::remove::<Application>(&call.state, &call.principal, found.application.id, None)
        .await
        .map_err(application_error)?;
    Ok(HttpResponse::NoContent().finish())
}
