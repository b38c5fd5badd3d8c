//! Background jobs. Those on one replica are leased in the database; those on every replica are about the process
//! (metrics, the queue of the SCIM request log) or claim rows (webhooks, metadata, letters).

mod backups;
pub mod domain_ids;
mod job;
mod letters;
pub mod organization_keys;
mod retention;
mod sqlite_space;
mod supervisor;
mod webhooks;

use std::time::Duration;

use crate::{
    app::{
        audit,
        connections::saml::{certificate_expiry, metadata},
        directories::request_log,
        invitations,
        organizations::domains,
        support::login_counts,
    },
    telemetry,
};

pub use job::Job;
pub use retention::{Retention, sweep};
pub use sqlite_space::give_back as give_back_sqlite_space;
pub use supervisor::start;

/// How often most jobs run.
const MINUTE: Duration = Duration::from_secs(60);

/// How often the metrics recorder frees what it no longer needs.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(10);

/// How often due metadata is looked up. It is short because a refused login may have requested the refresh.
const METADATA_INTERVAL: Duration = Duration::from_secs(2);

/// How often due deliveries are dispatched.
const WEBHOOK_INTERVAL: Duration = Duration::from_millis(500);

/// How often due letters are sent.
const LETTER_INTERVAL: Duration = Duration::from_secs(1);

/// Every job. `retention` says how long history is kept.
pub fn jobs(retention: Retention) -> Vec<Job> {
    let webhooks = webhooks::Webhooks::default();
    let letters = letters::Letters::default();
    vec![
        Job::on_one_replica("retention", MINUTE, move |state| async move {
            retention::sweep(&state, retention).await
        }),
        Job::on_one_replica("certificate_backfill", MINUTE, |state| async move {
            certificate_expiry::backfill(&state).await
        }),
        Job::on_one_replica("certificate_warnings", MINUTE, |state| async move {
            certificate_expiry::warn(&state).await.map(drop)
        }),
        Job::on_one_replica("domain_ids", MINUTE, |state| async move {
            domain_ids::write(&state).await.map(drop)
        }),
        Job::on_one_replica("organization_keys", MINUTE, |state| async move {
            organization_keys::write(&state).await.map(drop)
        }),
        Job::on_one_replica("invitations", MINUTE, |state| async move {
            invitations::close_overdue(&state).await.map(drop)
        }),
        Job::on_one_replica("domain_checks", MINUTE, |state| async move {
            domains::check_due(&state).await.map(drop)
        }),
        Job::on_one_replica(
            "sqlite_space",
            MINUTE,
            |state| async move { sqlite_space::give_back(&state).await },
        ),
        Job::on_one_replica("login_counts", MINUTE, move |state| async move {
            login_counts::count(&state, retention.unfinished_logins).await
        }),
        // Every replica exports its own metrics.
        Job::on_every_replica("certificate_metrics", MINUTE, |state| async move {
            certificate_expiry::observe(&state).await
        }),
        Job::on_every_replica("login_metrics", MINUTE, |state| async move {
            login_counts::observe_unfinished(&state).await
        }),
        Job::on_every_replica("webhook_metrics", MINUTE, |state| async move {
            webhooks::observe_backlog(&state).await
        }),
        Job::on_every_replica("backup_metrics", UPKEEP_INTERVAL, |state| async move {
            backups::observe(&state).await
        }),
        Job::on_every_replica("metrics_upkeep", UPKEEP_INTERVAL, |_| async {
            telemetry::prometheus().run_upkeep();
            Ok(())
        }),
        Job::on_every_replica(
            "audit_throttle",
            MINUTE,
            |state| async move { audit::flush_bounded(&state).await },
        ),
        Job::on_every_replica("metadata_refresh", METADATA_INTERVAL, |state| async move {
            metadata::refresh::refresh_due(&state).await.map(drop)
        }),
        Job::on_every_replica("webhooks", WEBHOOK_INTERVAL, move |state| webhooks.clone().dispatch(state)),
        Job::on_every_replica("letters", LETTER_INTERVAL, move |state| letters.clone().dispatch(state)),
        Job::on_every_replica("scim_request_log", request_log::WRITE_INTERVAL, |state| async move {
            request_log::write(&state).await
        }),
    ]
}
