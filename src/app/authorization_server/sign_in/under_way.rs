//! A sign-in that is under way: the request for which it is, and what comes next.

use std::time::Duration;

use base::secret::SignInRequest as RequestName;
use model::account::AccountId;

use super::visitor::{Visitor, organization};
use crate::{
    app::{
        Result, State,
        accounts::totp,
        authorization_server::{issuer_clients, issuers::Issuer},
    },
    store::{
        self, Conn,
        authorization_requests::{self, AuthorizationRequest, Proven},
    },
};

/// How long a first factor counts while the second, or another password, is asked for.
const FIRST_FACTOR_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// What proved the person: a password (RFC 8176).
pub(super) const PASSWORD: &str = "pwd";
/// A one-time password.
pub(super) const ONE_TIME_PASSWORD: &str = "otp";
/// More than one factor.
pub(super) const MULTI_FACTOR: &str = "mfa";

/// A request for which somebody signs in.
#[derive(Debug)]
pub struct UnderWay {
    /// How it is named.
    pub name: RequestName,
    /// What it is.
    pub request: AuthorizationRequest,
    /// The name of the application; may be empty, and is without one.
    pub application: String,
    /// What comes next.
    pub step: Step,
}

/// What a person does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Say who they are, and prove it by their password.
    Password,
    /// Give a code of their authenticator app, or a recovery code.
    SecondFactor,
    /// Choose another password.
    ChangePassword,
}

/// The request with this name, if this browser brought it to this issuer and nobody answered it yet.
pub async fn find(state: &State, issuer: &Issuer, name: &str, visitor: &Visitor) -> Result<Option<UnderWay>> {
    let organization_id = organization(issuer)?.id;
    let (Ok(name), Some(browser)) = (name.parse::<RequestName>(), &visitor.browser) else { return Ok(None) };
    let environment_id = issuer.tenant.environment_id;
    let now = state.now();
    let mut conn = state.db.read().await?;
    let browser = browser.digest();
    let found =
        authorization_requests::find(&mut conn, environment_id, organization_id, browser, &name, now).await?;
    let Some(mut request) = found else { return Ok(None) };
    let application = match request.client_id {
        None => String::new(),
        Some(id) => match issuer_clients::find(&mut conn, issuer, id).await? {
            Some(client) if !client.disabled => client.display_name,
            _ => return Ok(None),
        },
    };
    if request.proven.as_ref().is_some_and(|proven| proven.authenticated_at + FIRST_FACTOR_LIFETIME <= now) {
        request.proven = None;
    }
    let step = match &request.proven {
        Some(proven) => next(&mut conn, proven).await?.unwrap_or(Step::Password),
        None => Step::Password,
    };
    Ok(Some(UnderWay { name, request, application, step }))
}

/// What is asked for beside what was proven; `None`: nothing but a change of the password may be.
pub(super) async fn next(conn: &mut Conn, proven: &Proven) -> Result<Option<Step>> {
    let account: AccountId = proven.user_id.into();
    if !proven.amr.iter().any(|method| method == MULTI_FACTOR) && totp::is_enrolled(conn, account).await? {
        return Ok(Some(Step::SecondFactor));
    }
    Ok(store::passwords::find(conn, account).await?.map(|_| Step::ChangePassword))
}
