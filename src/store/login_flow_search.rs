//! Search for logins. Every call reads a bounded number of rows: it walks the best index from the newest entry
//! on, and stops after [`MAX_SCANNED`] entries.

use base::{
    connection_id::ConnectionId,
    id::{EnvironmentId, Id, LoginFlowId, OrganizationId, UserId},
    time::Timestamp,
};
use model::login_flow::{FlowStatus, LoginFlow, LoginProtocol};

use super::{
    Conn, Result, Sql,
    login_flows::{read, select},
};

/// How many index entries one call reads.
pub const MAX_SCANNED: i64 = 10_000;

/// A filter for logins. Conditions that are `None` do not apply.
#[derive(Debug, Clone)]
pub struct FlowFilter<'a> {
    /// In this environment.
    pub environment_id: EnvironmentId,
    /// Of this organization.
    pub organization_id: Option<OrganizationId>,
    /// Through this connection.
    pub connection_id: Option<ConnectionId>,
    /// Of this account.
    pub user_id: Option<UserId>,
    /// By this protocol.
    pub protocol: Option<LoginProtocol>,
    /// Of the person with this address, also where a refused response named it
    /// ([`model::email::Email::key`]).
    pub email_key: Option<&'a str>,
    /// With this status.
    pub status: Option<FlowStatus>,
    /// With this code as their last refusal.
    pub refusal: Option<&'a str>,
    /// Started at this time or later.
    pub since: Option<Timestamp>,
    /// Started before this time.
    pub until: Option<Timestamp>,
    /// From this one on, towards older ones.
    pub from: Option<LoginFlowId>,
    /// The maximum number of logins.
    pub limit: i64,
}

/// One page of results.
#[derive(Debug)]
pub struct FlowPage {
    /// The logins, newest first.
    pub flows: Vec<LoginFlow>,
    /// Where the next call must continue, if this one stopped before it had read all entries.
    pub next: Option<LoginFlowId>,
}

/// A condition on an expression for which there is no index, so that both databases use the intended index.
macro_rules! unindexed {
    ($column:literal) => {
        concat!(" AND ", $column, " || '' = ")
    };
}

/// The logins that match, newest first.
pub async fn search(conn: &mut Conn, wanted: &FlowFilter<'_>) -> Result<FlowPage> {
    let before = wanted.until.map(|until| LoginFlowId::lower_bound_at(until).bits().saturating_sub(1));
    let newest = [wanted.from.map(Id::bits), before].into_iter().flatten().min().unwrap_or(u128::MAX);
    let oldest = wanted.since.map_or(0, |since| LoginFlowId::lower_bound_at(since).bits());
    if newest < oldest {
        return Ok(FlowPage { flows: Vec::new(), next: None });
    }
    let (indexed, residual) = wanted.conditions();
    let range = |oldest: u128| {
        let (newest, oldest) = (LoginFlowId::from_bits(newest), LoginFlowId::from_bits(oldest));
        let range = indexed.clone().push(" AND id <= ").value(newest.to_string());
        range.push(" AND id >= ").value(oldest.to_string())
    };
    let next = match residual {
        None => None,
        Some(_) => {
            let text = Sql::from("SELECT id FROM login_flows WHERE ").append(range(oldest));
            let text = text.push(" ORDER BY id DESC LIMIT 1 OFFSET ").value(MAX_SCANNED);
            conn.dynamic(text).optional::<(LoginFlowId,)>().await?.map(|(id,)| id)
        }
    };
    // The entry at which the next call starts is not part of this page.
    let oldest = next.map_or(oldest, |next| next.bits().saturating_add(1));
    let text = Sql::from(select("WHERE ")).append(range(oldest)).append(residual.unwrap_or_default());
    let text = text.push(" ORDER BY id DESC LIMIT ").value(wanted.limit);
    let flows = conn.dynamic(text).rows().await?.iter().map(read).collect::<Result<_>>()?;
    Ok(FlowPage { flows, next })
}

impl FlowFilter<'_> {
    /// The conditions that an index answers, and the residual conditions that are checked on each row.
    fn conditions(&self) -> (Sql, Option<Sql>) {
        let environment = || Sql::from("environment_id = ").value(self.environment_id.to_string());
        let failed = self.status == Some(FlowStatus::Failed);
        let mut residual = Sql::default();
        let mut has_residual = false;
        let mut unindexed = |condition: &'static str, value: String| {
            residual = std::mem::take(&mut residual).push(condition).value(value);
            has_residual = true;
        };
        let by_user = self.user_id.is_some();
        let by_email = !by_user && self.email_key.is_some();
        let by_person = by_user || by_email;
        let by_organization = !by_person && self.organization_id.is_some();
        let by_refusal = !by_person && !by_organization && self.refusal.is_some();
        let mut indexed = match (self.user_id, self.email_key, self.organization_id, self.refusal) {
            (Some(user), ..) => Sql::from("user_id = ").value(user.to_string()),
            (None, Some(email), ..) => Sql::from("email_key = ").value(email),
            (None, None, Some(organization), _) => {
                Sql::from("organization_id = ").value(organization.to_string())
            }
            (None, None, None, Some(refusal)) => environment().push(" AND refusal = ").value(refusal),
            (None, None, None, None) => environment(),
        };
        if by_person || by_organization {
            unindexed(unindexed!("environment_id"), self.environment_id.to_string());
        }
        if let Some(email) = self.email_key.filter(|_| !by_email) {
            unindexed(unindexed!("email_key"), email.to_owned());
        }
        if let Some(organization) = self.organization_id.filter(|_| !by_organization) {
            unindexed(unindexed!("organization_id"), organization.to_string());
        }
        if let Some(connection) = self.connection_id {
            unindexed(unindexed!("connection_id"), connection.to_string());
        }
        if let Some(protocol) = self.protocol {
            unindexed(unindexed!("protocol"), protocol.as_str().to_owned());
        }
        if let Some(refusal) = self.refusal.filter(|_| !by_refusal) {
            unindexed(unindexed!("refusal"), refusal.to_owned());
        }
        match self.status {
            // The indexes of failed logins are partial.
            Some(_) if failed && !by_person && !by_refusal => {
                indexed = indexed.push(" AND status = 'failed'")
            }
            Some(status) => unindexed(unindexed!("status"), status.as_str().to_owned()),
            None => {}
        }
        (indexed, has_residual.then_some(residual))
    }
}
