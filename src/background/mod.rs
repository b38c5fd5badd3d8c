//! Background jobs. Those here are leased in the database, so that one replica at a time runs them, once a minute;
//! `webhooks` and `metadata_refresh` claim rows and run on every replica.

pub mod domain_ids;
pub mod metadata_refresh;
mod retention;
mod sqlite_space;
pub mod webhooks;

use std::time::Duration;

use crate::{
    app::{
        Error, Result, State, connections::saml::certificate_expiry, organizations::domains,
        support::login_counts,
    },
    store, telemetry,
};

pub use retention::{Retention, sweep};
pub use sqlite_space::give_back as give_back_sqlite_space;

/// How often the jobs run.
const INTERVAL: Duration = Duration::from_secs(60);
/// After which time another replica takes over the job of a replica that died.
const LEASE_DURATION: Duration = Duration::from_secs(5 * 60);

/// Runs the jobs until its task is dropped. `retention` says how long history is kept.
pub async fn run(state: State, retention: Retention) {
    let holder = format!("{:032x}", state.random.bits());
    loop {
        tokio::time::sleep(INTERVAL).await;
        if let Err(error) = run_jobs(&state, &holder, retention).await {
            report(&error);
        }
    }
}

fn report(error: &Error) {
    let cause = telemetry::error_chain(error);
    tracing::warn!(cause, "a background job failed; it is tried again in a minute");
}

/// Runs each job whose lease this replica gets.
async fn run_jobs(state: &State, holder: &str, retention: Retention) -> Result<()> {
    if acquire_lease(state, "retention", holder).await? {
        retention::sweep(state, retention).await?;
    }
    if acquire_lease(state, "certificate expiry", holder).await? {
        certificate_expiry::backfill(state).await?;
        certificate_expiry::warn(state).await?;
    }
    if acquire_lease(state, "domain ids", holder).await? {
        domain_ids::write(state).await?;
    }
    if state.db.dialect() == store::Dialect::Sqlite && acquire_lease(state, "SQLite space", holder).await? {
        sqlite_space::give_back(state).await?;
    }
    if acquire_lease(state, "domain checks", holder).await? {
        domains::check_due(state).await?;
    }
    // Every replica exports its own metrics.
    certificate_expiry::observe(state).await?;
    webhooks::observe_backlog(state).await?;
    if acquire_lease(state, "login counts", holder).await? {
        login_counts::count(state, retention.unfinished_logins).await?;
    }
    login_counts::observe_unfinished(state).await?;
    Ok(())
}

/// Acquires or renews the lease of a job. A lease expires by itself.
async fn acquire_lease(state: &State, job: &str, holder: &str) -> Result<bool> {
    let now = state.now();
    let mut transaction = state.db.write().await?;
    let held = store::leases::acquire(&mut transaction, job, holder, now, now + LEASE_DURATION).await?;
    transaction.commit().await?;
    Ok(held)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{config::Config, server};
    use base::{
        random::SystemRandom,
        time::{ManualClock, Timestamp},
    };

    #[test]
    fn a_failure_is_reported_with_its_cause() {
        #[derive(Clone, Default)]
        struct Log(Arc<std::sync::Mutex<Vec<u8>>>);
        impl std::io::Write for Log {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            report(&Error::internal(std::io::Error::other("the disk is full")));
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("something failed on our side: the disk is full"), "{text}");
    }

    #[tokio::test]
    async fn one_replica_at_a_time_holds_a_job() {
        let directory = tempfile::tempdir().unwrap();
        let config = Config {
            database_url: format!("sqlite://{}", directory.path().join("x.db").display()).parse().unwrap(),
            ..Config::default()
        };
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let state =
            server::open(&config, config.listen, clock.clone(), Arc::new(SystemRandom)).await.unwrap();
        assert!(acquire_lease(&state, "job", "a").await.unwrap());
        assert!(acquire_lease(&state, "job", "a").await.unwrap(), "the holder keeps it");
        assert!(!acquire_lease(&state, "job", "b").await.unwrap());
        assert!(acquire_lease(&state, "another", "b").await.unwrap());
        clock.advance(LEASE_DURATION + Duration::from_secs(1));
        assert!(acquire_lease(&state, "job", "b").await.unwrap(), "a lease ends by itself");
        assert!(!acquire_lease(&state, "job", "a").await.unwrap());
        let second = Duration::from_secs(1);
        let retention = Retention {
            logins: second,
            unfinished_logins: second,
            events: second,
            webhook_deliveries: second,
            scim_requests: second,
        };
        run_jobs(&state, "b", retention).await.unwrap();
    }
}
