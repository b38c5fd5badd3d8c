//! Deletes expired rows (seen assertions, stored documents, grants with their codes and tokens, retired keys, old logins), and
//! those of removed environments.

use std::time::Duration;

use base::time::Timestamp;

use crate::{
    app::{Error, Result, State, idempotency, panics::catch_panic, support::login_counts},
    store::{self, Transaction},
    telemetry,
};

/// The maximum number of batches per kind and run, so that requests get their turn at the database.
const MAX_BATCHES: usize = 50;

/// How long what has expired of a grant or a bearer token is kept, so that its late use is answered with "expired" and not "unknown".
const TOKEN_GRACE: Duration = Duration::from_secs(24 * 3600);

/// How long a session or an invitation is kept after its expiry.
const EXPIRED_SESSION_RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long an invitation to an organization is kept after it was accepted or taken back, or has expired.
const ENDED_INVITATION_RETENTION: Duration = Duration::from_secs(90 * 24 * 3600);

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
    /// Whom logins were of.
    pub personal_data: Duration,
    /// Unfinished logins.
    pub unfinished_logins: Duration,
    /// Events.
    pub events: Duration,
    /// Webhook deliveries.
    pub webhook_deliveries: Duration,
    /// The log of SCIM requests.
    pub scim_requests: Duration,
}

/// The sweeps that failed. One that fails or panics does not keep the others from running.
#[derive(Debug, Default)]
struct Failures(Vec<String>);

/// Some sweeps failed, with what each said.
#[derive(Debug, thiserror::Error)]
#[error("could not be deleted: {}", .0.join("; "))]
struct SweepsFailed(Vec<String>);

impl Failures {
    /// Runs one sweep. Returns its result, if it has one.
    async fn watch<T>(&mut self, what: &str, sweep: impl Future<Output = Result<T>>) -> Option<T> {
        let failure = match catch_panic(sweep).await {
            Ok(Ok(result)) => return Some(result),
            Ok(Err(error)) => telemetry::error_chain(&error),
            Err(panic) => panic.to_string(),
        };
        self.0.push(format!("{what}: {failure}"));
        None
    }

    fn into_result(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::internal(SweepsFailed(self.0))) }
    }
}

/// Repeats one statement, one transaction per batch, until it deletes nothing more. Returns whether it came so far.
macro_rules! sweep {
    ($failures:ident, $state:ident, $what:literal, |$transaction:ident| $statement:expr) => {{
        let batches = async {
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
            Ok(finished)
        };
        $failures.watch($what, batches).await.unwrap_or(false)
    }};
}

/// Deletes everything that has expired by this replica's clock and by the database's.
pub async fn sweep(state: &State, retention: Retention) -> Result<()> {
    let now = {
        let mut conn = state.db.read().await?;
        store::clock::earliest(&mut conn, state.now()).await?
    };
    let mut failures = Failures::default();
    sweep!(failures, state, "assertions seen", |tx| store::saml_assertions_seen::remove_expired(tx, now));
    sweep!(failures, state, "stored documents", |tx| store::login_flow_steps::remove_expired_documents(
        tx, now
    ));
    sweep!(failures, state, "grants", |tx| store::authorization_grants::remove_expired(
        tx,
        now - TOKEN_GRACE
    ));
    sweep!(failures, state, "authorization requests", |tx| store::authorization_requests::remove_expired(
        tx, now
    ));
    sweep!(failures, state, "refresh tokens", |tx| store::account_grants::remove_expired_refresh_tokens(
        tx,
        now - TOKEN_GRACE
    ));
    sweep!(failures, state, "unread secrets", |tx| store::issued_secrets::remove_expired(tx, now));
    sweep!(failures, state, "signed access tokens", |tx| store::signed_access_tokens::remove_expired(
        tx,
        now - TOKEN_GRACE
    ));
    sweep!(failures, state, "logins", |tx| store::login_flows::remove_old(tx, now - retention.logins));
    sweep!(failures, state, "personal data of logins", |tx| store::login_flow_people::remove(
        tx,
        now - retention.personal_data
    ));
    sweep!(failures, state, "federated identities", |tx| store::federated_identities::remove_old(
        tx,
        now - retention.logins
    ));
    sweep!(failures, state, "unfinished logins", |tx| store::login_flows::remove_unfinished(
        tx,
        now - retention.unfinished_logins
    ));
    sweep!(failures, state, "bearer tokens", |tx| store::scim_directories::remove_expired_tokens(
        tx,
        now - TOKEN_GRACE
    ));
    sweep!(failures, state, "events", |tx| store::events::remove_old(tx, now - retention.events));
    sweep!(failures, state, "webhook deliveries", |tx| store::webhook_deliveries::remove_old(
        tx,
        now - retention.webhook_deliveries
    ));
    sweep!(failures, state, "SCIM requests", |tx| store::scim_requests::remove_old(
        tx,
        now - retention.scim_requests
    ));
    let ended = now - EXPIRED_SESSION_RETENTION;
    sweep!(failures, state, "sessions", |tx| store::sessions::remove_expired(tx, ended));
    sweep!(failures, state, "invitations", |tx| store::invitations::remove_expired(tx, ended));
    sweep!(failures, state, "invitations of guests", |tx| store::guest_invitations::remove_expired(
        tx, ended
    ));
    let ended = now - ENDED_INVITATION_RETENTION;
    sweep!(
        failures,
        state,
        "invitations to organizations",
        |tx| store::organization_invitations::remove_old(tx, ended)
    );
    sweep!(failures, state, "sign-in challenges", |tx| store::authentication_challenges::remove_expired(
        tx, now
    ));
    sweep!(failures, state, "one-time codes", |tx| store::one_time_codes::remove_expired(tx, now));
    sweep!(failures, state, "letters", |tx| store::letters::remove_old(tx, now - retention.personal_data));
    sweep!(failures, state, "passkey challenges", |tx| store::passkey_challenges::remove_expired(tx, now));
    sweep!(failures, state, "login counts", |tx| store::login_counts::remove_old(
        tx,
        now - login_counts::WINDOW
    ));
    sweep!(failures, state, "idempotency keys", |tx| store::idempotency_keys::remove_old(
        tx,
        now - idempotency::RETENTION
    ));
    sweep!(failures, state, "users of removed pools and organizations", |tx| {
        store::deleted_users::remove_old(tx, now - REMOVED_RETENTION)
    });
    sweep!(failures, state, "removed organizations and directories", |tx| {
        store::deleted_organizations::remove_old(tx, now - REMOVED_RETENTION)
    });
    sweep!(failures, state, "signing keys", |tx| store::signing_keys::remove_retired(tx, now));
    sweep_removed_environments(state, now, &mut failures).await;
    failures.into_result()
}

/// Deletes what removed environments left behind.
async fn sweep_removed_environments(state: &State, now: Timestamp, failures: &mut Failures) {
    let listed = async {
        let mut conn = state.db.read().await?;
        Ok(store::removed_environments::list(&mut conn, MAX_REMOVED_ENVIRONMENTS).await?)
    };
    for id in failures.watch("removed environments", listed).await.unwrap_or_default() {
        if sweep!(failures, state, "rows of a removed environment", |tx| {
            store::removed_environments::remove_rows(tx, id)
        }) {
            let done = async {
                let mut tx = state.db.write().await?;
                store::removed_environments::remove(&mut tx, id, now - REMOVAL_GRACE).await?;
                Ok(tx.commit().await?)
            };
            failures.watch("a removed environment", done).await;
        }
    }
}
