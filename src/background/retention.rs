//! Deletes expired rows (seen assertions, stored documents, grants with their codes and tokens, retired keys, old logins), and
//! those of removed environments.

use std::time::Duration;

use base::time::Timestamp;

use crate::{
    app::{Result, State, idempotency, support::login_counts},
    store::{self, Transaction},
};

/// The maximum number of batches per kind and run, so that requests get their turn at the database.
const MAX_BATCHES: usize = 50;

/// How long what has expired of a grant or a bearer token is kept, so that its late use is answered with "expired" and not "unknown".
const TOKEN_GRACE: Duration = Duration::from_secs(24 * 3600);

/// How long a session or an invitation is kept after its expiry.
const EXPIRED_SESSION_RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// For how long after its removal an environment is looked at again: what was under way may still write.
const REMOVAL_GRACE: Duration = Duration::from_secs(24 * 3600);

/// How many removed environments one run looks at.
const MAX_REMOVED_ENVIRONMENTS: i64 = 1000;

/// How long what is left of a removed organization or directory is kept.
const REMOVED_RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long history is kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Logins with their timelines, and how identity providers name people who did not sign in since.
    pub logins: Duration,
    /// Unfinished logins.
    pub unfinished_logins: Duration,
    /// Events.
    pub events: Duration,
    /// Webhook deliveries.
    pub webhook_deliveries: Duration,
    /// The log of SCIM requests.
    pub scim_requests: Duration,
}

/// Repeats one statement, one transaction per batch, until it deletes nothing more. Returns whether it came so far.
macro_rules! sweep {
    ($state:ident, $what:literal, |$transaction:ident| $statement:expr) => {{
        let mut total = 0;
        let mut finished = false;
        for _ in 0..MAX_BATCHES {
            let mut transaction = $state.db.write().await?;
            let $transaction: &mut Transaction = &mut transaction;
            let gone = $statement.await?;
            transaction.commit().await?;
            total += gone;
            if gone == 0 {
                finished = true;
                break;
            }
        }
        if total > 0 {
            tracing::info!(total, concat!("deleted expired ", $what));
        }
        finished
    }};
}

/// Deletes everything that has expired by this replica's clock and by the database's.
pub async fn sweep(state: &State, retention: Retention) -> Result<()> {
    let now = {
        let mut conn = state.db.read().await?;
        store::clock::earliest(&mut conn, state.now()).await?
    };
    sweep!(state, "assertions seen", |tx| store::saml_assertions_seen::remove_expired(tx, now));
    sweep!(state, "stored documents", |tx| store::login_flow_steps::remove_expired_documents(tx, now));
    sweep!(state, "grants", |tx| store::authorization_grants::remove_expired(tx, now - TOKEN_GRACE));
    sweep!(state, "logins", |tx| store::login_flows::remove_old(tx, now - retention.logins));
    sweep!(state, "federated identities", |tx| store::federated_identities::remove_old(
        tx,
        now - retention.logins
    ));
    sweep!(state, "unfinished logins", |tx| store::login_flows::remove_unfinished(
        tx,
        now - retention.unfinished_logins
    ));
    sweep!(state, "bearer tokens", |tx| store::scim_directories::remove_expired_tokens(
        tx,
        now - TOKEN_GRACE
    ));
    sweep!(state, "events", |tx| store::events::remove_old(tx, now - retention.events));
    sweep!(state, "webhook deliveries", |tx| store::webhook_deliveries::remove_old(
        tx,
        now - retention.webhook_deliveries
    ));
    sweep!(state, "SCIM requests", |tx| store::scim_requests::remove_old(tx, now - retention.scim_requests));
    let ended = now - EXPIRED_SESSION_RETENTION;
    sweep!(state, "sessions", |tx| store::sessions::remove_expired(tx, ended));
    sweep!(state, "invitations", |tx| store::invitations::remove_expired(tx, ended));
    sweep!(state, "sign-in challenges", |tx| store::authentication_challenges::remove_expired(tx, now));
    sweep!(state, "login counts", |tx| store::login_counts::remove_old(tx, now - login_counts::WINDOW));
    sweep!(state, "idempotency keys", |tx| store::idempotency_keys::remove_old(
        tx,
        now - idempotency::RETENTION
    ));
    sweep!(state, "removed organizations and directories", |tx| store::deleted_organizations::remove_old(
        tx,
        now - REMOVED_RETENTION
    ));
    sweep!(state, "signing keys", |tx| store::signing_keys::remove_retired(tx, now));
    sweep_removed_environments(state, now).await
}

/// Deletes what removed environments left behind.
async fn sweep_removed_environments(state: &State, now: Timestamp) -> Result<()> {
    let removed =
        store::removed_environments::list(&mut state.db.read().await?, MAX_REMOVED_ENVIRONMENTS).await?;
    for id in removed {
        if sweep!(state, "rows of a removed environment", |tx| store::removed_environments::remove_rows(
            tx, id
        )) {
            let mut tx = state.db.write().await?;
            store::removed_environments::remove(&mut tx, id, now - REMOVAL_GRACE).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}
