//! Guests: users of the organization above who are invited. In an organization they are invited, and invitations listed and taken
//! back; the invited accept with their confirmation code alone, wherever they call.

mod accept;
mod code;
mod errors;

pub(super) use accept::accept;

use actix_web::{HttpResponse, http::StatusCode};
use base::id::{IdKind, RoleKind, UserGroupKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    call::{Call, Json, uuid},
    error::Wso2Error,
    organizations::comparisons,
    scim_roles::audience_object,
};
use crate::{
    app::{
        Error,
        guests::{self, GuestView, NewInvitations},
        roles::VisibleRole,
    },
    http::wso2::organizations::errors::invalid,
};
use code::CodeBody;
use errors::{FILTER, FILTER_ATTRIBUTE, FILTER_VALUE, GROUP, ROLE, error_of, refuse};

/// The property that says who brings the confirmation codes to the invited.
const MANAGED_INTERNALLY: &str = "manageNotificationsInternally";

/// The states of invitations.
const PENDING: &str = "PENDING";
const EXPIRED: &str = "EXPIRED";

#[derive(Debug, Deserialize)]
struct Property {
    key: String,
    #[serde(default)]
    value: Value,
}

/// Whom a caller invites. The domain of a user store is read and changes nothing: there is one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InviteBody {
    usernames: Vec<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    properties: Vec<Property>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InvitedObject {
    username: String,
    result: ResultObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation_code: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultObject {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<String>,
}

/// The name without that of a user store before it.
fn without_store(name: &str) -> &str {
    let name = name.trim();
    match name.split_once('/') {
        Some((store, rest))
            if ["PRIMARY", "DEFAULT"].iter().any(|known| store.eq_ignore_ascii_case(known)) =>
        {
            rest
        }
        _ => name,
    }
}

/// Whether the caller wants to bring the codes to the invited.
fn hands_over(properties: &[Property]) -> Result<bool, Wso2Error> {
    let Some(found) = properties.iter().find(|property| property.key == MANAGED_INTERNALLY) else {
        return Ok(false);
    };
    let internally = match &found.value {
        Value::Bool(value) => Some(*value),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    };
    internally
        .map(|internally: bool| !internally)
        .ok_or_else(|| invalid(format!("{MANAGED_INTERNALLY} must be true or false")))
}

/// Invites users of the organization above.
pub(super) async fn invite(call: Call<Json>) -> Result<HttpResponse, Wso2Error> {
    let (call, body) = call.take_body();
    let body: InviteBody = body.read()?;
    if body.usernames.is_empty() || body.usernames.len() > guests::MAX_INVITED {
        return Err(invalid(format!("usernames must be one to {} names", guests::MAX_INVITED)));
    }
    for (name, count) in [("roles", body.roles.len()), ("groups", body.groups.len())] {
        if count > guests::MAX_GRANTS {
            return Err(invalid(format!("{name} must be at most {}", guests::MAX_GRANTS)));
        }
    }
    if body.usernames.iter().any(|name| name.contains('\0')) {
        return Err(invalid("usernames hold U+0000".to_owned()));
    }
    let mut new = NewInvitations {
        user_names: body.usernames.iter().map(|name| without_store(name).to_owned()).collect(),
        hand_over: hands_over(&body.properties)?,
        ..NewInvitations::default()
    };
    let unknown =
        |kind: &str, text: &str| format!("there is no such {kind}: {}", crate::app::input::quoted(text));
    for text in &body.roles {
        let id = text.parse().map_err(|_| refuse(&ROLE, unknown(RoleKind::NOUN, text)))?;
        new.roles.insert(id);
    }
    for text in &body.groups {
        let id = text.parse().map_err(|_| refuse(&GROUP, unknown(UserGroupKind::NOUN, text)))?;
        new.groups.insert(id);
    }
    let invited = guests::invite(&call.state, &call.principal, call.organization_id, &new).await;
    let invited = invited.map_err(|error| error_of(error, ""))?;
    let objects = body.usernames.into_iter().zip(invited).map(|(username, invited)| match invited.result {
        Ok(code) => InvitedObject {
            username,
            result: ResultObject {
                status: "Successful",
                error_code: None,
                error_message: None,
                error_description: None,
            },
            confirmation_code: code.map(|code| code.reveal()),
        },
        Err(error) => {
            let (code, message, description) = errors::told(error, &username);
            InvitedObject {
                username,
                result: ResultObject {
                    status: "Failed",
                    error_code: Some(code),
                    error_message: Some(message),
                    error_description: Some(description),
                },
                confirmation_code: None,
            }
        }
    });
    Ok(HttpResponse::Created().insert_header(("cache-control", "no-store")).json(objects.collect::<Vec<_>>()))
}

/// What a filter of the list wants: those that have expired, or those that have not.
fn read_filter(text: &str) -> Result<bool, Wso2Error> {
    let found = comparisons(text).map_err(|_| refuse(&FILTER, text))?;
    let [comparison] = found.as_slice() else { return Err(refuse(&FILTER, text)) };
    if !comparison.attribute.eq_ignore_ascii_case("status") {
        return Err(refuse(&FILTER_ATTRIBUTE, &comparison.attribute));
    }
    if !comparison.operator.eq_ignore_ascii_case("eq") {
        return Err(refuse(&FILTER, text));
    }
    match comparison.value.trim_matches('"').to_ascii_uppercase().as_str() {
        PENDING => Ok(false),
        EXPIRED => Ok(true),
        _ => Err(refuse(&FILTER_VALUE, &comparison.value)),
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InvitationObject {
    id: String,
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    roles: Vec<Value>,
    groups: Vec<Value>,
    status: &'static str,
    expired_at: String,
}

fn status(expired: bool) -> &'static str {
    if expired { EXPIRED } else { PENDING }
}

fn invitation_object(call: &Call, view: GuestView) -> InvitationObject {
    let role = |role: &VisibleRole| json!({ "id": uuid(role.id), "displayName": role.name(), "audience": audience_object(call, role) });
    InvitationObject {
        id: uuid(view.invitation.id),
        username: view.user_name,
        email: view.email,
        roles: view.roles.iter().map(role).collect(),
        groups: view
            .groups
            .iter()
            .map(|(id, name)| json!({ "id": uuid(*id), "displayName": name }))
            .collect(),
        status: status(!view.invitation.is_open(call.state.now())),
        expired_at: view.invitation.expires_at.to_string(),
    }
}

/// Lists the invitations of the organization.
pub(super) async fn list(call: Call) -> Result<HttpResponse, Wso2Error> {
    let expired = call.query("filter").as_deref().map(read_filter).transpose()?;
    let found = guests::list(&call.state, &call.principal, call.organization_id, expired).await?;
    let invitations: Vec<_> = found.into_iter().map(|view| invitation_object(&call, view)).collect();
    Ok(HttpResponse::Ok().json(json!({ "invitations": invitations })))
}

/// Takes an invitation back. One that is not there is answered alike.
pub(super) async fn remove(call: Call) -> Result<HttpResponse, Wso2Error> {
    let done = match call.path("id").parse() {
        Ok(id) => guests::remove(&call.state, &call.principal, call.organization_id, id).await,
        Err(_) => Ok(()),
    };
    match done {
        Ok(()) | Err(Error::NotFound { .. }) => Ok(HttpResponse::new(StatusCode::NO_CONTENT)),
        Err(error) => Err(error.into()),
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct IntrospectedObject {
    confirmation_code: String,
    username: String,
    user_organization: String,
    initiated_organization: String,
    status: &'static str,
}

/// Says whose invitation a confirmation code is of.
pub(super) async fn introspect(call: Call<Json>) -> Result<HttpResponse, Wso2Error> {
    let (call, body) = call.take_body();
    let CodeBody { confirmation_code } = body.read()?;
    let found =
        guests::introspect(&call.state, &call.principal, call.organization_id, &confirmation_code).await;
    let (invitation, username) = found.map_err(|error| error_of(error, ""))?;
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(IntrospectedObject {
        confirmation_code,
        username,
        user_organization: call.organization_text(invitation.resident_organization_id),
        initiated_organization: call.organization_text(invitation.organization_id),
        status: status(!invitation.is_open(call.state.now())),
    }))
}
