//! Sign-in to the console through a SAML connection of the gateway's own.

use base::id::LoginFlowId;
use model::{account::AuthenticationMethod, login_flow::FlowOrigin};

use super::{
    pending::{PendingSso, SsoPurpose, open, seal, unknown_sso_state},
    session::{SsoCallback, asserted_auth_time, set_authentication_time, sign_in_with_email},
};
use crate::{
    app::{
        Error, Result, State,
        accounts::Device,
        console_connection,
        login::{
            self, BeginOutcome, BrowserId,
            eligibility::{self, LoginSubject},
        },
    },
    store::{self, authorization_codes, login_flows},
    telemetry,
};

/// Begins a sign-in through the SAML connection, bound to `browser`. Returns the login request, and the value of
/// the cookie with the pending sign-in.
pub async fn begin_saml(
    state: &State,
    next: &str,
    browser: Option<BrowserId>,
    purpose: SsoPurpose<'_>,
) -> Result<(login::BegunLogin, String)> {
    let off = || Error::not_found("SAML sign-in", "(not configured)");
    let target = console_connection::find(state).await?.ok_or_else(off)?;
    let force_authn = matches!(purpose, SsoPurpose::Confirm { .. });
    let begun = match login::begin_administrator(state, &target, browser, force_authn).await? {
        BeginOutcome::Begun(begun) => begun,
        BeginOutcome::Refused(refused) => {
            return Err(Error::FailedPrecondition(refused.refusal.remedy().into()));
        }
    };
    let pending = PendingSso::new(state, begun.flow.to_string(), next, purpose);
    let cookie = seal(state, &pending)?;
    Ok((begun, cookie))
}

/// Completes a sign-in through the SAML connection: the flow succeeded, and this browser both began it and posted
/// its response. A request of another browser is an error and consumes nothing.
pub async fn finish_saml(
    state: &State,
    flow: &str,
    cookie: &str,
    browser: Option<&BrowserId>,
    device: &Device,
) -> Result<SsoCallback> {
    let pending = open(state, cookie, flow)?;
    let unknown = || Error::not_found("login flow", flow);
    let id: LoginFlowId = flow.parse().map_err(|_| unknown())?;
    let connection = console_connection::find(state).await?.ok_or_else(unknown)?.connection.id;
    let found =
        login_flows::find(&mut state.db.read().await?, connection.into(), id).await?.ok_or_else(unknown)?;
    telemetry::request_is_of_login(found.id);
    let over =
        || Error::FailedPrecondition("this sign-in did not go well, or took too long; begin again".into());
    let (FlowOrigin::Administrator, Some(email)) = (found.origin, &found.email) else {
        return Err(over());
    };
    let carried_by = found.request.as_ref().map(|request| request.browser);
    if carried_by.is_none() || carried_by != browser.map(BrowserId::digest) {
        return Err(unknown_sso_state());
    }
    pending.check_account(email)?;
    let mut tx = state.db.write().await?;
    let (organization_id, connection_id) = (found.organization_id, connection.into());
    let login = LoginSubject { organization_id, connection_id, client_id: None, email };
    if eligibility::check(&mut tx, login, &mut Vec::new()).await?.is_err() {
        return Err(over());
    }
    // The code was given to nobody. To consume it completes the flow, once and before the code expires.
    let now = state.now();
    if !authorization_codes::consume_of_administrator(&mut tx, id, now).await? {
        return Err(over());
    }
    login_flows::update_redeemed(&mut tx, id, now).await?;
    let mut begun = sign_in_with_email(&mut tx, state, email, AuthenticationMethod::Saml, device).await?;
    store::sessions::update_connection(&mut tx, &begun.session, connection_id).await?;
    let authenticated_at = asserted_auth_time(
        found.force_authn,
        found.authenticated_at,
        found.created_at,
        state.settings.clock_skew,
    );
    set_authentication_time(&mut tx, &mut begun, authenticated_at).await?;
    tx.commit().await?;
    Ok(SsoCallback { session: begun, next: pending.next })
}
