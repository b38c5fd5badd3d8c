//! A sign-in for no application: of somebody who comes by a bookmark or a letter. It ends at their account page.

use base::secret::SignInRequest as RequestName;
use oauth::sign_in_request::ResponseMode;

use super::{
    authorize::REQUEST_LIFETIME,
    session,
    visitor::{Visitor, organization},
};
use crate::{
    app::{
        Result, State,
        authorization_server::issuers::{Issuer, IssuerForm},
        login::BrowserId,
    },
    store::authorization_requests::{self, AuthorizationRequest},
};

/// What the browser does next.
#[derive(Debug)]
pub enum Outcome {
    /// Somebody is signed in here.
    SignedIn,
    /// Somebody signs in.
    SignIn {
        /// How the request is named meanwhile.
        name: RequestName,
        /// What binds it to the browser.
        browser: BrowserId,
    },
}

/// Begins a sign-in for no application, unless the browser has a session; also then, if somebody wants to sign in `anew`.
pub async fn begin(state: &State, issuer: &Issuer, visitor: &Visitor, anew: bool) -> Result<Outcome> {
    let organization_id = organization(issuer)?.id;
    if !anew && session::find(state, issuer, visitor).await?.is_some() {
        return Ok(Outcome::SignedIn);
    }
    let now = state.now();
    let browser = visitor.browser.clone().unwrap_or_else(|| BrowserId::new(&*state.random));
    let request = AuthorizationRequest {
        environment_id: issuer.tenant.environment_id,
        issuer: organization_id,
        form: IssuerForm::Organization,
        browser: browser.digest(),
        client_id: None,
        redirect_uri: String::new(),
        redirect_uri_sent: false,
        response_mode: ResponseMode::Query,
        state: None,
        nonce: None,
        code_challenge: None,
        scope: String::new(),
        authenticated_since: None,
        hinted_user_id: None,
        flow_id: None,
        proven: None,
        created_at: now,
        expires_at: now + REQUEST_LIFETIME,
    };
    let name = RequestName::new(&*state.random);
    let mut tx = state.db.write().await?;
    authorization_requests::insert(&mut tx, &name, &request).await?;
    tx.commit().await?;
    Ok(Outcome::SignIn { name, browser })
}
