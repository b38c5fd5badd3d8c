//! `/v1/environments/{id}/branding`: name, colour and logo on the setup pages of an environment.

use actix_web::{HttpResponse, web};
use base::id::EnvironmentId;
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use model::http_url::HttpUrl;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    call::{ApiCall, ManagementKey},
    fields::{Fields, id},
    reply::{ApiResult, api, versioned},
    schema::IfMatch,
};
use crate::{
    app::{
        Error, State,
        environments::branding::{self, BrandingChange, LogoChange},
    },
    links::{self, path},
};

/// How the setup pages look to a customer's admin.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Branding {
    environment_id: EnvironmentId,
    /// The application's name; empty: the environment's name.
    application_name: String,
    /// `#rrggbb`; empty for the default colour.
    accent_color: String,
    /// The URL of the logo on this server; empty if there is none.
    logo_url: String,
    /// The target of "back to the application".
    return_url: String,
    /// The contact for a customer's admin.
    support_contact: String,
}

/// The branding of an environment.
#[derive(Debug, Serialize, ToSchema)]
pub struct BrandingReply {
    branding: Branding,
}

/// A logo.
#[derive(Debug, Deserialize, ToSchema)]
pub struct LogoInput {
    /// A PNG, JPEG, GIF or WebP file of at most 256 kB, in base64.
    #[serde(default)]
    #[schema(required = true)]
    pub logo: String,
}

fn reply(state: &State, branding: &model::branding::Branding) -> HttpResponse {
    let logo = branding.logo.as_ref();
    let body = BrandingReply {
        branding: Branding {
            environment_id: branding.environment_id,
            application_name: branding.application_name.clone().unwrap_or_default(),
            accent_color: branding.accent_color.map(|color| color.to_string()).unwrap_or_default(),
            logo_url: logo
                .map(|logo| {
                    state.links.origin() + &links::branding_logo(branding.environment_id, &logo.sha256)
                })
                .unwrap_or_default(),
            return_url: branding.return_url.as_ref().map(HttpUrl::to_string).unwrap_or_default(),
            support_contact: branding.support_contact.clone().unwrap_or_default(),
        },
    };
    versioned(branding.version, body)
}

async fn change<B>(
    state: &State,
    call: &ApiCall<ManagementKey, B>,
    id: EnvironmentId,
    change: &BrandingChange,
    logo: LogoChange,
) -> ApiResult {
    let changed = branding::update(state, &call.principal, id, call.if_match.as_ref(), change, logo).await;
    Ok(reply(state, &changed.map_err(api)?))
}

/// Get the branding
///
/// How the setup pages look to a customer's admin.
#[utoipa::path(
    get,
    path = path::ENVIRONMENT_BRANDING,
    operation_id = "getBranding",
    tag = "Branding",
    params(("id" = EnvironmentId, Path)),
    responses((status = 200, body = BrandingReply))
)]
pub async fn find(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    Ok(reply(&state, &branding::find(&state, &call.principal, id).await.map_err(api)?))
}

/// Update the branding
///
/// Fields that are not sent stay as they are.
#[utoipa::path(
    patch,
    path = path::ENVIRONMENT_BRANDING,
    operation_id = "updateBranding",
    tag = "Branding",
    params(("id" = EnvironmentId, Path), IfMatch),
    request_body = BrandingChange,
    responses((status = 200, body = BrandingReply))
)]
pub async fn update(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let settings = call.body.change().map_err(api)?;
    change(&state, &call, id, &settings, LogoChange::Keep).await
}

/// Set the logo
///
/// The file type is detected from the content. SVG is not accepted, since it can contain scripts.
#[utoipa::path(
    put,
    path = path::ENVIRONMENT_BRANDING_LOGO,
    operation_id = "setLogo",
    tag = "Branding",
    params(("id" = EnvironmentId, Path), IfMatch),
    request_body = LogoInput,
    responses((status = 200, body = BrandingReply))
)]
pub async fn set_logo(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let LogoInput { logo } = call.body.change().map_err(api)?;
    let bytes = BASE64
        .decode(logo.trim())
        .map_err(|_| api(Error::invalid("logo", "must be an image file in base64")))?;
    change(&state, &call, id, &BrandingChange::default(), LogoChange::Replace(bytes)).await
}

/// Remove the logo
///
/// The pages then show only the name.
#[utoipa::path(
    delete,
    path = path::ENVIRONMENT_BRANDING_LOGO,
    operation_id = "removeLogo",
    tag = "Branding",
    params(("id" = EnvironmentId, Path), IfMatch),
    responses((status = 200, body = BrandingReply))
)]
pub async fn remove_logo(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    change(&state, &call, id, &BrandingChange::default(), LogoChange::Remove).await
}
