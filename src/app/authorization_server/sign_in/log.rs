//! What a sign-in with an account leaves in the log of logins: whom it was about, each check, and how it ended. Never a password
//! or a code; and of what was typed only what is an e-mail address, as somebody may type a password in the wrong field.

use std::time::Duration;

use base::id::{LoginFlowId, UserId};
use model::{
    email::Email,
    login_flow::{Attributes, FlowOrigin, FlowStatus, LoginFlow, LoginProtocol, StepKind, reference},
    user::AddressKind,
};
use saml::check::Check;

use super::{
    refusal::{Refusal, Refused},
    under_way::UnderWay,
};
use crate::{
    app::{Result, State, login::Error},
    store::{
        Transaction,
        account_logins::{self, Accepted},
        authorization_requests::Proven,
        login_flow_steps::{self, NewStep},
        login_flows, user_addresses,
    },
    telemetry,
};

/// How many refused logins of an organization per hour are history. Further ones are removed like unfinished ones.
const MAX_HISTORY_PER_HOUR: i64 = 300;

/// How many are stored at all. Further ones are only counted in the metrics, so that strangers cannot fill the database. The
/// limits are the same for accounts that exist and for those that do not: what is stored takes time.
const MAX_PER_HOUR: i64 = 2000;

const HOUR: Duration = Duration::from_secs(3600);

/// What is known of a sign-in while a step of it is handled.
pub(super) struct Log<'a> {
    pub(super) state: &'a State,
    pub(super) under_way: &'a UnderWay,
    checks: Vec<Check>,
    user_id: Option<UserId>,
    email: Option<Email>,
}

impl<'a> Log<'a> {
    /// Of this sign-in, about nobody.
    pub(super) fn new(state: &'a State, under_way: &'a UnderWay) -> Self {
        Self { state, under_way, checks: Vec::new(), user_id: None, email: None }
    }

    /// Says whom it is about: the user, if there is one, and what was typed, if anything was. The same is asked of the database
    /// for everybody.
    pub(super) async fn identify(&mut self, user: Option<UserId>, typed: Option<&str>) -> Result<()> {
        self.user_id = user;
        self.email = typed.and_then(|typed| Email::parse(typed.trim()));
        if self.email.is_none() {
            let id = user.unwrap_or_else(|| UserId::from_bits(0));
            let found = user_addresses::list(&mut self.state.db.read().await?, &[id]).await?.remove(&id);
            let mut emails = found.into_iter().flatten().filter(|address| address.kind == AddressKind::Email);
            self.email = emails.next().and_then(|address| Email::parse(&address.address));
        }
        if typed.is_some() {
            let found = match &self.email {
                Some(email) => email.to_string(),
                None => "something that is no e-mail address".to_owned(),
            };
            let check = Error::AccountUnknown;
            match user {
                Some(_) => self.pass(check, Some(found)),
                None => {
                    self.checks.push(check.failed(Some("an identifier of an account".into()), Some(found)))
                }
            }
        }
        Ok(())
    }

    /// Adds the passed check of `error`.
    pub(super) fn pass(&mut self, error: Error, found: Option<String>) {
        self.checks.push(error.passed(None, found));
    }

    /// Adds the failed check of `error`, which does not end the sign-in.
    pub(super) fn fail(&mut self, error: Error, found: Option<String>) {
        self.checks.push(error.failed(None, found));
    }

    /// Refuses what was given. Returns how the login is quoted, stored or not.
    pub(super) async fn refuse(mut self, error: Error, found: Option<String>) -> Result<String> {
        if !self.checks.iter().any(|check| !check.passed && check.name == error.code()) {
            self.fail(error, found);
        }
        let (state, now) = (self.state, self.state.now());
        telemetry::login_failed(error.code());
        let new = LoginFlowId::new(now, &*state.random);
        let organization = self.under_way.request.issuer;
        let refused = {
            let mut conn = state.db.read().await?;
            account_logins::count_refused(&mut conn, organization, now - HOUR, MAX_PER_HOUR).await?
        };
        if refused >= MAX_PER_HOUR {
            return Ok(reference(LoginProtocol::Account, new));
        }
        let mut tx = state.db.write().await?;
        let Some(id) = self.flow(&mut tx, new).await? else {
            return Ok(reference(LoginProtocol::Account, new));
        };
        telemetry::request_is_of_login(id);
        // One entry tells that attempts are held up, however many there are.
        let is_limit = error == Error::TooManyAttempts;
        if is_limit && account_logins::find_refusal(&mut tx, id).await?.as_deref() == Some(error.code()) {
            return Ok(reference(LoginProtocol::Account, id));
        }
        let is_history = refused < MAX_HISTORY_PER_HOUR;
        login_flows::update_refused(&mut tx, id, error.code(), self.email.as_ref(), is_history, now).await?;
        self.step(&mut tx, id, StepKind::Refused).await?;
        tx.commit().await?;
        tracing::info!(flow = %id, reason = error.code(), "login refused");
        Ok(reference(LoginProtocol::Account, id))
    }

    /// The same, as what a step of a sign-in returns.
    pub(super) async fn refuse_as<T>(
        self,
        why: Refusal,
        error: Error,
        found: &str,
    ) -> Result<Result<T, Refused>> {
        let found = Some(found.to_owned()).filter(|found| !found.is_empty());
        Ok(Err(Refused { why, reference: Some(self.refuse(error, found).await?) }))
    }

    /// Something was proven, and something else is asked for.
    pub(super) async fn proven(&self, tx: &mut Transaction, proven: &Proven) -> Result<()> {
        let new = LoginFlowId::new(self.state.now(), &*self.state.random);
        let Some(id) = self.flow(tx, new).await? else { return Ok(()) };
        let now = self.state.now();
        account_logins::update_proven(tx, id, self.email.as_ref(), &proven.amr, now).await?;
        self.step(tx, id, StepKind::Proven).await
    }

    /// Somebody is signed in. Returns the login.
    pub(super) async fn accepted(
        &self,
        tx: &mut Transaction,
        proven: &Proven,
    ) -> Result<Option<LoginFlowId>> {
        let now = self.state.now();
        let new = LoginFlowId::new(now, &*self.state.random);
        let Some(id) = self.flow(tx, new).await? else { return Ok(None) };
        telemetry::request_is_of_login(id);
        let accepted = Accepted {
            email: self.email.as_ref(),
            amr: &proven.amr,
            authenticated_at: proven.authenticated_at,
        };
        account_logins::update_accepted(tx, id, &accepted, now).await?;
        self.step(tx, id, StepKind::Accepted).await?;
        telemetry::login_succeeded(now.since(self.under_way.request.created_at));
        Ok(Some(id))
    }

    async fn step(&self, tx: &mut Transaction, id: LoginFlowId, kind: StepKind) -> Result<()> {
        let step = NewStep { at: self.state.now(), kind, checks: &self.checks, document: None };
        Ok(login_flow_steps::insert(tx, id, step).await?)
    }

    /// The stored login of this sign-in: `new`, if it has none yet. `None` where the sign-in is not there any more.
    async fn flow(&self, tx: &mut Transaction, new: LoginFlowId) -> Result<Option<LoginFlowId>> {
        let UnderWay { name, request, .. } = self.under_way;
        let Some(id) = account_logins::attach(tx, name, new).await? else { return Ok(None) };
        if id == new {
            let now = self.state.now();
            let flow = LoginFlow {
                id,
                environment_id: request.environment_id,
                organization_id: request.issuer,
                protocol: LoginProtocol::Account,
                connection_id: None,
                user_id: None,
                application_id: request.client_id.into(),
                amr: Vec::new(),
                origin: FlowOrigin::Issuer,
                status: FlowStatus::InProgress,
                refusal: None,
                state: None,
                email: None,
                claimed_email: None,
                attributes: Attributes::new(),
                sealed_attributes: None,
                request: None,
                oauth: None,
                force_authn: false,
                authenticated_at: None,
                answered_at: None,
                redeemed_at: None,
                created_at: now,
                updated_at: now,
            };
            login_flows::insert(tx, &flow).await?;
        }
        account_logins::update_user(tx, id, self.user_id).await?;
        Ok(Some(id))
    }
}
