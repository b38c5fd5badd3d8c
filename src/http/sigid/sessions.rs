//! Sessions of users, and who one is.

use actix_web::HttpResponse;
use model::account::UserSession;
use oauth::token::ACCESS_TOKEN_LIFETIME;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    call::{Call, JsonObject, OpenCall},
    reply::{SigidResult, time},
};
use crate::{
    app::{
        Error,
        authorization_server::sign_in::Visitor,
        members::sessions::{self, Credentials},
    },
    web::kit::request::device,
};

/// What somebody signs in with.
#[derive(Deserialize, ToSchema)]
#[schema(as = SigidCredentials)]
pub struct CredentialsBody {
    /// The address, or another identifier.
    pub email: String,
    /// The password.
    pub password: String,
    /// A code of the authenticator app, or a recovery code.
    pub otp: Option<String>,
    /// The tenant, by its slug or id.
    pub tenant: Option<String>,
}

/// A session of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigidSession)]
pub struct SessionObject {
    /// Its id.
    pub id: String,
    /// The user.
    pub user_id: String,
    /// How the user authenticated (RFC 8176).
    pub amr: Vec<String>,
    /// When the user authenticated.
    pub authenticated_at: String,
    /// When it began.
    pub created_at: String,
    /// When it ends at the latest.
    pub expires_at: String,
    /// The organization in which the token of the call is good; `null`: the personal context.
    pub organization_id: Option<String>,
    /// The token; only in the answer to its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// `Bearer`, with a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<&'static str>,
    /// How long the token is good, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

impl SessionObject {
    fn new(session: &UserSession, organization_id: Option<String>) -> Self {
        Self {
            id: session.id.to_string(),
            user_id: session.subject.to_string(),
            amr: session.context.amr.clone(),
            authenticated_at: time(session.authenticated_at),
            created_at: time(session.created_at),
            expires_at: time(session.expires_at),
            organization_id,
            access_token: None,
            token_type: None,
            expires_in: None,
        }
    }
}

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigidMe)]
pub struct MeObject {
    /// The user.
    pub id: String,
    /// The tenant.
    pub tenant_id: String,
    /// The address; may be empty.
    pub email: String,
    /// The name; may be empty.
    pub display_name: String,
    /// Whether the user administers the tenant.
    pub tenant_admin: bool,
    /// Whether there is a second factor.
    pub mfa_enrolled: bool,
    /// The organization in which the token of the call is good.
    pub organization_id: Option<String>,
    /// The role there, as the token says it.
    pub organization_role: Option<String>,
}

/// Begin a session by a password
///
/// For users of the tenant itself. A user with a second factor sends a code as `otp`; without one that is 403 `mfa_required`.
pub async fn create(call: OpenCall<JsonObject>) -> SigidResult {
    let OpenCall { state, request, body } = call;
    let body: CredentialsBody = body.read()?;
    let credentials =
        Credentials { tenant: body.tenant, identifier: body.email, password: body.password, otp: body.otp };
    let visitor = Visitor { device: device(&request), ..Visitor::default() };
    let begun = sessions::begin(&state, &credentials, visitor).await?;
    let object = SessionObject {
        access_token: Some(begun.access_token),
        token_type: Some("Bearer"),
        expires_in: Some(ACCESS_TOKEN_LIFETIME.as_secs()),
        ..SessionObject::new(&begun.session, None)
    };
    Ok(HttpResponse::Created().json(object))
}

fn organization(call: &Call) -> Option<String> {
    let user = call.caller.user.as_ref()?;
    user.organization_id.map(|id| id.to_string())
}

/// Get the session of the call
pub async fn get_current(call: Call) -> SigidResult {
    let session = sessions::current(&call.state, &call.caller).await?;
    Ok(HttpResponse::Ok().json(SessionObject::new(&session, organization(&call))))
}

/// End the session of the call
pub async fn end_current(call: Call) -> SigidResult {
    sessions::end(&call.state, &call.caller, None).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// End a session of the user
pub async fn end(call: Call) -> SigidResult {
    let id = call.path("session").parse().map_err(|_| Error::not_found("session", ""))?;
    sessions::end(&call.state, &call.caller, Some(id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Get the user of the session
pub async fn me(call: Call) -> SigidResult {
    let member = sessions::me(&call.state, &call.caller).await?;
    Ok(HttpResponse::Ok().json(MeObject {
        id: member.membership.user_id.to_string(),
        tenant_id: member.membership.environment_id.to_string(),
        email: member.email,
        display_name: member.display_name,
        tenant_admin: call.caller.user.as_ref().is_some_and(|user| user.tenant_admin),
        mfa_enrolled: member.has_second_factor,
        organization_id: organization(&call),
        organization_role: call.token.claims.org_role.clone(),
    }))
}
