//! An environment as programs read it.

use serde::Serialize;

use crate::model::{self, environment::IdpInitiated, http_url::HttpUrl, id::EnvironmentId};

/// An environment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    id: EnvironmentId,
    slug: String,
    display_name: String,
    redirect_url: String,
    oauth_redirect_uris: Vec<HttpUrl>,
    auth_url: String,
    idp_initiated: IdpInitiated,
}

impl From<&model::environment::Environment> for Environment {
    fn from(environment: &model::environment::Environment) -> Self {
        let text = |url: &Option<HttpUrl>| url.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            id: environment.id,
            slug: environment.slug.to_string(),
            display_name: environment.display_name.clone(),
            redirect_url: text(&environment.redirect_url),
            oauth_redirect_uris: environment.oauth_redirect_uris.clone(),
            auth_url: text(&environment.auth_url),
            idp_initiated: environment.idp_initiated,
        }
    }
}
