//! `ostiary healthcheck`.

use std::{net::IpAddr, process::ExitCode, time::Duration};

use clap::Args;

use super::{output, settings_args::SettingsArgs};

/// Check whether the gateway on this machine is ready
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary healthcheck
      requests /readyz at the `listen` address; exits with 0 when it is ready
  HEALTHCHECK CMD [\"ostiary\", \"healthcheck\"]
      in a Dockerfile: no curl needed")]
pub(super) struct Healthcheck {}

impl Healthcheck {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<ExitCode> {
        let mut address = settings.load(&[])?.listen;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => [127, 0, 0, 1].into(),
                IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        match client.get(format!("http://{address}/readyz")).send().await {
            Ok(response) if response.status().is_success() => {
                output::line("ready");
                Ok(ExitCode::SUCCESS)
            }
            Ok(_) => {
                output::error(&format!("{address} is not ready; its log says why"));
                Ok(ExitCode::FAILURE)
            }
            Err(_) => {
                output::error(&format!("nothing answers at {address}"));
                Ok(ExitCode::FAILURE)
            }
        }
    }
}
