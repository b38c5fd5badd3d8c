//! Redeeming a SAML access code: the app exchanges it for the user who signed in.

use base::{
    id::{LoginFlowId, OrganizationId},
    secret::AccessCode,
};
use model::{
    email::Email,
    login_flow::{Attributes, FlowOrigin},
};

use crate::{
    app::{
        Error, Result, State,
        actor::{Actor, On},
        login::eligibility::{self, LoginSubject},
        permissions::Action,
    },
    store,
};

/// The result of a redeemed login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedeemedLogin {
    /// The e-mail address, as the identity provider sent it.
    pub email: Email,
    /// The app's state; empty if the app did not start the login.
    pub state: String,
    /// The attributes from the assertion.
    pub attributes: Attributes,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The vendor's own id for it; empty if there is none.
    pub organization_external_id: String,
    /// The login flow, for support.
    pub saml_flow_id: LoginFlowId,
}

/// Redeems an access code. It is valid once, for a few minutes, in its own environment. Codes of OAuth logins are
/// redeemed at the token endpoint instead. Refused if the user may no longer sign in.
pub async fn redeem(state: &State, actor: &Actor, code: &str) -> Result<RedeemedLogin> {
    let code: AccessCode =
        code.parse().map_err(|error| Error::invalid("saml_access_code", ToString::to_string(&error)))?;
    let digest = code.digest();
    let gone = || Error::NotFound { kind: "saml access code", id: String::new() };
    let environment_id = actor.authorize(Action::LoginsRedeem, On::Environment)?;
    let flow = {
        let mut conn = state.db.read().await?;
        store::login_flows::find_by_code(&mut conn, digest)
            .await?
            .filter(|flow| flow.environment_id == environment_id && flow.oauth.is_none())
            .filter(|flow| flow.origin != FlowOrigin::Administrator)
            .ok_or_else(gone)?
    };
    let email = flow.email.ok_or_else(|| store::Error::inconsistent("saml_flows", "email", flow.id))?;
    let tx = state.db.write().await?;
    let login = LoginSubject {
        organization_id: flow.organization_id,
        connection_id: flow.saml_connection_id,
        email: &email,
    };
    let now = state.now();
    let (mut tx, organization) =
        eligibility::check_code(tx, flow.id, digest, login, now).await?.ok_or_else(gone)?;
    // Of concurrent requests with the same code the database lets one succeed.
    if !store::login_flows::consume_code(&mut tx, flow.id, digest, now).await? {
        return Err(gone());
    }
    tx.commit().await?;
    Ok(RedeemedLogin {
        email,
        state: flow.state.unwrap_or_default(),
        attributes: flow.attributes,
        organization_id: flow.organization_id,
        organization_external_id: organization.organization_external_id.unwrap_or_default(),
        saml_flow_id: flow.id,
    })
}
