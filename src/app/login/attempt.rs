//! A login while it is handled: what is known of it, and the checks made so far.

use std::net::IpAddr;

use base::{connection_id::ConnectionId, id::OauthClientId, time::Timestamp};
use model::{
    connection::Connection,
    email::Email,
    environment::IdpInitiated,
    login_flow::{LoginFlow, PendingRequest},
    saml_connection::SamlConnection,
};
use saml::{VerifiedAssertion, check::Check};

use super::{
    browser_id::BrowserId,
    eligibility::{Denial, LoginSubject},
    error::Error,
    identity,
    verification::{self, ResponseInput},
};
use crate::{
    app::{self, Result, State},
    store::{self, login_connections::LoginConnection, login_flows},
    telemetry,
};

/// Why a step of a login ends it.
#[derive(Debug)]
pub(super) enum Stop {
    /// The login is refused; the failed check is among the checks of the attempt.
    Refused(Error),
    /// The request itself failed.
    Failed(app::Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<app::Error> for Stop {
    fn from(error: app::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// The result of a step of a login.
pub(super) type LoginResult<T> = std::result::Result<T, Stop>;

/// The checks of a login, in order.
#[derive(Debug, Default)]
pub(super) struct Checks(pub(super) Vec<Check>);

impl Checks {
    /// Adds the check of `error`; returns `error` unless it passed.
    pub(super) fn require(
        &mut self,
        error: Error,
        passed: bool,
        expected: Option<String>,
        found: Option<String>,
    ) -> Result<(), Error> {
        if passed {
            self.pass(error, expected, found);
            Ok(())
        } else {
            Err(self.fail(error, expected, found))
        }
    }

    /// Adds the failed check of `error`, and returns `error`.
    #[must_use]
    pub(super) fn fail(&mut self, error: Error, expected: Option<String>, found: Option<String>) -> Error {
        self.0.push(error.failed(expected, found));
        error
    }

    /// Adds the passed check of `error`.
    pub(super) fn pass(&mut self, error: Error, expected: Option<String>, found: Option<String>) {
        self.0.push(error.passed(expected, found));
    }
}

/// How the browser of the request relates to the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BrowserBinding {
    /// The flow is unknown, or bound to another browser.
    Other,
    /// The browser begins the flow, which is not stored yet.
    New,
    /// The browser begins the stored flow, which may be bound to another browser so far.
    Beginning,
    /// The request of the flow is bound to the browser.
    Bound,
}

impl BrowserBinding {
    /// Whether the login is this browser's own.
    pub(super) fn is_own(self) -> bool {
        self != Self::Other
    }

    /// Whether the browser only begins the login: its request was not sent yet.
    pub(super) fn is_beginning(self) -> bool {
        matches!(self, Self::New | Self::Beginning)
    }
}

/// A login while it is handled. Each step adds its checks; a refusal stores what is known by then.
pub(super) struct LoginAttempt<'a, C = SamlConnection> {
    /// The shared state.
    pub(super) state: &'a State,
    /// The connection, with its organization and environment.
    pub(super) target: &'a LoginConnection<C>,
    /// The flow, once found.
    pub(super) flow: Option<LoginFlow>,
    /// The connection's flow that RelayState names: use it only as the one whose request has a known ID.
    pub(super) named: Option<LoginFlow>,
    /// How the browser relates to the flow.
    pub(super) binding: BrowserBinding,
    /// Whether a signature of the connection's identity provider was verified.
    pub(super) signature_verified: bool,
    /// The e-mail address in the response; used only if `signature_verified`.
    pub(super) claimed_email: Option<Email>,
    /// InResponseTo of the response, UNVERIFIED: use it only to find the flow in which a refusal is shown.
    pub(super) unverified_in_response_to: Option<String>,
    /// All checks so far, in order.
    pub(super) checks: Checks,
    /// What support may read of the response: the XML document, or the claims of a verified ID token.
    pub(super) document: Option<String>,
}

impl<'a, C: Connection> LoginAttempt<'a, C> {
    /// An attempt without a flow, as far as is known.
    pub(super) fn new(state: &'a State, target: &'a LoginConnection<C>) -> Self {
        Self {
            state,
            target,
            flow: None,
            named: None,
            binding: BrowserBinding::Other,
            signature_verified: false,
            claimed_email: None,
            unverified_in_response_to: None,
            checks: Checks::default(),
            document: None,
        }
    }

    /// An attempt to begin `flow` in a browser.
    pub(super) fn to_begin(
        state: &'a State,
        target: &'a LoginConnection<C>,
        flow: LoginFlow,
        binding: BrowserBinding,
    ) -> Self {
        telemetry::request_is_of_login(flow.id);
        Self { flow: Some(flow), binding, ..Self::new(state, target) }
    }

    /// Checks that a login may begin: the connection is ready, neither it nor its organization is switched off, and that is no
    /// template.
    /// Responses are verified all the same, so that the refusal is in the timeline of their login, with the person:
    /// [`eligibility`](super::eligibility) refuses those.
    pub(super) fn check_begin(&mut self) -> Result<(), Error> {
        if self.target.organization.template {
            return Err(self.checks.fail(Error::OrganizationIsTemplate, None, None));
        }
        if self.target.organization.is_disabled() {
            return Err(self.checks.fail(Error::OrganizationDisabled, None, None));
        }
        if self.target.connection.is_disabled() {
            return Err(self.checks.fail(Error::ConnectionDisabled, None, None));
        }
        self.check_ready()
    }

    /// Checks that the connection is configured and can be used here.
    pub(super) fn check_ready(&mut self) -> Result<(), Error> {
        let connection = &self.target.connection;
        let missing = connection.missing_settings();
        if !missing.is_empty() {
            let found = Some(format!("{} missing", missing.join(", ")));
            return Err(self.checks.fail(Error::ConnectionNotConfigured, None, found));
        }
        if connection.is_test() && !self.state.settings.test_idp {
            return Err(self.checks.fail(Error::TestConnectionDisabled, None, None));
        }
        Ok(())
    }

    /// Finds the connection's flow whose request has this ID, and how it relates to the browser.
    pub(super) async fn find_flow(
        &mut self,
        request_id: Option<&str>,
        browser: Option<&BrowserId>,
    ) -> Result<()> {
        let Some(request_id) = request_id else { return Ok(()) };
        let has_request =
            |flow: &LoginFlow| flow.request.as_ref().is_some_and(|request| request.id == request_id);
        self.flow = match self.named.take().filter(has_request) {
            Some(named) => Some(named),
            None => {
                let mut conn = self.state.db.read().await?;
                login_flows::find_by_request(&mut conn, self.connection_id(), request_id).await?
            }
        };
        self.flow.iter().for_each(|flow| telemetry::request_is_of_login(flow.id));
        let bound_to =
            self.flow.as_ref().and_then(|flow| flow.request.as_ref()).map(|request| request.browser);
        self.binding = match bound_to {
            Some(digest) if browser.map(BrowserId::digest) == Some(digest) => BrowserBinding::Bound,
            _ => BrowserBinding::Other,
        };
        Ok(())
    }

    /// Checks that the browser which brings the answer is the one that the request is bound to.
    pub(super) fn check_browser(
        &mut self,
        pending: &PendingRequest,
        browser: Option<&BrowserId>,
    ) -> Result<(), Error> {
        let found = match browser {
            None => "no cookie of ours",
            Some(browser) if browser.digest() == pending.browser => "the same browser",
            Some(_) => "another browser",
        };
        self.checks.require(
            Error::BrowserMismatch,
            self.binding == BrowserBinding::Bound,
            Some("the browser that began the login".to_owned()),
            Some(found.to_owned()),
        )
    }

    /// Checks that the login was not answered before.
    pub(super) fn check_unanswered(&mut self, flow: &LoginFlow) -> Result<(), Error> {
        self.checks.require(
            Error::RequestAlreadyUsed,
            flow.answered_at.is_none(),
            Some("a login that is not finished".to_owned()),
            flow.answered_at.map(|at| format!("finished at {at}")),
        )
    }

    /// Checks that the answer comes in time.
    pub(super) fn check_in_time(&mut self, pending: &PendingRequest) -> Result<(), Error> {
        let now = self.state.now();
        self.checks.require(
            Error::RequestExpired,
            pending.expires_at > now,
            Some(format!("before {}", pending.expires_at)),
            Some(now.to_string()),
        )
    }

    /// Authorises the person: the domain of their address belongs to the organization, and the login has a redirect target.
    pub(super) fn authorize(&mut self, email: &Email, has_target: bool) -> Result<(), Error> {
        let target = self.target;
        let is_accepted = target.organization.accepts_domain(email.domain());
        let expected = identity::accepted_domains(&target.organization);
        let (expected, found) = (Some(expected), Some(email.to_string()));
        self.checks.require(Error::EmailOutsideOrganizationDomains, is_accepted, expected, found)?;
        if !has_target && target.environment.redirect_url.is_none() {
            return Err(self.checks.fail(Error::NoRedirectUrl, None, None));
        }
        Ok(())
    }

    /// The login of the person with this address, for [`eligibility`](super::eligibility).
    pub(super) fn subject<'e>(&self, client_id: Option<OauthClientId>, email: &'e Email) -> LoginSubject<'e> {
        LoginSubject {
            organization_id: self.target.organization.id,
            connection_id: self.connection_id(),
            client_id,
            email,
        }
    }

    /// What a denial of [`eligibility`](super::eligibility) means for the login: it is refused, or its connection is
    /// not found any more.
    pub(super) fn stop(&self, denial: Denial) -> Stop {
        match denial {
            Denial::Gone => app::Error::not_found(C::NOUN, self.connection_id()).into(),
            Denial::Refused(error) => error.into(),
        }
    }

    /// The connection.
    pub(super) fn connection_id(&self) -> ConnectionId {
        self.target.connection.connection_id()
    }
}

impl LoginAttempt<'_> {
    /// Verifies the response from `client` as of `now`, and keeps what it says for a refusal.
    pub(super) async fn verify(
        &mut self,
        client: IpAddr,
        response: ResponseInput,
        now: Timestamp,
    ) -> LoginResult<VerifiedAssertion> {
        let verdict = verification::verify(self.state, self.target, client, response, now).await?;
        let subject = match &verdict.outcome {
            Ok(assertion) => Some(&assertion.subject),
            Err(_) => verdict.subject.as_ref(),
        };
        self.claimed_email =
            subject.and_then(|subject| identity::claimed_email(&self.target.connection, subject));
        self.signature_verified = verdict.signature_verified;
        self.unverified_in_response_to = verdict.claims.in_response_to;
        self.checks.0.extend(verdict.checks);
        self.document = verdict.xml;
        verdict.outcome.map_err(|error| Error::Response(error).into())
    }

    /// The e-mail address of the person.
    pub(super) fn find_email(&mut self, assertion: &VerifiedAssertion) -> Result<Email, Error> {
        match identity::find_email(&self.target.connection, &assertion.subject) {
            Ok((email, source)) => {
                self.checks.pass(Error::EmailMissing, None, Some(source));
                Ok(email)
            }
            Err(failed) => Err(self.checks.fail(failed.error, failed.expected, failed.found)),
        }
    }

    /// The policy for unsolicited responses: of the connection, or else of its environment.
    pub(super) fn idp_initiated(&self) -> IdpInitiated {
        self.target.connection.idp_initiated.unwrap_or(self.target.environment.idp_initiated)
    }
}
