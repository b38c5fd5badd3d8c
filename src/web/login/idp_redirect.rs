//! Sends a browser to an identity provider: the cookie that binds it to its login, and the redirect
//! or the page with a form that posts itself.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};

use super::{
    auto_post::{AutoPost, AutoPostPurpose},
    browser_cookie::set_cookies,
};
use crate::{
    app::{
        State,
        login::{BegunLogin, IdpRedirect},
    },
    web::kit::{
        layout,
        response::{PagePolicy, page},
    },
};

/// The banner of every login page where the bundled identity provider is switched on.
pub fn banner(state: &State) -> Option<&'static str> {
    state.settings.test_idp.then_some(layout::TEST_SETUP_BANNER)
}

/// Sends the browser to the identity provider.
pub fn send_to_idp(state: &State, begun: BegunLogin) -> HttpResponse {
    let mut response = match &begun.redirect {
        IdpRedirect::Redirect(location) => see_other(location),
        IdpRedirect::Post(form) => {
            let fields: Vec<(&str, &str)> =
                form.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let view = AutoPost {
                action: &form.action,
                fields: &fields,
                purpose: AutoPostPurpose::SignIn { organization: None },
                banner: banner(state),
            };
            page(StatusCode::OK, PagePolicy::AnyFormTarget, view.view())
        }
    };
    set_cookies(&mut response, &state.links, &begun.browser);
    response
}

/// Redirects the browser, without a referrer.
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .finish()
}
