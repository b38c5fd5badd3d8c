//! `…/applications/{id}/inbound-protocols`: the settings of OpenID Connect, and the secret.

use std::time::Duration;

use actix_web::HttpResponse;
use model::application::Application;
use serde_json::json;

use super::{
    application_error,
    body::{Oidc, self_path},
    invalid, named,
};
use crate::{
    app::{
        applications::{ApplicationChange, issued_secrets, secrets},
        resource,
    },
    http::wso2::{
        call::{Call, Json},
        error::Wso2Error,
    },
};

/// `GET …/inbound-protocols`
pub(in crate::http::wso2) async fn list(call: Call) -> Result<HttpResponse, Wso2Error> {
    let found = named(&call).await.map_err(application_error)?;
    let path = format!("{}/inbound-protocols/oidc", self_path(&call.prefix(), &found));
    let item = json!({ "type": "oauth2", "name": found.application.id, "self": path });
    Ok(HttpResponse::Ok().json([item]))
}

/// `GET …/inbound-protocols/oidc`. The secret is there the first time after the application was made, if that is within an hour, and
/// for callers who may change the application.
pub(in crate::http::wso2) async fn find(call: Call) -> Result<HttpResponse, Wso2Error> {
    let found = named(&call).await.map_err(application_error)?;
    let mut settings = Oidc::of(&found.application);
    if !found.is_fragment && call.is_at_root() {
        settings.client_secret =
            issued_secrets::take(&call.state, &call.principal, &found.application).await?;
    }
    Ok(HttpResponse::Ok().json(settings))
}

/// `PUT …/inbound-protocols/oidc`
pub(in crate::http::wso2) async fn replace(call: Call<Json>) -> Result<HttpResponse, Wso2Error> {
    let found = named(&call).await.map_err(application_error)?;
    let (state, principal) = (call.state.clone(), call.principal);
    let asked: Oidc = call.body.read()?;
    if asked.public_client != Oidc::of(&found.application).public_client {
        return Err(invalid("publicClient cannot be changed"));
    }
    let change = ApplicationChange {
        grant_types: Some(asked.grant_types),
        redirect_uris: Some(asked.callback_urls),
        origins: Some(asked.allowed_origins),
        ..ApplicationChange::default()
    };
    let changed =
        resource::update::<Application>(&state, &principal, found.application.id, None, &change).await;
    Ok(HttpResponse::Ok().json(Oidc::of(&changed.map_err(application_error)?)))
}

/// `POST …/inbound-protocols/oidc/regenerate-secret`. The secret before it ends at once.
pub(in crate::http::wso2) async fn new_secret(call: Call) -> Result<HttpResponse, Wso2Error> {
    let found = named(&call).await.map_err(application_error)?;
    let (state, principal, id) = (&call.state, &call.principal, found.application.id);
    let made =
        secrets::rotate(state, principal, id, None, Duration::ZERO).await.map_err(application_error)?;
    let client_secret = made.secret.as_ref().map(|secret| secret.reveal());
    let mut settings = Oidc::of(&made.application);
    settings.client_secret = client_secret;
    Ok(HttpResponse::Ok().json(settings))
}
