//! Checks a stored response again with the current settings: would the login be accepted now?

use std::collections::BTreeMap;

use base::{id::LoginFlowId, time::Timestamp};
use model::{
    email::Email,
    login_flow::{FlowStep, StepKind},
};
use saml::check::Check;

use super::details::{load, open_steps, record_reading};
use crate::{
    app::{Error, Result, State, login, principal::Principal},
    store::login_connections,
};

/// The checks of a stored response, at its arrival and now.
#[derive(Debug)]
pub struct Recheck {
    /// When the response arrived. Time conditions are checked as of then.
    pub received_at: Timestamp,
    /// The checks at its arrival.
    pub then: Vec<Check>,
    /// The checks with the current settings.
    pub now: Vec<Check>,
    /// The address that would be signed in now, or the code of the refusal.
    pub outcome: Result<Email, &'static str>,
}

/// How the result of one check changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckChange {
    /// It failed then and passes now.
    #[serde(rename = "mended")]
    Fixed,
    /// It passed then and fails now.
    Broken,
    /// It was not reached then, and fails now.
    NewlyFailed,
    /// It was not reached then, and passes now.
    NewlyPassed,
    /// It failed then and fails now.
    StillFailed,
    /// It passed then and passes now.
    StillPassed,
    /// It was not repeated: it can pass only once, or an earlier check fails now.
    #[serde(rename = "not_asked")]
    NotRepeated,
}

/// One check, then and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckComparison<'a> {
    /// The result then.
    pub then: Option<&'a Check>,
    /// The result now.
    pub now: Option<&'a Check>,
}

impl CheckComparison<'_> {
    /// How the result changed.
    pub fn change(&self) -> CheckChange {
        match (self.then.map(|check| check.passed), self.now.map(|check| check.passed)) {
            (Some(false), Some(true)) => CheckChange::Fixed,
            (Some(true), Some(false)) => CheckChange::Broken,
            (None, Some(false)) => CheckChange::NewlyFailed,
            (None, Some(true)) => CheckChange::NewlyPassed,
            (Some(false), Some(false)) => CheckChange::StillFailed,
            (Some(true), Some(true)) => CheckChange::StillPassed,
            (_, None) => CheckChange::NotRepeated,
        }
    }
}

impl Recheck {
    /// Every check that was made then or now, in the order of now; checks that were not repeated come last.
    pub fn comparisons(&self) -> Vec<CheckComparison<'_>> {
        let mut then: BTreeMap<&str, std::collections::VecDeque<&Check>> = BTreeMap::new();
        for check in &self.then {
            then.entry(&check.name).or_default().push_back(check);
        }
        let mut compared: Vec<CheckComparison<'_>> = self
            .now
            .iter()
            .map(|now| CheckComparison {
                then: then.get_mut(&*now.name).and_then(std::collections::VecDeque::pop_front),
                now: Some(now),
            })
            .collect();
        let left: Vec<&Check> = then.into_values().flatten().collect();
        let in_order = self.then.iter().filter(|check| left.iter().any(|left| std::ptr::eq(*left, *check)));
        compared.extend(in_order.map(|then| CheckComparison { then: Some(then), now: None }));
        compared
    }
}

/// Checks a response of the flow against its connection as it is now: the accepted response, else the last one
/// whose document is still stored. Changes nothing; that the response was read is recorded.
pub async fn recheck(state: &State, principal: &Principal, id: LoginFlowId) -> Result<Recheck> {
    let (flow, steps, target) = {
        let mut conn = state.db.read().await?;
        let flow = load(state, &mut conn, principal, id).await?;
        let connection_id = flow.connection_id.ok_or_else(|| Error::not_found("login flow", id))?;
        let connection_id = connection_id.saml().ok_or_else(|| {
            Error::FailedPrecondition(
                "only logins by SAML can be checked again: codes and ID tokens are not kept".into(),
            )
        })?;
        let steps = open_steps(state, &mut conn, id).await?;
        let target = login_connections::find_in_environment(&mut conn, flow.environment_id, connection_id)
            .await?
            .ok_or_else(|| {
                Error::FailedPrecondition("the login's connection is not there any more".into())
            })?;
        (flow, steps, target)
    };
    record_reading(state, principal, &flow, &steps).await?;
    let (step, xml) = response(steps).ok_or_else(|| {
        Error::FailedPrecondition("the login has no response, or it is not kept any more".into())
    })?;
    let (now, outcome) = login::recheck(state, &target, &flow, xml, step.at).await?;
    Ok(Recheck { received_at: step.at, then: step.checks, now, outcome: outcome.map_err(login::Error::code) })
}

/// The response to check again, with its step.
fn response(steps: Vec<FlowStep>) -> Option<(FlowStep, String)> {
    let mut kept: Vec<FlowStep> = steps
        .into_iter()
        .filter(|step| step.kind != StepKind::Requested && step.document.is_some())
        .collect();
    let at = kept.iter().rposition(|step| step.kind == StepKind::Accepted).or(kept.len().checked_sub(1))?;
    let mut step = kept.swap_remove(at);
    let xml = step.document.take()?;
    Some((step, xml))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::login;

    #[test]
    fn checks_are_compared_by_name_and_turn() {
        let (issuer, missing) = (login::Error::EmailMissing, login::Error::NoRedirectUrl);
        let recheck = Recheck {
            received_at: Timestamp::from_millis(0),
            then: vec![
                issuer.passed(None, None),
                issuer.failed(None, Some("second".into())),
                login::Error::AssertionReplayed.passed(None, None),
            ],
            now: vec![
                issuer.passed(None, None),
                issuer.passed(None, Some("second".into())),
                missing.failed(None, None),
            ],
            outcome: Err(missing.code()),
        };
        let changes: Vec<CheckChange> = recheck.comparisons().iter().map(CheckComparison::change).collect();
        assert_eq!(
            changes,
            [
                CheckChange::StillPassed,
                CheckChange::Fixed,
                CheckChange::NewlyFailed,
                CheckChange::NotRepeated
            ]
        );
    }
}
