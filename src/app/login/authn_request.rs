//! SAML logins as far as they differ from others before the response comes: the AuthnRequest.

use base::{
    id::{LoginFlowId, SamlConnectionId},
    time::Timestamp,
};
use model::{
    login_flow::LoginFlow,
    saml_connection::{IdpBinding, SamlConnection},
};
use saml::{
    authn_request::{AuthnRequest, request_id},
    binding::{post_form, redirect_url},
};
use url::Url;

use super::protocol::{IdpRedirect, Protocol};
use crate::{
    app::{self, Result, State, connections::saml::sp_keys},
    links::Links,
    store::{
        self, Conn,
        login_connections::{self, LoginConnection},
    },
};

impl Protocol for SamlConnection {
    fn new_request_id(state: &State) -> String {
        request_id(&*state.random)
    }

    fn init_url(&self, links: &Links, link_state: &str) -> Url {
        links.saml_init(self.id, link_state)
    }

    fn setup_test_url(&self, links: &Links, flow: LoginFlowId) -> Option<Url> {
        Some(links.setup_saml_test(self.id, flow))
    }

    async fn find_for_login(conn: &mut Conn, id: SamlConnectionId) -> store::Result<Option<LoginConnection>> {
        login_connections::find_for_login(conn, id).await
    }

    async fn request(
        state: &State,
        target: &LoginConnection,
        flow: &LoginFlow,
        now: Timestamp,
    ) -> Result<(Option<String>, IdpRedirect)> {
        let (xml, redirect) = authn_request(state, target, flow, now).await?;
        Ok((Some(xml), redirect))
    }
}

/// The AuthnRequest of `flow` as XML, and its encoding for the connection's binding. RelayState is the flow's id:
/// short, opaque to the identity provider, and not secret.
async fn authn_request(
    state: &State,
    target: &LoginConnection,
    flow: &LoginFlow,
    now: Timestamp,
) -> Result<(String, IdpRedirect)> {
    let connection = &target.connection;
    let (Some(request), Some(destination)) = (&flow.request, &connection.idp_redirect_url) else {
        return Err(app::Error::internal("a login was begun without a request or a configured connection"));
    };
    let acs_url = connection.sp_acs_urls.first().map_or("", String::as_str);
    let authn_request = AuthnRequest {
        id: &request.id,
        issue_instant: now,
        issuer: &connection.sp_entity_id,
        destination: destination.as_str(),
        acs_url,
        force_authn: flow.force_authn,
    };
    let signing = match connection.sign_authn_requests {
        true => sp_keys::key_pairs(state, connection.environment_id).await?.into_iter().next(),
        false => None,
    };
    let relay_state = flow.id.to_string();
    let xml = match (&signing, connection.idp_binding) {
        (Some(keys), IdpBinding::Post) => {
            authn_request.to_signed_xml(&keys.key, &keys.certificate).map_err(app::Error::internal)?
        }
        _ => authn_request.to_xml(),
    };
    let redirect = match connection.idp_binding {
        IdpBinding::Redirect => {
            let destination =
                destination.to_url().ok_or_else(|| app::Error::internal("a stored URL cannot be read"))?;
            let key = signing.as_ref().map(|keys| &*keys.key);
            let url =
                redirect_url(&destination, &xml, Some(&relay_state), key).map_err(app::Error::internal)?;
            IdpRedirect::Redirect(url.into())
        }
        IdpBinding::Post => IdpRedirect::Post(post_form(destination.as_str(), &xml, Some(&relay_state))),
    };
    Ok((xml, redirect))
}
