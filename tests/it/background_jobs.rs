//! Background jobs: one that fails or panics stops no other, their state is told, and another replica goes on with what one
//! was killed in or gives back.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use base::time::Timestamp;
use ostiary::{
    app::{Error, State, lease},
    background::{self, Job, Retention},
    store::{
        PoolShare,
        background_jobs::{self, BackgroundJob},
    },
    telemetry,
};
use serde_json::Value;

use crate::{
    both,
    support::{TestApp, eventually},
};

const DAY: Duration = Duration::from_secs(24 * 3600);
const OFTEN: Duration = Duration::from_millis(20);

/// How often something ran.
#[derive(Clone, Default)]
struct Runs(Arc<AtomicU32>);

impl Runs {
    fn add(&self) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn count(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }

    async fn reach(&self, count: u32) {
        eventually("the runs of a job", async || (self.count() >= count).then_some(())).await;
    }
}

/// A job that counts its runs and then works until it is let go of.
fn endless(name: &'static str, runs: &Runs) -> Job {
    let runs = runs.clone();
    Job::on_one_replica(name, OFTEN, move |_| {
        runs.add();
        std::future::pending()
    })
}

fn failure() -> Error {
    Error::internal(std::io::Error::other("the disk is full"))
}

async fn stored(state: &State, name: &str) -> Option<BackgroundJob> {
    background_jobs::find(&mut state.db.read().await.unwrap(), name).await.unwrap()
}

/// Claims a job as a process that is killed afterwards.
async fn claim(state: &State, name: &str, holder: &str, now: Timestamp) -> bool {
    let mut tx = state.db.write().await.unwrap();
    let (times, latest) = ((now, now + lease::DURATION), now + DAY);
    let claimed = background_jobs::claim(&mut tx, (name, 60_000), holder, times, latest).await.unwrap();
    tx.commit().await.unwrap();
    claimed
}

fn retention() -> Retention {
    Retention {
        logins: DAY,
        personal_data: DAY,
        unfinished_logins: DAY,
        events: DAY,
        webhook_deliveries: DAY,
        scim_requests: DAY,
    }
}

async fn count(app: &TestApp, statement: &'static str) -> i64 {
    let (count,): (i64,) = app.state.db.read().await.unwrap().sql(statement).one().await.unwrap();
    count
}

async fn change(app: &TestApp, statement: &'static str) {
    let mut tx = app.state.db.write().await.unwrap();
    tx.sql(statement).execute().await.unwrap();
    tx.commit().await.unwrap();
}

async fn doctor(app: &TestApp) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ostiary"));
    command.args(["doctor", "--offline", "--json"]).env_clear();
    command.env("OSTIARY_DATABASE_URL", &app.database.url).env("OSTIARY_MASTER_KEY", "07".repeat(32));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let about = findings.iter().filter(|finding| finding["subject"] == "background jobs");
    about.map(Value::to_string).collect::<Vec<_>>().join("\n")
}

both! {
    async fn a_job_that_fails_and_one_that_panics_stop_no_other(app: TestApp) {
        let (fails, panics, works, leased) = (Runs::default(), Runs::default(), Runs::default(), Runs::default());
        let (failing, panicking, working, on_one) = (fails.clone(), panics.clone(), works.clone(), leased.clone());
        let jobs = vec![
            Job::on_one_replica("test_fails", OFTEN, move |_| { failing.add(); async { Err(failure()) } }),
            Job::on_every_replica("test_panics", OFTEN, move |_| {
                panicking.add();
                async { panic!("quotes a secret") }
            }),
            Job::on_every_replica("test_works", OFTEN, move |_| { working.add(); async { Ok(()) } }),
            Job::on_one_replica("test_leased", OFTEN, move |_| { on_one.add(); async { Ok(()) } }),
        ];
        background::start(&app.state.with_share(PoolShare::Jobs), jobs);
        // A pause is a second at least, by the clock of the replicas where the job has a lease.
        for round in 1..=2 {
            for runs in [&fails, &panics, &leased] {
                runs.reach(round).await;
            }
            app.advance(Duration::from_secs(2));
        }
        works.reach(20).await;

        let failed = eventually("the second failure", async || {
            stored(&app.state, "test_fails").await.filter(|job| job.failures >= 2)
        }).await;
        assert!(failed.last_error.unwrap().ends_with("the disk is full"));
        assert_eq!(failed.last_succeeded_at, None);
        let panicked = eventually("the panic", async || stored(&app.state, "test_panics").await).await;
        assert_eq!(panicked.last_error.as_deref(), Some("it panicked"), "what it says may be secret");
        let good = stored(&app.state, "test_leased").await.unwrap();
        assert_eq!((good.failures, good.last_error), (0, None));

        let metrics = telemetry::prometheus().render();
        for line in [
            "background_job_runs_total{job=\"test_fails\",outcome=\"failed\"} ",
            "background_job_runs_total{job=\"test_panics\",outcome=\"panicked\"} ",
            "background_job_runs_total{job=\"test_works\",outcome=\"succeeded\"} ",
            "background_job_last_success_timestamp_seconds{job=\"test_leased\"} 1",
            "background_job_last_failure_timestamp_seconds{job=\"test_panics\"} 1",
            "background_job_consecutive_failures{job=\"test_works\"} 0",
            "background_job_running_since_timestamp_seconds{job=\"test_works\"} ",
        ] {
            assert!(metrics.contains(line), "{line} is not in\n{metrics}");
        }
        let told = doctor(&app).await;
        assert!(told.contains("test_fails: failed") && told.contains("the disk is full"), "{told}");
        assert!(told.contains("test_panics: failed") && !told.contains("test_leased"), "{told}");
        assert_eq!(app.browser().get(&app.url("/readyz")).await.status, 200, "it serves, and they are tried again");
    }

    async fn a_job_succeeds_again_after_failures(app: TestApp) {
        let runs = Runs::default();
        let counted = runs.clone();
        let job = Job::on_every_replica("test_recovers", OFTEN, move |_| {
            let fails = counted.add() == 1;
            async move { if fails { Err(failure()) } else { Ok(()) } }
        });
        background::start(&app.state, vec![job]);
        let good = eventually("a success", async || {
            stored(&app.state, "test_recovers").await.filter(|job| job.last_succeeded_at.is_some())
        }).await;
        assert!(good.failures == 0 && good.last_failed_at.is_some(), "{good:?}");
        runs.reach(5).await;
    }

    async fn one_kind_that_cannot_be_deleted_keeps_no_other(app: TestApp) {
        change(&app, "INSERT INTO authentication_challenges (id, expires_at) VALUES ('x', 0)").await;
        change(&app, "INSERT INTO removed_environments (id, removed_at) VALUES ('env_0000000000000000000000001', 0)").await;
        // The first that is swept.
        change(&app, "ALTER TABLE saml_assertions_seen RENAME TO elsewhere").await;
        let error = background::sweep(&app.state, retention()).await.unwrap_err();
        let text = telemetry::error_chain(&error);
        assert!(text.contains("assertions seen: ") && !text.contains("; "), "{text}");
        assert_eq!(count(&app, "SELECT COUNT(*) FROM authentication_challenges").await, 0);
        assert_eq!(count(&app, "SELECT COUNT(*) FROM removed_environments").await, 0);
        change(&app, "ALTER TABLE elsewhere RENAME TO saml_assertions_seen").await;
        background::sweep(&app.state, retention()).await.unwrap();
    }

    async fn a_lease_is_taken_over_when_it_has_ended_and_not_before(app: TestApp) {
        let (state, now) = (&app.state, app.now());
        assert!(claim(state, "test_job", "killed", now).await);
        assert!(!claim(state, "test_job", "other", now + lease::DURATION - Duration::from_millis(1)).await);
        // While it works, its holder renews it.
        let mut tx = state.db.write().await.unwrap();
        let later = now + Duration::from_secs(10);
        assert!(background_jobs::renew(&mut tx, "test_job", "killed", later + lease::DURATION).await.unwrap());
        tx.commit().await.unwrap();
        assert!(!claim(state, "test_job", "other", now + lease::DURATION).await);
        assert!(claim(state, "test_job", "other", later + lease::DURATION).await);
        let mut tx = state.db.write().await.unwrap();
        let renewed = background_jobs::renew(&mut tx, "test_job", "killed", later + DAY).await.unwrap();
        assert!(!renewed, "who lost it learns so");
        let outcome = background_jobs::JobOutcome { started_at: now, ended_at: later, failures: 0, error: None };
        background_jobs::finish(&mut tx, "test_job", "killed", outcome, later).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(stored(state, "test_job").await.unwrap().holder.as_deref(), Some("other"));
    }

    async fn a_time_of_a_clock_that_was_wrong_does_not_keep_a_job_from_running(app: TestApp) {
        let year = DAY * 365;
        assert!(claim(&app.state, "test_job", "ahead", app.now() + year).await);
        assert!(claim(&app.state, "test_job", "right", app.now()).await);
    }

    async fn another_replica_goes_on_with_the_job_of_one_that_was_killed(app: TestApp) {
        assert!(claim(&app.state, "test_endless", "killed", app.now()).await);
        let runs = Runs::default();
        background::start(&app.state, vec![endless("test_endless", &runs)]);
        tokio::time::sleep(OFTEN * 10).await;
        assert_eq!(runs.count(), 0);
        app.advance(lease::DURATION);
        runs.reach(1).await;
        assert_ne!(stored(&app.state, "test_endless").await.unwrap().holder.as_deref(), Some("killed"));
    }

    async fn another_replica_goes_on_at_once_with_the_job_of_one_that_stops(app: TestApp) {
        let other = app.replica().await;
        let (here, there) = (Runs::default(), Runs::default());
        background::start(&app.state, vec![endless("test_endless", &here)]);
        here.reach(1).await;
        background::start(&other.state, vec![endless("test_endless", &there)]);
        tokio::time::sleep(OFTEN * 10).await;
        assert_eq!(there.count(), 0, "one replica at a time");
        assert!(app.state.background_tasks.stop(Duration::from_secs(20)).await);
        there.reach(1).await;
        assert_eq!(here.count(), 1);
    }

    async fn a_job_that_is_done_runs_again_after_its_period_on_one_replica(app: TestApp) {
        let other = app.replica().await;
        let runs = Runs::default();
        for state in [&app.state, &other.state] {
            let counted = runs.clone();
            let job = Job::on_one_replica("test_minutely", Duration::from_secs(1), move |_| {
                counted.add();
                async { Ok(()) }
            });
            background::start(state, vec![job]);
        }
        for round in 1..=3 {
            runs.reach(round).await;
            tokio::time::sleep(Duration::from_millis(1500)).await;
            assert_eq!(runs.count(), round);
            app.advance(Duration::from_secs(1));
        }
    }

    async fn a_replica_whose_job_is_gone_for_good_is_not_ready(app: TestApp) {
        let ready = async || app.browser().get(&app.url("/readyz")).await.status;
        assert_eq!(ready().await, 200);
        drop(app.state.background_tasks.lifeline("test_job"));
        assert_eq!(ready().await, 503);
    }
}
