//! A login for an application at an issuer where people sign in with their account: whose account it is, and where the browser
//! goes on. The session begins at the issuer itself, where its cookies are (`authorization_server/sign_in/company.rs`).

use base::id::LoginFlowId;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::{connection::Connection, login_flow::LoginFlow, organization};

use super::{
    attempt::{LoginAttempt, LoginResult},
    error::Error,
    proven::Proven,
};
use crate::{
    app::{
        Result, State,
        accounts::users::{self, AssertedPerson, NoAccount},
    },
    store::{
        Transaction, account_logins,
        authorization_requests::{self, AuthorizationRequest, Named, Proven as Asserted},
    },
};

/// The MAC purpose of the proof that [`is_finish_proof`] verifies.
const PROOF_PURPOSE: &str = "sign-in through a connection";

impl<C: Connection> LoginAttempt<'_, C> {
    /// Finds or makes the account of the person, and stores for the sign-in under way whom the identity provider proved. Returns
    /// the address at which the browser goes on.
    pub(super) async fn identify(
        &mut self,
        tx: &mut Transaction,
        flow: &LoginFlow,
        proven: &Proven,
    ) -> LoginResult<String> {
        let (state, now) = (self.state, flow.updated_at);
        let found = authorization_requests::find_by_flow(tx, flow.id, now).await?;
        let Some(Named { name, request, .. }) = found.filter(|found| is_for(&found.request, flow)) else {
            return Err(self.checks.fail(Error::SignInGone, None, None).into());
        };
        if let Some(since) = request.authenticated_since {
            let is_recent = proven.authenticated_at.is_some_and(|at| at + state.settings.clock_skew >= since);
            let found = proven.authenticated_at.map(|at| format!("at {at}"));
            let expected = Some(format!("an authentication since {since}"));
            self.checks.require(Error::AuthenticationTooOld, is_recent, expected, found)?;
        }
        let person = AssertedPerson {
            environment_id: flow.environment_id,
            organization_id: flow.organization_id,
            connection_id: self.connection_id(),
            email: &proven.email,
            name: proven.name.clone(),
            claims: proven.claims.clone(),
        };
        let user = match users::find_or_create(tx, state, &person).await? {
            Ok(user) => user,
            Err(NoAccount::NotActive) => {
                return Err(self.checks.fail(Error::AccountNotActive, None, None).into());
            }
            Err(NoAccount::LinkedElsewhere) => {
                return Err(self.checks.fail(Error::UserLinkedElsewhere, None, None).into());
            }
        };
        self.checks.pass(Error::AccountNotActive, None, Some(user.id.to_string()));
        account_logins::update_asserted(tx, flow.id, user.id, &proven.methods).await?;
        let asserted = Asserted {
            user_id: user.id,
            authenticated_at: proven.authenticated_at.unwrap_or(now).min(now),
            amr: proven.methods.clone(),
        };
        if !authorization_requests::update_asserted(tx, name, flow.id, &asserted).await? {
            return Err(self.checks.fail(Error::SignInGone, None, None).into());
        }
        let proof = BASE64.encode(state.master_key.compute_tag(PROOF_PURPOSE, &flow.id.to_string()));
        let (environment, organization) = names(&request);
        Ok(state.links.sign_in_company_finish(&environment, &organization, flow.id, &proof).into())
    }
}

/// Whether a proof is the one that the browser got which posted the accepted response of this flow.
pub fn is_finish_proof(state: &State, flow: LoginFlowId, proof: &str) -> bool {
    let Ok(tag) = BASE64.decode(proof) else { return false };
    state.master_key.verify_tag(PROOF_PURPOSE, &flow.to_string(), &tag)
}

/// Our address that takes the browser back to the application, with an error; `None` once the sign-in is over.
pub(super) async fn decline_url(state: &State, flow: &LoginFlow) -> Result<Option<String>> {
    let found = {
        let mut conn = state.db.read().await?;
        authorization_requests::find_by_flow(&mut conn, flow.id, state.now()).await?
    };
    Ok(found.filter(|found| is_for(&found.request, flow)).map(|found| {
        let (environment, organization) = names(&found.request);
        state.links.sign_in_company_decline(&environment, &organization, flow.id).into()
    }))
}

/// Whether a sign-in is one that a login of this organization may end: at its own issuer, or at the root's.
fn is_for(request: &AuthorizationRequest, flow: &LoginFlow) -> bool {
    request.environment_id == flow.environment_id
        && (request.issuer == flow.organization_id
            || request.issuer == organization::root_id(flow.environment_id))
}

/// The segments of the issuer's paths, in the form that is always good.
fn names(request: &AuthorizationRequest) -> (String, String) {
    let organization = match request.issuer == organization::root_id(request.environment_id) {
        true => "root".to_owned(),
        false => format!("{:032x}", request.issuer.bits()),
    };
    (request.environment_id.to_string(), organization)
}
