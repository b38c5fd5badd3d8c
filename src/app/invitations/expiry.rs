//! Invitations that nobody accepted in time.

use model::{event::EventKind, organization_invitation::OrganizationInvitation};

use super::record::{Happened, record};
use crate::{
    app::{Result, State, principal::Principal},
    store::{Transaction, organization_invitations},
};

/// How many are closed in one transaction, and in one run.
const BATCH: i64 = 100;
const MAX_BATCHES: usize = 50;

/// Closes the open invitations that have expired by the clock, and records each: a job. They counted as expired before.
pub async fn close_overdue(state: &State) -> Result<usize> {
    let mut total = 0;
    for _ in 0..MAX_BATCHES {
        let overdue = {
            let mut conn = state.db.read().await?;
            organization_invitations::list_overdue(&mut conn, state.now(), BATCH).await?
        };
        if overdue.is_empty() {
            break;
        }
        total += overdue.len();
        // Events are counted by environment: one transaction for each.
        let mut rest = overdue.as_slice();
        while let Some(first) = rest.first() {
            let end = rest.iter().take_while(|other| other.environment_id == first.environment_id).count();
            let (some, others) = rest.split_at(end);
            let mut tx = state.db.write().await?;
            close(&mut tx, state, some).await?;
            tx.commit().await?;
            rest = others;
        }
    }
    Ok(total)
}

/// Closes those of these invitations of one environment that have expired, within the caller's transaction.
pub(super) async fn close(
    tx: &mut Transaction,
    state: &State,
    overdue: &[OrganizationInvitation],
) -> Result<()> {
    let Some(environment_id) = overdue.first().map(|invitation| invitation.environment_id) else {
        return Ok(());
    };
    let mut closed = Vec::new();
    for invitation in overdue {
        if organization_invitations::close_expired(tx, invitation.id, state.now()).await? {
            closed.push(Happened::new(EventKind::InvitationExpired, invitation));
        }
    }
    record(tx, state, &Principal::service(environment_id), &closed).await
}
