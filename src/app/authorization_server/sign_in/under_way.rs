//! A sign-in that is under way: the request for which it is, and what comes next.

use std::time::Duration;

use base::secret::SignInRequest as RequestName;
use model::{account::AccountId, branding::plain_name};

use super::{
    password_use::PasswordUse,
    visitor::{Visitor, organization},
};
use crate::{
    app::{
        Result, State,
        accounts::{
            passkeys, totp,
            user_credentials::{self, Account},
        },
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
pub(in crate::app) const PASSWORD: &str = "pwd";
/// A passkey whose key is the device's, and one that may be on several devices.
pub(in crate::app) const HARDWARE_KEY: &str = "hwk";
pub(in crate::app) const SOFTWARE_KEY: &str = "swk";
/// The user was there.
pub(in crate::app) const USER_PRESENT: &str = "user";
/// A one-time password.
pub(in crate::app) const ONE_TIME_PASSWORD: &str = "otp";
/// More than one factor.
pub(in crate::app) const MULTI_FACTOR: &str = "mfa";

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
    /// Set an authenticator app up: the pool asks for a second factor of everybody.
    EnrolTotp,
    /// Add a passkey, if they want one. They are asked once.
    OfferPasskey,
    /// Go on: nothing else is asked for.
    Finish,
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
            Some(client) if !client.disabled => plain_name(&client.display_name),
            _ => return Ok(None),
        },
    };
    if request.proven.as_ref().is_some_and(|proven| proven.authenticated_at + FIRST_FACTOR_LIFETIME <= now) {
        request.proven = None;
    }
    let step = match &request.proven {
        Some(proven) => {
            let user_id = proven.user_id;
            let account = user_credentials::load_account(&mut conn, environment_id, organization_id, user_id);
            match account.await? {
                Some(account) => next(&mut conn, state, &account, proven).await?,
                None => Step::Password,
            }
        }
        None => Step::Password,
    };
    Ok(Some(UnderWay { name, request, application, step }))
}

/// What is asked for beside what was proven.
pub(super) async fn next(conn: &mut Conn, state: &State, account: &Account, proven: &Proven) -> Result<Step> {
    let id: AccountId = proven.user_id.into();
    let has = |wanted: &str| proven.amr.iter().any(|method| method == wanted);
    if !has(MULTI_FACTOR) && totp::is_enrolled(conn, id).await? {
        return Ok(Step::SecondFactor);
    }
    let password = store::passwords::find(conn, id).await?.filter(|_| has(PASSWORD));
    if password.is_some_and(|password| PasswordUse::of(state, &password) == PasswordUse::Change) {
        return Ok(Step::ChangePassword);
    }
    if !has(MULTI_FACTOR) && account.must_enrol_totp() {
        return Ok(Step::EnrolTotp);
    }
    let may_have_passkey = has(PASSWORD) && account.allows_passkeys() && passkeys::are_supported(state);
    if may_have_passkey
        && !store::users::was_offered_passkey(conn, proven.user_id).await?
        && store::passkeys::list(conn, id, 1).await?.is_empty()
    {
        return Ok(Step::OfferPasskey);
    }
    Ok(Step::Finish)
}
