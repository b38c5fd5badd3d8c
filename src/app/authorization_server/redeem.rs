//! Redeeming a SAML access code: the app exchanges it for the user who signed in.

use base::{
    id::{LoginFlowId, OrganizationId},
    secret::AccessCode,
};
use model::{authorization_grant::CodeKind, email::Email, login_flow::Attributes};

use crate::{
    app::{
        Error, Result, State,
        login::eligibility::{self, CodeOutcome},
        permissions::Action,
        principal::{On, Principal},
    },
    store::{authorization_codes, login_flows},
    telemetry,
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
pub async fn redeem(state: &State, principal: &Principal, code: &str) -> Result<RedeemedLogin> {
    let code: AccessCode =
        code.parse().map_err(|error| Error::invalid("saml_access_code", ToString::to_string(&error)))?;
    let digest = code.digest();
    let gone = || Error::NotFound { kind: "saml access code", id: String::new() };
    let environment_id = principal.authorize(Action::LoginsRedeem, On::Environment)?;
    let login = {
        let mut conn = state.db.read().await?;
        authorization_codes::find(&mut conn, digest)
            .await?
            .filter(|grant| grant.environment_id == environment_id && grant.kind == CodeKind::Access)
            .ok_or_else(gone)?
            .login
    };
    telemetry::request_is_of_login(login.flow_id);
    let tx = state.db.write().await?;
    let now = state.now();
    let mut tx = match eligibility::redeem_code(state, tx, digest, &login, now).await? {
        CodeOutcome::Redeemed(tx) => tx,
        CodeOutcome::Refused | CodeOutcome::Used(_) => return Err(gone()),
    };
    let app_state = login_flows::update_redeemed(&mut tx, login.flow_id, now).await?;
    tx.commit().await?;
    Ok(RedeemedLogin {
        email: login.email,
        state: app_state.unwrap_or_default(),
        attributes: login.attributes,
        organization_id: login.organization_id,
        organization_external_id: login.organization_external_id.unwrap_or_default(),
        saml_flow_id: login.flow_id,
    })
}
