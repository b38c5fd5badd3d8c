//! Logs and metrics. A leaf: every module may report here, and it imports none. Logs and metrics
//! contain ids, codes, routes and durations; no names, addresses, assertions or secrets.

pub mod process;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use base::time::Timestamp;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Requests answered, by `route` (its pattern), `method` and `status`.
pub const HTTP_REQUESTS: &str = "http_requests_total";
/// How long requests took, by `route`.
pub const HTTP_DURATION: &str = "http_request_duration_seconds";
/// The longest single poll of a request's handler, which blocks its worker thread, by `route`.
pub const HTTP_LONGEST_POLL: &str = "http_request_longest_poll_seconds";
/// Connections closed on arrival, because their client address has too many.
pub const CONNECTIONS_REFUSED: &str = "http_connections_refused_total";
/// Logins that ended, by `outcome` (`succeeded`, `failed`) and `reason` (the refusal's code).
pub const LOGINS: &str = "logins_total";
/// How long verifying one SAML response took.
pub const SAML_VERIFICATION: &str = "saml_verification_seconds";
/// Unfinished logins that are still stored, by `environment` (its id).
pub const UNFINISHED_LOGINS: &str = "unfinished_logins";
/// SAML responses on which the two signature implementations disagreed.
pub const SAML_DISAGREEMENTS: &str = "saml_cross_check_disagreements_total";
/// SCIM requests that were answered but not logged, because too many log entries were waiting.
pub const SCIM_REQUESTS_UNLOGGED: &str = "scim_requests_unlogged_total";
/// SCIM requests refused because their directory exceeded a limit, by `of` (which limit).
pub const SCIM_LIMITED: &str = "scim_limited_total";
/// Webhook attempts, by `outcome` (`delivered`, `failed`).
pub const WEBHOOK_ATTEMPTS: &str = "webhook_attempts_total";
/// Attempts to send a letter, by `outcome` (`sent`, or why not).
pub const LETTER_ATTEMPTS: &str = "letter_attempts_total";
/// Refreshes of metadata, by `outcome` (`changed`, `unchanged`, `failed`).
pub const METADATA_REFRESHES: &str = "saml_metadata_refreshes_total";
/// Connections whose latest IdP certificate expires, by `within` (`7d`, `30d`: within that time, `30d` includes
/// `7d`; `expired`: already).
pub const CERTIFICATES_EXPIRING: &str = "saml_certificates_expiring";
/// Runs of background jobs on this replica, by `job` and `outcome` (`succeeded`, `failed`, `panicked`).
pub const JOB_RUNS: &str = "background_job_runs_total";
/// When a background job last succeeded on this replica, by `job`, in seconds since 1970.
pub const JOB_LAST_SUCCESS: &str = "background_job_last_success_timestamp_seconds";
/// When a background job last failed on this replica, by `job`, in seconds since 1970.
pub const JOB_LAST_FAILURE: &str = "background_job_last_failure_timestamp_seconds";
/// How often in a row a background job has failed, by `job`.
pub const JOB_FAILURES: &str = "background_job_consecutive_failures";
/// Since when a background job runs on this replica, by `job`, in seconds since 1970; 0: it rests.
pub const JOB_RUNNING_SINCE: &str = "background_job_running_since_timestamp_seconds";
/// Database connections, by `state` (`idle`, `used`).
pub const DB_POOL: &str = "db_pool_connections";
/// How long a database connection was waited for.
pub const DB_POOL_WAIT: &str = "db_pool_wait_seconds";
/// Statements that failed, by `reason` (`connection`, `busy`, `unavailable`, `other`); not those that found a key in use.
pub const DB_STATEMENTS_FAILED: &str = "db_statements_failed_total";
/// Requests that are being answered.
pub const HTTP_IN_FLIGHT: &str = "http_requests_in_flight";
/// Attempts refused by a rate limit, by `limit`.
pub const RATE_LIMITED: &str = "rate_limited_total";
/// How long people took from the start of a login to its accepted response.
pub const LOGIN_DURATION: &str = "login_duration_seconds";
/// Events that wait for endpoints: to be delivered for the first time, or again.
pub const WEBHOOK_BACKLOG: &str = "webhook_deliveries_waiting";
/// When the database was last backed up, in seconds since 1970; 0: never, as far as is known.
pub const LAST_BACKUP: &str = "last_backup_timestamp_seconds";
/// Whether this process is ready, as `/readyz` says: 1 or 0.
pub const READY: &str = "gateway_ready";
/// Always 1, with the `version` of this program.
pub const BUILD_INFO: &str = "build_info";

/// From a tenth of a millisecond to ten seconds.
const BUCKETS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// From a tenth of a second to an hour: people type passwords meanwhile.
const LOGIN_BUCKETS: &[f64] = &[0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 3600.0];

/// An error and its chain of sources, outermost first, in one line. A source is left out if the text of the
/// outer error already ends with it, as some libraries do.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let said = deeper.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = deeper.source();
    }
    text
}

/// Starts writing logs to standard error, as JSON or for people. A second call in the same process changes nothing.
pub fn start_logs(as_json: bool, filter: &str) {
    let registry = tracing_subscriber::registry().with(env_filter(filter));
    let started = match as_json {
        false => {
            let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
            registry.with(fmt::layer().with_writer(std::io::stderr).with_ansi(ansi)).try_init()
        }
        true => registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false)
                    .with_writer(std::io::stderr),
            )
            .try_init(),
    };
    // Fails only when logs were started before, by a server in the same process.
    drop(started);
}

/// Names the login that the current request is about on each of the request's further log lines, so that its id finds all
/// requests of a login.
pub fn request_is_of_login(flow: impl std::fmt::Display) {
    tracing::Span::current().record("flow", tracing::field::display(flow));
}

/// The log filter. Actix's own start and stop messages are left out, and so are its errors about broken
/// connections, which any client can cause. An operator who wants them names the same targets.
fn env_filter(wanted: &str) -> EnvFilter {
    const QUIET: &str = "actix_server=warn,actix_http::h1::dispatcher=off";
    EnvFilter::try_new(format!("{QUIET},{wanted}"))
        .unwrap_or_else(|_| EnvFilter::new(format!("{QUIET},info")))
}

/// The process's metrics recorder. The first call installs it.
pub fn prometheus() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), BUCKETS)
            .expect("there are buckets")
            .set_buckets_for_metric(Matcher::Full(LOGIN_DURATION.to_owned()), LOGIN_BUCKETS)
            .expect("there are buckets")
            .build_recorder();
        let handle = recorder.handle();
        // Fails only if another recorder is installed already; then this one stays empty.
        let _ = metrics::set_global_recorder(recorder);
        describe_counter!(HTTP_REQUESTS, "Requests answered.");
        describe_histogram!(HTTP_DURATION, "How long answering a request took.");
        describe_histogram!(
            HTTP_LONGEST_POLL,
            "The longest single poll of a request's handler, which blocks its worker thread."
        );
        describe_counter!(
            CONNECTIONS_REFUSED,
            "Connections closed on arrival, because their client address has too many."
        );
        describe_counter!(LOGINS, "Logins that ended, by outcome and by the refusal's code.");
        describe_histogram!(SAML_VERIFICATION, "How long verifying a SAML response took.");
        describe_counter!(
            SAML_DISAGREEMENTS,
            "SAML responses on which the two signature implementations disagreed."
        );
        describe_counter!(
            SCIM_REQUESTS_UNLOGGED,
            "SCIM requests that were answered but not logged, because too many waited or the directory's hourly log limit was reached."
        );
        describe_counter!(
            SCIM_LIMITED,
            "SCIM requests refused because their directory exceeded a limit: requests, bytes, turn, search, quota."
        );
        describe_counter!(WEBHOOK_ATTEMPTS, "Attempts to deliver an event to a webhook.");
        describe_counter!(LETTER_ATTEMPTS, "Attempts to send a letter by mail, by outcome.");
        describe_counter!(METADATA_REFRESHES, "Refreshes of identity providers' metadata, by outcome.");
        describe_gauge!(
            CERTIFICATES_EXPIRING,
            "Connections whose latest IdP certificate expires within that time, or has expired."
        );
        describe_gauge!(UNFINISHED_LOGINS, "Unfinished logins that are still stored.");
        describe_counter!(JOB_RUNS, "Runs of background jobs, by outcome.");
        describe_gauge!(JOB_LAST_SUCCESS, "When a background job last succeeded on this replica.");
        describe_gauge!(JOB_LAST_FAILURE, "When a background job last failed on this replica.");
        describe_gauge!(JOB_FAILURES, "How often in a row a background job has failed.");
        describe_gauge!(
            JOB_RUNNING_SINCE,
            "Since when a background job runs on this replica; 0 while it rests."
        );
        describe_gauge!(DB_POOL, "Database connections.");
        describe_histogram!(DB_POOL_WAIT, "How long a database connection was waited for.");
        describe_counter!(DB_STATEMENTS_FAILED, "Database statements that failed, by reason.");
        describe_gauge!(HTTP_IN_FLIGHT, "Requests that are being answered.");
        describe_counter!(RATE_LIMITED, "Attempts refused by a rate limit.");
        describe_histogram!(
            LOGIN_DURATION,
            "How long people took from the start of a login to its accepted response."
        );
        describe_gauge!(WEBHOOK_BACKLOG, "Events that wait to be delivered to webhooks.");
        describe_gauge!(LAST_BACKUP, "When the database was last backed up; 0: never, as far as is known.");
        describe_gauge!(READY, "Whether the process is ready, as /readyz says.");
        describe_gauge!(BUILD_INFO, "The version of this program.");
        gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1);
        process::describe();
        handle
    })
}

/// Counts an answered request. `route` is a pattern, never a path; `longest_poll` is the longest time for which
/// its handler blocked its thread.
pub fn request_answered(
    route: String,
    method: &'static str,
    status: u16,
    took: Duration,
    longest_poll: Duration,
) {
    counter!(HTTP_REQUESTS, "route" => route.clone(), "method" => method, "status" => status.to_string())
        .increment(1);
    histogram!(HTTP_LONGEST_POLL, "route" => route.clone()).record(longest_poll);
    histogram!(HTTP_DURATION, "route" => route).record(took);
}

/// Counts a connection that was closed on arrival.
pub fn connection_refused() {
    counter!(CONNECTIONS_REFUSED).increment(1);
}

/// A request that is being answered, until it is dropped.
pub struct RequestInFlight(());

impl RequestInFlight {
    /// Counts one more.
    pub fn begin() -> Self {
        gauge!(HTTP_IN_FLIGHT).increment(1);
        Self(())
    }
}

impl Drop for RequestInFlight {
    fn drop(&mut self) {
        gauge!(HTTP_IN_FLIGHT).decrement(1);
    }
}

/// Counts an attempt that a rate limit refused. `limit` is from a closed list.
pub fn rate_limited(limit: &'static str) {
    counter!(RATE_LIMITED, "limit" => limit).increment(1);
}

/// Counts a successful login, which `took` this time since it began.
pub fn login_succeeded(took: Duration) {
    counter!(LOGINS, "outcome" => "succeeded", "reason" => "").increment(1);
    histogram!(LOGIN_DURATION).record(took);
}

/// Counts a login that was refused. `code` is from a closed list.
pub fn login_failed(code: &'static str) {
    counter!(LOGINS, "outcome" => "failed", "reason" => code).increment(1);
}

/// Counts one verification of a SAML response.
pub fn response_verified(took: Duration, disagreed: bool) {
    histogram!(SAML_VERIFICATION).record(took);
    if disagreed {
        counter!(SAML_DISAGREEMENTS).increment(1);
    }
}

/// Counts SCIM requests that were not logged.
pub fn scim_request_unlogged(count: u64) {
    counter!(SCIM_REQUESTS_UNLOGGED).increment(count);
}

/// Counts a SCIM request that exceeded a limit of its directory. `of` is from a closed list.
pub fn scim_limited(of: &'static str) {
    counter!(SCIM_LIMITED, "of" => of).increment(1);
}

/// Counts one attempt to deliver an event.
pub fn webhook_attempted(delivered: bool) {
    let outcome = if delivered { "delivered" } else { "failed" };
    counter!(WEBHOOK_ATTEMPTS, "outcome" => outcome).increment(1);
}

/// Counts one attempt to send a letter. `outcome` is from a closed list.
pub fn letter_attempted(outcome: &'static str) {
    counter!(LETTER_ATTEMPTS, "outcome" => outcome).increment(1);
}

/// Counts one refresh of metadata. `outcome` is from a closed list.
pub fn metadata_refreshed(outcome: &'static str) {
    counter!(METADATA_REFRESHES, "outcome" => outcome).increment(1);
}

/// Sets how many connections have a latest certificate that expires `within` a time.
pub fn certificates_expiring(within: &'static str, count: u32) {
    gauge!(CERTIFICATES_EXPIRING, "within" => within).set(count);
}

/// Sets the number of unfinished logins per environment; environments that are missing from `counts` are set to
/// 0.
pub fn unfinished_logins(counts: BTreeMap<String, i64>) {
    static NOTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    for environment in noted.iter().filter(|environment| !counts.contains_key(*environment)) {
        gauge!(UNFINISHED_LOGINS, "environment" => environment.clone()).set(0);
    }
    for (environment, count) in &counts {
        let count = u32::try_from(*count).unwrap_or(u32::MAX);
        gauge!(UNFINISHED_LOGINS, "environment" => environment.clone()).set(count);
    }
    *noted = counts.into_keys().collect();
}

/// Counts a database connection that was waited for.
pub fn connection_acquired(waited: Duration) {
    histogram!(DB_POOL_WAIT).record(waited);
}

/// Counts a statement that failed. `reason` is from a closed list.
pub fn statement_failed(reason: &'static str) {
    counter!(DB_STATEMENTS_FAILED, "reason" => reason).increment(1);
}

/// Sets how many events wait for endpoints.
pub fn webhook_backlog(count: i64) {
    gauge!(WEBHOOK_BACKLOG).set(u32::try_from(count).unwrap_or(u32::MAX));
}

/// Sets when the database was last backed up.
pub fn backup_observed(at: Option<Timestamp>) {
    gauge!(LAST_BACKUP).set(at.map_or(0.0, unix_seconds));
}

/// Sets whether this process is ready.
pub fn readiness_observed(ready: bool) {
    gauge!(READY).set(u32::from(ready));
}

/// How a run of a background job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobResult {
    /// Well.
    Succeeded,
    /// With an error.
    Failed,
    /// With a panic.
    Panicked,
}

/// Notes that a background job begins.
pub fn job_started(job: &'static str, at: Timestamp) {
    gauge!(JOB_RUNNING_SINCE, "job" => job).set(unix_seconds(at));
}

/// Counts a run of a background job. `failures` is how often in a row it has failed.
pub fn job_ended(job: &'static str, result: JobResult, at: Timestamp, failures: u32) {
    let (outcome, when) = match result {
        JobResult::Succeeded => ("succeeded", JOB_LAST_SUCCESS),
        JobResult::Failed => ("failed", JOB_LAST_FAILURE),
        JobResult::Panicked => ("panicked", JOB_LAST_FAILURE),
    };
    counter!(JOB_RUNS, "job" => job, "outcome" => outcome).increment(1);
    gauge!(when, "job" => job).set(unix_seconds(at));
    gauge!(JOB_RUNNING_SINCE, "job" => job).set(0);
    job_failures(job, failures);
}

/// Sets how often in a row a background job has failed.
pub fn job_failures(job: &'static str, failures: u32) {
    gauge!(JOB_FAILURES, "job" => job).set(failures);
}

/// Exact for thousands of years.
#[expect(clippy::cast_precision_loss, reason = "metrics are floating-point numbers")]
fn unix_seconds(at: Timestamp) -> f64 {
    at.millis() as f64 / 1000.0
}

/// Sets the number of idle and used database connections.
pub fn pool_observed(idle: u32, used: u32) {
    gauge!(DB_POOL, "state" => "idle").set(idle);
    gauge!(DB_POOL, "state" => "used").set(used);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_not_repeated() {
        #[derive(Debug, thiserror::Error)]
        enum Failure {
            #[error("cannot listen: {0}")]
            Tells(#[source] std::io::Error),
            #[error("cannot read")]
            Hides(#[source] std::io::Error),
        }
        let refused = || std::io::Error::other("refused");
        assert_eq!(error_chain(&Failure::Tells(refused())), "cannot listen: refused");
        assert_eq!(error_chain(&Failure::Hides(refused())), "cannot read: refused");
        assert_eq!(error_chain(&refused()), "refused");
    }

    #[test]
    fn metrics_are_written_for_prometheus() {
        let recorder = prometheus();
        assert!(std::ptr::eq(recorder, super::prometheus()), "one recorder a process");
        request_answered(
            "/healthz".to_owned(),
            "GET",
            200,
            Duration::from_millis(2),
            Duration::from_millis(1),
        );
        login_succeeded(Duration::from_secs(20));
        login_failed("assertion_audience");
        response_verified(Duration::from_micros(300), true);
        pool_observed(3, 1);
        connection_acquired(Duration::from_micros(20));
        statement_failed("busy");
        let in_flight = [RequestInFlight::begin(), RequestInFlight::begin()];
        drop(in_flight);
        rate_limited("credentials");
        webhook_backlog(12);
        backup_observed(Some(Timestamp::from_seconds(1_800_000_000)));
        readiness_observed(true);
        process::observe();
        let text = recorder.render();
        for line in [
            "http_requests_total{route=\"/healthz\",method=\"GET\",status=\"200\"} ",
            "http_request_duration_seconds_bucket{route=\"/healthz\",le=\"0.0025\"} ",
            "http_request_longest_poll_seconds_bucket{route=\"/healthz\",le=\"0.001\"} ",
            "logins_total{outcome=\"succeeded\",reason=\"\"} ",
            "logins_total{outcome=\"failed\",reason=\"assertion_audience\"} ",
            "saml_verification_seconds_count ",
            "saml_cross_check_disagreements_total ",
            "db_pool_connections{state=\"idle\"} 3",
            "db_pool_wait_seconds_bucket{le=\"0.0001\"} ",
            "db_statements_failed_total{reason=\"busy\"} ",
            "http_requests_in_flight ",
            "rate_limited_total{limit=\"credentials\"} ",
            "login_duration_seconds_bucket{le=\"30\"} ",
            "webhook_deliveries_waiting ",
            "gateway_ready ",
            concat!("build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
            "process_resident_memory_bytes ",
            "process_open_fds ",
            "process_max_fds ",
            "process_threads ",
            "process_cpu_seconds_total ",
            "process_start_time_seconds ",
            "# HELP logins_total ",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
