//! Which share of the database's connections a route uses, so that no kind of work that waits for the database takes the
//! connections of all.

use std::rc::Rc;

use actix_web::{
    dev::{Extensions, ServiceRequest},
    web,
};

use crate::{
    app::{PoolShare, State},
    links::path,
    web::kit::routing::{MatchedRoute, Surface},
};

/// The states for handlers: each takes its connections from another share.
#[derive(Default)]
pub struct ShareStates {
    management: Rc<Extensions>,
    directory: Rc<Extensions>,
}

impl ShareStates {
    /// The states of one worker.
    pub fn new(state: &State) -> Self {
        let with = |share| {
            let mut data = Extensions::new();
            data.insert(web::Data::new(state.with_share(share)));
            Rc::new(data)
        };
        Self { management: with(PoolShare::Management), directory: with(PoolShare::Directory) }
    }

    /// Gives the handler of a request the state with its share; handlers without one use the application's.
    pub(super) fn assign(&self, request: &mut ServiceRequest, route: &MatchedRoute) {
        match share(route) {
            PoolShare::Management => request.add_data_container(Rc::clone(&self.management)),
            PoolShare::Directory => request.add_data_container(Rc::clone(&self.directory)),
            _ => {}
        }
    }
}

/// The share of a route. What people and apps need for a login is [`PoolShare::Login`].
fn share(route: &MatchedRoute) -> PoolShare {
    match route.surface {
        Surface::Scim => PoolShare::Directory,
        Surface::Console
        | Surface::Setup
        | Surface::Secureauth
        | Surface::Wso2
        | Surface::Wso2Scim
        | Surface::Sigid => PoolShare::Management,
        Surface::Ssoready if ![path::SAML_REDIRECT, path::SAML_REDEEM].contains(&&*route.pattern) => {
            PoolShare::Management
        }
        Surface::Ssoready
        | Surface::Saml
        | Surface::Oauth
        | Surface::Issuer
        | Surface::Health
        | Surface::Site => PoolShare::Login,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_shares_with_no_other_work() {
        let at = |surface, pattern: &'static str| share(&MatchedRoute { pattern: pattern.into(), surface });
        for (surface, pattern, expected) in [
            (Surface::Saml, path::SAML_ACS, PoolShare::Login),
            (Surface::Oauth, path::OAUTH_TOKEN, PoolShare::Login),
            (Surface::Issuer, path::WORKSPACE_TOKEN, PoolShare::Login),
            (Surface::Ssoready, path::SAML_REDIRECT, PoolShare::Login),
            (Surface::Ssoready, path::SAML_REDEEM, PoolShare::Login),
            (Surface::Ssoready, path::ORGANIZATIONS, PoolShare::Management),
            (Surface::Console, "/console", PoolShare::Management),
            (Surface::Scim, "/v1/scim/{directory}", PoolShare::Directory),
        ] {
            assert_eq!(at(surface, pattern), expected, "{pattern}");
        }
    }
}
