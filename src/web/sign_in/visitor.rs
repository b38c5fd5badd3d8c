//! The browser of a request, as sign-in knows it.

use actix_web::HttpRequest;
use base::id::OrganizationId;

use super::cookies::{self, Purpose};
use crate::{
    app::{State, authorization_server::sign_in::Visitor},
    web::{
        kit::request::{device, host},
        login::browser_cookie,
    },
};

/// The browser of a request to an organization's issuer.
pub fn visitor(state: &State, request: &HttpRequest, organization: OrganizationId) -> Visitor {
    let links = &state.links;
    Visitor {
        browser: cookies::browser(links, request, organization),
        login_browser: browser_cookie::browser(links, request),
        host: host(request).to_owned(),
        cookies: cookies::read(links, request, organization, Purpose::Session),
        device: device(request),
    }
}
