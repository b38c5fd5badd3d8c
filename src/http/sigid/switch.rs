//! The switch to another organization.

use actix_web::HttpResponse;
use oauth::token::ACCESS_TOKEN_LIFETIME;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    call::{Call, JsonObject, present},
    error::SigidError,
    reply::SigidResult,
};
use crate::app::members::switch;

/// Where the user acts from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SigidSwitch)]
pub struct SwitchBody {
    /// The organization; `null`: the user's personal context.
    #[serde(default, deserialize_with = "present")]
    pub organization_id: Option<Option<String>>,
}

/// The context in which a user acts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigidSwitched)]
pub struct Switched {
    /// The organization; `null`: the user's personal context.
    pub active_organization: Option<ActiveOrganization>,
    /// What the user is there.
    pub role: Option<&'static str>,
    /// The token that says so.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: &'static str,
    /// How long it is good, in seconds.
    pub expires_in: u64,
}

/// The organization in which a user acts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigidActiveOrganization)]
pub struct ActiveOrganization {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its short name.
    pub slug: Option<String>,
}

/// Switch to another organization
///
/// What was given in the session for the organization before ends.
pub async fn switch(call: Call<JsonObject>) -> SigidResult {
    let (call, body) = call.take_body();
    let body: SwitchBody = body.read()?;
    let Some(wanted) = body.organization_id else {
        let what = "is required: an organization, or null";
        return Err(SigidError::violations([("organization_id".to_owned(), what.to_owned())]));
    };
    let switched = switch::switch(&call.state, &call.caller, wanted.as_deref()).await?;
    let active_organization = switched.organization.map(|organization| ActiveOrganization {
        id: organization.id.to_string(),
        name: organization.shown_name().to_owned(),
        slug: organization.handle.as_ref().map(|handle| handle.as_str().to_owned()),
    });
    Ok(HttpResponse::Ok().json(Switched {
        active_organization,
        role: switched.role.map(|role| role.as_str()),
        access_token: switched.access_token,
        token_type: "Bearer",
        expires_in: ACCESS_TOKEN_LIFETIME.as_secs(),
    }))
}
