//! Requests to other hosts: identity providers and the public URL.

use std::time::Duration;

use url::Url;

use super::clock::{CLOCK_TOLERANCE, compare_clock, http_date};
use crate::{app::outgoing, cli::doctor::findings::Findings, config::Config};

/// The time limit of a request to another host.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Checks that identity providers can be reached. Only browsers need to reach them, so a failure is no error.
pub(super) async fn check_reachability(targets: &[Url], findings: &mut Findings) {
    let Some(client) = client() else { return };
    let mut asked = tokio::task::JoinSet::new();
    for target in targets.iter().take(100).cloned() {
        let client = client.clone();
        asked.spawn(async move {
            // A customer wrote this address: the restrictions on outgoing requests apply.
            let answer = match outgoing::check(true, &target) {
                Ok(()) => client.head(target.clone()).send().await.map_err(|error| root_cause(&error)),
                Err(refused) => Err(refused.to_string()),
            };
            (target, answer)
        });
    }
    while let Some(Ok((target, answer))) = asked.join_next().await {
        let host = target.origin().ascii_serialization();
        match answer {
            Ok(response) => {
                findings.ok("identity provider", format!("{host} answers"));
                let date =
                    response.headers().get("date").and_then(|value| value.to_str().ok()).and_then(http_date);
                if let Some(date) = date.filter(|_| target.scheme() == "https") {
                    compare_clock(&host, date, CLOCK_TOLERANCE + PROBE_TIMEOUT, findings);
                }
            }
            Err(error) => findings.attention(
                "identity provider",
                format!("{host} cannot be reached from here: {error}"),
                "fine if the customers' browsers reach it; otherwise correct idpRedirectUrl",
            ),
        }
    }
}

pub(super) async fn public_url(config: &Config, findings: &mut Findings) {
    let Some(client) = client() else { return };
    let base = config.public_url_at(config.listen);
    let origin = base.origin().ascii_serialization();
    let Ok(url) = base.join("healthz") else { return };
    match client.get(url).send().await {
        Ok(response) if response.headers().contains_key("x-request-id") && response.status().is_success() => {
            findings.ok("public URL", format!("{origin} reaches a running gateway"));
        }
        Ok(response) => findings.attention(
            "public URL",
            format!("{origin} answers {} and is not a gateway", response.status()),
            "correct public_url, or the proxy in front of the gateway",
        ),
        Err(error) => findings.attention(
            "public URL",
            format!("{origin} cannot be reached from here: {}", root_cause(&error)),
            "start the server, or correct public_url; fine if it is reachable from outside only",
        ),
    }
}

fn client() -> Option<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(PROBE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(outgoing::resolver(true))
        .build()
        .ok()
}

/// The root cause: `connection refused`, without the errors that wrap it.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
