//! The conditions that a response and its assertion must meet once their signature verified, one function a
//! check. The clause, the fixer and the remedy of each are declared with its code in [`Error`].

use std::time::Duration;

use base::time::Timestamp;

use crate::{
    assertion::{NameIdAttributes, Subject, VerifiedAssertion},
    check::Check,
    error::Error,
    identifiers::{BEARER, status::SUCCESS},
    response::{Assertion, AuthnStatement, Conditions, DateTime, NameId, Response, SubjectConfirmation},
    trust::Trust,
};

/// The maximum age of an assertion since its IssueInstant (Ostiary SAML profile, replay memory). It bounds how
/// long replay protection keeps IDs.
pub const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The result of a check, and the error that a failure means.
pub(super) struct CheckResult {
    pub error: Error,
    pub check: Check,
}

impl CheckResult {
    fn new(error: Error, passed: bool, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { error, check: error.check(passed, Some(expected.into()), Some(found.into())) }
    }
}

/// Checks the conditions of one connection at one time.
pub(super) struct ConditionChecks<'a> {
    pub trust: &'a Trust<'a>,
    pub now: Timestamp,
    /// `now` plus the clock skew, the latest accepted NotBefore and IssueInstant, and its text in a check.
    latest: Timestamp,
    not_after_latest: String,
    /// `now` minus the clock skew, which every NotOnOrAfter must exceed, and its text in a check.
    earliest: Timestamp,
    after_earliest: String,
}

const ABSENT: &str = "(absent)";

fn or_absent(text: Option<&str>) -> &str {
    text.unwrap_or(ABSENT)
}

fn text_or_absent(moment: Option<DateTime<'_>>) -> &str {
    moment.map_or(ABSENT, |moment| moment.text)
}

impl<'a> ConditionChecks<'a> {
    pub fn new(trust: &'a Trust<'a>, now: Timestamp) -> Self {
        let (latest, earliest) = (now + trust.clock_skew, now - trust.clock_skew);
        let (not_after_latest, after_earliest) = (format!("not after {latest}"), format!("after {earliest}"));
        Self { trust, now, latest, not_after_latest, earliest, after_earliest }
    }

    /// Every check of the response itself, in order.
    pub fn response(&self, response: &Response<'_>, results: &mut Vec<CheckResult>) {
        results.extend([version(Error::ResponseVersion, response.version), status(response)]);
        results.extend(self.response_issuer(response));
        results.extend(self.response_destination(response));
        results.push(self.not_in_future(Error::ResponseIssueInstant, response.issue_instant));
    }

    /// Every check of the assertion, and of the two together, in order.
    pub fn assertion(
        &self,
        response: &Response<'_>,
        assertion: &Assertion<'_>,
        results: &mut Vec<CheckResult>,
    ) {
        results.extend([
            version(Error::AssertionVersion, assertion.version),
            self.assertion_issuer(assertion),
            self.not_in_future(Error::AssertionIssueInstant, assertion.issue_instant),
        ]);
        results.extend(self.assertion_age(assertion));
        match &assertion.conditions {
            Some(conditions) => self.conditions(conditions, results),
            None => results.push(CheckResult::new(Error::ConditionsMissing, false, "Conditions", ABSENT)),
        }
        self.confirmation(response, assertion, results);
        results.push(name_id(assertion, self.trust.name_id_optional));
        for session in &assertion.authn_statements {
            results.push(self.authn_instant(session));
            results.extend(self.session_not_on_or_after(session));
        }
    }

    /// The verified assertion. None when a part is missing, for which there is a failed check.
    pub fn verified_assertion(
        &self,
        response: &Response<'_>,
        assertion: Assertion<'_>,
    ) -> Option<VerifiedAssertion> {
        let (subject, name_id) = match assertion.name_id {
            NameId::Name(subject, attributes) => (subject.into_owned(), attributes),
            NameId::Malformed => return None,
            _ if self.trust.name_id_optional => (String::new(), NameIdAttributes::default()),
            _ => return None,
        };
        let bearer = self.best_confirmation(response, &assertion.confirmations)?;
        let issued = assertion.issue_instant?.time?;
        let in_response_to = bearer.in_response_to.map(str::to_owned);
        // Any of the bearer confirmations may be the one that holds, so the latest NotOnOrAfter counts.
        let confirmed = bearer_confirmations(&assertion.confirmations)
            .filter_map(|bearer| bearer.not_on_or_after?.time)
            .max()?;
        let conditions =
            assertion.conditions.as_ref().and_then(|conditions| conditions.not_on_or_after?.time);
        let until = confirmed.min(conditions.unwrap_or(confirmed)).min(issued + MAX_AGE);
        let session = assertion.authn_statements.first();
        Some(VerifiedAssertion {
            id: assertion.id.to_owned(),
            issuer: assertion.issuer?.into_owned(),
            in_response_to,
            name_id,
            not_on_or_after: until + self.trust.clock_skew,
            session_index: session.and_then(|session| session.index).map(str::to_owned),
            authn_instant: session.and_then(|session| session.instant?.time),
            authn_context: session.and_then(|session| session.context.clone()),
            subject: Subject { name_id: subject, attributes: assertion.attributes },
        })
    }

    /// SAML 2.0 Profiles §4.1.4.2: the response's Issuer, if present, equals the identity provider's entity
    /// ID byte for byte.
    fn response_issuer(&self, response: &Response<'_>) -> Option<CheckResult> {
        let issuer = response.issuer.as_deref()?;
        let expected = self.trust.idp_entity_id;
        Some(CheckResult::new(Error::ResponseIssuer, issuer == expected, expected, issuer))
    }

    /// SAML 2.0 Bindings §3.5.5.2: Destination, if present, is one of our ACS URLs.
    fn response_destination(&self, response: &Response<'_>) -> Option<CheckResult> {
        let destination = response.destination?;
        Some(CheckResult::new(
            Error::ResponseDestination,
            self.is_acs_url(destination),
            self.acs_urls_text(),
            destination,
        ))
    }

    /// SAML 2.0 Core §2.3.3: Issuer equals the identity provider's entity ID byte for byte.
    fn assertion_issuer(&self, assertion: &Assertion<'_>) -> CheckResult {
        let issuer = assertion.issuer.as_deref();
        let expected = self.trust.idp_entity_id;
        CheckResult::new(Error::AssertionIssuer, issuer == Some(expected), expected, or_absent(issuer))
    }

    /// SAML 2.0 Core §2.3.3, §3.2.2: the instant is present and not in the future.
    fn not_in_future(&self, error: Error, instant: Option<DateTime<'_>>) -> CheckResult {
        let passed = instant.and_then(|instant| instant.time).is_some_and(|time| time <= self.latest);
        CheckResult::new(error, passed, &self.not_after_latest, text_or_absent(instant))
    }

    /// Our profile: issued at most 24 hours ago, whatever the Conditions allow. No result for a missing or
    /// unreadable IssueInstant: another check refuses that.
    fn assertion_age(&self, assertion: &Assertion<'_>) -> Option<CheckResult> {
        let instant = assertion.issue_instant?;
        let oldest = self.earliest - MAX_AGE;
        let passed = instant.time? > oldest;
        Some(CheckResult::new(Error::AssertionTooOld, passed, format!("after {oldest}"), instant.text))
    }

    fn conditions(&self, conditions: &Conditions<'_>, results: &mut Vec<CheckResult>) {
        if let Some(unknown) = conditions.unknown.first() {
            results.push(CheckResult::new(
                Error::ConditionUnknown,
                false,
                "AudienceRestriction, OneTimeUse, ProxyRestriction",
                *unknown,
            ));
        }
        if conditions.not_before.is_some() {
            results.push(self.not_before_reached(Error::AssertionNotYetValid, conditions.not_before));
        }
        if conditions.not_on_or_after.is_some() {
            results.push(self.not_expired(Error::AssertionExpired, conditions.not_on_or_after));
        }
        results.push(self.audience(conditions));
    }

    /// SAML 2.0 Core §2.5.1.4: every AudienceRestriction lists our entity ID.
    fn audience(&self, conditions: &Conditions<'_>) -> CheckResult {
        let expected = self.trust.sp_entity_id;
        let restrictions = &conditions.audience_restrictions;
        if restrictions.is_empty() {
            return CheckResult::new(Error::AudienceRestrictionMissing, false, expected, ABSENT);
        }
        let passed =
            restrictions.iter().all(|audiences| audiences.iter().any(|audience| audience == expected));
        let found: Vec<_> = restrictions
            .iter()
            .take(8)
            .map(|audiences| {
                audiences.iter().take(8).map(|audience| &**audience).collect::<Vec<_>>().join(" or ")
            })
            .collect();
        CheckResult::new(Error::AssertionAudience, passed, expected, found.join("; and "))
    }

    /// SAML 2.0 Profiles §4.1.4.3: one bearer confirmation passes all its checks. That one is reported, or
    /// the first one when none does.
    fn confirmation(
        &self,
        response: &Response<'_>,
        assertion: &Assertion<'_>,
        results: &mut Vec<CheckResult>,
    ) {
        let Some(bearer) = self.best_confirmation(response, &assertion.confirmations) else {
            let methods: Vec<_> =
                assertion.confirmations.iter().take(4).map(|confirmation| confirmation.method).collect();
            let found = if methods.is_empty() { ABSENT.to_owned() } else { methods.join(", ") };
            results.push(CheckResult::new(Error::SubjectConfirmationMissing, false, BEARER, found));
            return;
        };
        results.extend(self.bearer_checks(response, bearer));
        // The other confirmations must agree too, or the assertion would be solicited and unsolicited at
        // once.
        let others = assertion.confirmations.iter().filter(|other| other.in_response_to.is_some());
        results
            .extend(others.map(|other| in_response_to_agrees(response, other)).find(|it| !it.check.passed));
    }

    fn best_confirmation<'c, 'd>(
        &self,
        response: &Response<'_>,
        confirmations: &'c [SubjectConfirmation<'d>],
    ) -> Option<&'c SubjectConfirmation<'d>> {
        bearer_confirmations(confirmations)
            .find(|bearer| self.bearer_checks(response, bearer).iter().all(|result| result.check.passed))
            .or_else(|| bearer_confirmations(confirmations).next())
    }

    fn bearer_checks(&self, response: &Response<'_>, bearer: &SubjectConfirmation<'_>) -> Vec<CheckResult> {
        let mut results = vec![
            self.recipient(bearer),
            self.not_expired(Error::SubjectConfirmationExpired, bearer.not_on_or_after),
            in_response_to_agrees(response, bearer),
        ];
        // The profile forbids NotBefore here; if it is sent, it is enforced.
        if bearer.not_before.is_some() {
            results.push(self.not_before_reached(Error::SubjectConfirmationNotYetValid, bearer.not_before));
        }
        results
    }

    /// SAML 2.0 Profiles §4.1.4.3: Recipient is one of our ACS URLs, byte for byte.
    fn recipient(&self, bearer: &SubjectConfirmation<'_>) -> CheckResult {
        let passed = bearer.recipient.is_some_and(|recipient| self.is_acs_url(recipient));
        CheckResult::new(
            Error::SubjectConfirmationRecipient,
            passed,
            self.acs_urls_text(),
            or_absent(bearer.recipient),
        )
    }

    /// SAML 2.0 Core §2.7.2: AuthnInstant is present and not in the future.
    fn authn_instant(&self, session: &AuthnStatement<'_>) -> CheckResult {
        self.not_in_future(Error::AuthnInstantInvalid, session.instant)
    }

    /// SAML 2.0 Core §2.7.2: SessionNotOnOrAfter, if present, has not been reached.
    fn session_not_on_or_after(&self, session: &AuthnStatement<'_>) -> Option<CheckResult> {
        session.not_on_or_after.map(|until| self.not_expired(Error::SessionExpired, Some(until)))
    }

    /// `NotBefore` has been reached (SAML 2.0 Core §2.5.1.2).
    fn not_before_reached(&self, error: Error, not_before: Option<DateTime<'_>>) -> CheckResult {
        let passed = not_before.and_then(|moment| moment.time).is_some_and(|time| time <= self.latest);
        CheckResult::new(error, passed, &self.not_after_latest, text_or_absent(not_before))
    }

    /// `NotOnOrAfter` has not been reached (SAML 2.0 Core §2.5.1.2).
    fn not_expired(&self, error: Error, not_on_or_after: Option<DateTime<'_>>) -> CheckResult {
        let passed = not_on_or_after.and_then(|moment| moment.time).is_some_and(|time| time > self.earliest);
        CheckResult::new(error, passed, &self.after_earliest, text_or_absent(not_on_or_after))
    }

    fn is_acs_url(&self, url: &str) -> bool {
        self.trust.acs_urls.iter().any(|ours| ours == url)
    }

    fn acs_urls_text(&self) -> String {
        self.trust.acs_urls.join(" or ")
    }
}

fn bearer_confirmations<'c, 'd>(
    confirmations: &'c [SubjectConfirmation<'d>],
) -> impl Iterator<Item = &'c SubjectConfirmation<'d>> {
    confirmations.iter().filter(|confirmation| confirmation.method == BEARER)
}

/// SAML 2.0 Core §4.1.3.1: version 2.0 and no other.
fn version(error: Error, version: Option<&str>) -> CheckResult {
    CheckResult::new(error, version == Some("2.0"), "2.0", or_absent(version))
}

/// SAML 2.0 Core §3.2.2.2: the top-level status is success.
pub(super) fn status(response: &Response<'_>) -> CheckResult {
    let passed = response.status.first() == Some(&SUCCESS);
    let mut found = response.status.iter().take(4).copied().collect::<Vec<_>>().join(" / ");
    if let Some(message) = response.status_message.as_deref().filter(|message| !message.is_empty()) {
        found = format!("{found}: {message}");
    }
    CheckResult::new(Error::ResponseStatus, passed, SUCCESS, found)
}

/// SAML 2.0 Profiles §4.1.4.2: InResponseTo is the same in the response and in the confirmation, or absent in
/// both.
fn in_response_to_agrees(response: &Response<'_>, bearer: &SubjectConfirmation<'_>) -> CheckResult {
    let passed = response.in_response_to == bearer.in_response_to;
    CheckResult::new(
        Error::InResponseToConflict,
        passed,
        format!("{} as in the response", or_absent(response.in_response_to)),
        or_absent(bearer.in_response_to),
    )
}

/// SAML 2.0 Core §2.2.2: the subject has a NameID of plain text.
fn name_id(assertion: &Assertion<'_>, optional: bool) -> CheckResult {
    let not_needed = |found: &str| {
        let found = format!("{found}; not needed, as the connection names an attribute");
        CheckResult::new(Error::NameIdMissing, true, "NameID", found)
    };
    match &assertion.name_id {
        NameId::Missing(found) if optional => not_needed(or_absent(*found)),
        NameId::Missing(found) => CheckResult::new(Error::NameIdMissing, false, "NameID", or_absent(*found)),
        NameId::Encrypted(_) | NameId::Undecryptable(_) if optional => not_needed("EncryptedID"),
        NameId::Encrypted(_) => CheckResult::new(Error::NameIdMissing, false, "NameID", "EncryptedID"),
        NameId::Undecryptable(failure) => CheckResult { error: failure.error, check: failure.check() },
        NameId::Malformed => {
            CheckResult::new(Error::NameIdMalformed, false, "one NameID of plain text", "something else")
        }
        // The NameID itself is left out: the timeline shows it in its own place.
        NameId::Name(_, attributes) => CheckResult::new(
            Error::NameIdMissing,
            true,
            "NameID",
            format!("NameID, {}", attributes.format.as_deref().unwrap_or("no format")),
        ),
    }
}

/// SAML 2.0 Profiles §4.1.4.3, §4.1.5: InResponseTo is the ID of this login's request, or absent when
/// `expected` is none (IdP-initiated). Called by the code that knows the flow.
pub fn in_response_to(expected: Option<&str>, assertion: &VerifiedAssertion) -> Check {
    let found = assertion.in_response_to.as_deref();
    CheckResult::new(Error::InResponseTo, found == expected, or_absent(expected), or_absent(found)).check
}
