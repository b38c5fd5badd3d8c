//! The overview of an environment: logins over time, failing connections, expiring certificates, and directories
//! without requests. Every part reads a bounded number of rows, however large the environment is.

use std::time::Duration;

use base::{id::OrganizationId, time::Timestamp};
use model::{
    domain::Domain,
    login_flow::{FlowOrigin, FlowStatus, LoginFlow},
    organization::Organization,
};

use super::login_counts::hour_of;
use crate::{
    app::{
        Error, Result, State,
        permissions::Action,
        principal::{On, Principal},
    },
    store::{
        self, Conn, certificate_expiries,
        login_counts::{self, FailingConnection, FailingOrganization, HOUR, HourlyOutcomes},
        login_flow_search, organizations,
        scim_directories::IdleDirectory,
        table,
    },
};

pub use crate::store::{certificate_expiries::ExpiringCertificate, login_counts::Outcomes};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The maximum number of entries of each list.
const MAX_SHOWN: i64 = 8;

/// How far back failing connections are searched.
const FAILING_WINDOW: Duration = Duration::from_secs(14 * 24 * 3600);

/// After how long without requests a directory is listed: identity providers synchronise at least once a day.
const IDLE_AFTER: Duration = Duration::from_secs(24 * 3600);

/// How long before its expiry a certificate is listed.
const EXPIRY_WINDOW: Duration = Duration::from_secs(60 * 24 * 3600);

/// The period of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Period {
    /// 24 hours, hour by hour.
    #[default]
    Day,
    /// 14 days, day by day in UTC.
    TwoWeeks,
}

impl Period {
    /// Parses the query parameter: `14d`; anything else is the last 24 hours.
    pub fn parse(text: &str) -> Self {
        if text == "14d" { Self::TwoWeeks } else { Self::Day }
    }

    /// The length of one bar.
    pub fn bar(self) -> Duration {
        match self {
            Self::Day => HOUR,
            Self::TwoWeeks => DAY,
        }
    }

    /// The beginnings of the bars up to now, the oldest first.
    fn bars(self, now: Timestamp) -> Vec<Timestamp> {
        let bar = i64::try_from(self.bar().as_millis()).unwrap_or(i64::MAX);
        let last = Timestamp::from_millis(now.millis().div_euclid(bar) * bar);
        let count = match self {
            Self::Day => 24,
            Self::TwoWeeks => 14,
        };
        (0..count).rev().map(|back| last - self.bar() * back).collect()
    }
}

/// One bar of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// When it begins.
    pub from: Timestamp,
    /// The outcomes of the logins that began in it.
    pub outcomes: Outcomes,
}

/// A connection with refused logins, and the latest of them.
#[derive(Debug)]
pub struct FailingConnectionView {
    /// The connection.
    pub connection: FailingConnection,
    /// Its last refused login, if it is still kept.
    pub flow: Option<LoginFlow>,
}

/// A domain that counts as proved although its DNS record is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainWithoutRecord {
    /// Its organization.
    pub organization_id: OrganizationId,
    /// The organization's name.
    pub organization_name: String,
    /// The domain.
    pub domain: Domain,
    /// Until when it counts.
    pub counts_until: Timestamp,
}

/// The next setup step before the first login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// There is no organization.
    Organization,
    /// There is one, and there was no login.
    FirstLogin(OrganizationId),
}

/// The overview of an environment.
#[derive(Debug)]
pub struct Overview {
    /// The time it was made.
    pub now: Timestamp,
    /// The period of the bars.
    pub span: Period,
    /// Logins over time, the oldest first.
    pub bars: Vec<Bar>,
    /// The organizations with the most refused logins in the last 24 hours.
    pub organizations: Vec<FailingOrganization>,
    /// Connections without a successful login since their last refused one.
    pub connections: Vec<FailingConnectionView>,
    /// Connections whose last certificate expires soon, in order of expiry.
    pub certificates: Vec<ExpiringCertificate>,
    /// Domains that DNS proved and whose record is gone, in the order in which they stop counting.
    pub domains: Vec<DomainWithoutRecord>,
    /// Directories that receive no requests any more.
    pub directories: Vec<IdleDirectory>,
    /// The next setup step, before the first login.
    pub next: Option<NextStep>,
}

/// The overview of the principal's environment.
pub async fn load(state: &State, principal: &Principal, span: Period) -> Result<Overview> {
    let environment = principal.authorize(Action::LoginFlowsView, On::Environment)?;
    let now = state.now();
    let mut conn = state.db.read().await?;
    let begins = span.bars(now);
    let since = begins.first().copied().unwrap_or(now);
    let bars = bars(&begins, &login_counts::list_hours(&mut conn, environment, since).await?);
    let since = hour_of(now) - HOUR * 23;
    let organizations =
        login_counts::list_failing_organizations(&mut conn, environment, since, MAX_SHOWN).await?;
    let mut connections = Vec::new();
    for connection in
        login_counts::list_failing_connections(&mut conn, environment, now - FAILING_WINDOW, MAX_SHOWN)
            .await?
    {
        let flow = last_refused(&mut conn, principal, &connection).await?;
        connections.push(FailingConnectionView { connection, flow });
    }
    let certificates =
        certificate_expiries::list_expiring(&mut conn, environment, now + EXPIRY_WINDOW, MAX_SHOWN).await?;
    let domains = store::domain_rechecks::list_lost(&mut conn, environment, MAX_SHOWN)
        .await?
        .into_iter()
        .map(|lost| DomainWithoutRecord {
            organization_id: lost.organization_id,
            organization_name: lost.organization_name,
            domain: lost.domain,
            counts_until: lost.record_lost_at + state.settings.lost_record_grace,
        })
        .collect();
    let directories =
        store::scim_directories::list_idle(&mut conn, environment, now - IDLE_AFTER, MAX_SHOWN).await?;
    let next = match bars.iter().all(|bar| bar.outcomes == Outcomes::default()) {
        true => next_step(&mut conn, principal).await?,
        false => None,
    };
    Ok(Overview { now, span, bars, organizations, connections, certificates, domains, directories, next })
}

/// The logins of one organization over time.
pub async fn of_organization(
    state: &State,
    principal: &Principal,
    organization: OrganizationId,
    span: Period,
) -> Result<Vec<Bar>> {
    let environment = principal.authorize(Action::LoginFlowsView, On::Organization(organization))?;
    let mut conn = state.db.read().await?;
    let found = table::find::<Organization>(&mut conn, environment, organization).await?;
    found.ok_or_else(|| Error::not_found("organization", organization))?;
    let begins = span.bars(state.now());
    let since = begins.first().copied().unwrap_or_else(|| state.now());
    let hours = login_counts::list_hours_of_organization(&mut conn, organization, since).await?;
    Ok(bars(&begins, &hours))
}

/// Sums hours into bars.
fn bars(begins: &[Timestamp], hours: &[HourlyOutcomes]) -> Vec<Bar> {
    let mut bars: Vec<Bar> =
        begins.iter().map(|from| Bar { from: *from, outcomes: Outcomes::default() }).collect();
    for hour in hours {
        if let Some(bar) = bars.iter_mut().rev().find(|bar| bar.from <= hour.hour) {
            bar.outcomes = bar.outcomes.plus(hour.outcomes);
        }
    }
    bars
}

async fn last_refused(
    conn: &mut Conn,
    principal: &Principal,
    connection: &FailingConnection,
) -> Result<Option<LoginFlow>> {
    let wanted = login_flow_search::FlowFilter {
        environment_id: principal.authorize(Action::LoginFlowsView, On::Environment)?,
        organization_id: Some(connection.organization_id),
        connection_id: Some(connection.connection_id),
        user_id: None,
        protocol: None,
        email_key: None,
        status: Some(FlowStatus::Failed),
        refusal: None,
        since: None,
        until: None,
        from: None,
        limit: 10,
    };
    let found = login_flow_search::search(conn, &wanted).await?;
    Ok(found.flows.into_iter().find(|flow| flow.origin != FlowOrigin::Detached && !flow.origin.is_test()))
}

async fn next_step(conn: &mut Conn, principal: &Principal) -> Result<Option<NextStep>> {
    let environment = principal.authorize(Action::LoginFlowsView, On::Environment)?;
    let any = login_flow_search::FlowFilter {
        environment_id: environment,
        organization_id: None,
        connection_id: None,
        user_id: None,
        protocol: None,
        email_key: None,
        status: None,
        refusal: None,
        since: None,
        until: None,
        from: None,
        limit: 1,
    };
    if !login_flow_search::search(conn, &any).await?.flows.is_empty() {
        return Ok(None);
    }
    let first = organizations::list(conn, environment, None, 1).await?;
    Ok(Some(first.first().map_or(NextStep::Organization, |first| NextStep::FirstLogin(first.id))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_end_with_the_one_that_is_now() {
        let now = Timestamp::parse_rfc3339("2026-11-22T01:02:03Z").unwrap();
        let day = Period::Day.bars(now);
        assert_eq!((day.len(), day[23].to_string().as_str()), (24, "2026-11-22T01:00:00.000Z"));
        assert_eq!(day[0].to_string(), "2026-11-21T02:00:00.000Z");
        let fortnight = Period::TwoWeeks.bars(now);
        assert_eq!((fortnight.len(), fortnight[13].to_string().as_str()), (14, "2026-11-22T00:00:00.000Z"));
    }

    #[test]
    fn hours_add_up_to_days() {
        let now = Timestamp::parse_rfc3339("2026-11-22T01:02:03Z").unwrap();
        let hour = |text: &str, failed| HourlyOutcomes {
            hour: Timestamp::parse_rfc3339(text).unwrap(),
            outcomes: Outcomes { failed, succeeded: 1, ..Outcomes::default() },
        };
        let hours = [
            hour("2026-11-21T00:00:00Z", 1),
            hour("2026-11-21T23:00:00Z", 2),
            hour("2026-11-22T00:00:00Z", 4),
        ];
        let bars = bars(&Period::TwoWeeks.bars(now), &hours);
        assert_eq!((bars[12].outcomes.failed, bars[12].outcomes.succeeded), (3, 2));
        assert_eq!(bars[13].outcomes.failed, 4);
        assert_eq!(bars[0].outcomes, Outcomes::default());
    }
}
