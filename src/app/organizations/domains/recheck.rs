//! Looks again at domains that DNS verified, and ends challenges that are over: those that are due, a bounded number at a time.

use std::{sync::Arc, time::Duration};

use model::organization_domain::CheckFailure;
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    sharing,
    verification::{Occasion, RecordLookup, look_up, record_expired, record_failure, record_verified},
};
use crate::{
    app::{Error, Result, State, principal::Principal},
    store::{
        self, Transaction,
        domain_rechecks::{self, DueDomain},
    },
    telemetry,
};

/// How many domains one run looks at.
const MAX_DOMAINS_PER_RUN: i64 = 60;

/// How many of them at a time.
const MAX_CONCURRENT: usize = 8;

/// How long no other run takes a domain that this one looks at.
const CLAIM: Duration = Duration::from_secs(10 * 60);

/// Queries DNS about up to 60 domains that are due, and records what it says. Returns how many. Safe on several replicas
/// at a time: each takes a domain in the database first.
pub async fn check_due(state: &State) -> Result<usize> {
    let claimed = claim(state).await?;
    let count = claimed.len();
    let room = Arc::new(Semaphore::new(MAX_CONCURRENT));
    let mut checks = JoinSet::new();
    for due in claimed {
        let (state, room) = (state.clone(), Arc::clone(&room));
        checks.spawn(async move {
            let _turn = room.acquire_owned().await;
            if let Err(error) = check(&state, &due).await {
                let cause = telemetry::error_chain(&error);
                tracing::warn!(cause, organization = %due.organization_id, "a domain could not be looked at again");
            }
        });
    }
    while checks.join_next().await.is_some() {}
    Ok(count)
}

/// Takes the domains that are due, in one transaction.
async fn claim(state: &State) -> Result<Vec<DueDomain>> {
    let now = state.now();
    let due = {
        let mut conn = state.db.read().await?;
        domain_rechecks::list_due(&mut conn, now, MAX_DOMAINS_PER_RUN).await?
    };
    if due.is_empty() {
        return Ok(due);
    }
    let mut tx: Transaction = state.db.write().await?;
    let mut claimed = Vec::new();
    for domain in due {
        if domain_rechecks::claim_due(&mut tx, &domain, now + CLAIM).await? {
            claimed.push(domain);
        }
    }
    tx.commit().await?;
    Ok(claimed)
}

async fn check(state: &State, due: &DueDomain) -> Result<()> {
    let listed = {
        let mut conn = state.db.read().await?;
        match store::organization_domains::find(&mut conn, due.organization_id, &due.domain).await? {
            Some(listed) => listed,
            None => return Ok(()), // it was removed in the meantime
        }
    };
    let principal = Principal::service(due.environment_id);
    if listed.verified_at.is_none() {
        // DNS has never proved it: what is due is the end of its challenge.
        return match record_expired(state, &principal, &listed).await {
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        };
    }
    let lookup = look_up(state, &listed).await;
    let outcome = match lookup {
        RecordLookup::Present => record_verified(state, &principal, &listed).await,
        failure => record_failure(state, &principal, &listed, &failure, Occasion::Daily).await,
    };
    match outcome {
        Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
        Err(Error::Conflict { .. }) => {
            let message = sharing::TAKEN_MESSAGE.to_owned();
            let taken = RecordLookup::Unknown(CheckFailure::DomainVerifiedElsewhere, message);
            record_failure(state, &principal, &listed, &taken, Occasion::Daily).await.map(drop)
        }
        Err(error) => Err(error),
    }
}
