//! `ostiary serve`.

use std::sync::Arc;

use base::{random::SystemRandom, time::SystemClock};
use clap::Args;

use super::settings_args::SettingsArgs;
use crate::{config::Config, server::ServerBuilder, telemetry};

/// Run the gateway
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary serve
      listens on 127.0.0.1:8080 with an embedded database, ostiary.db
  ostiary serve --public-url https://sso.example.com \\
      --database-url postgres://ostiary@db/ostiary
      one of several replicas; OSTIARY_MASTER_KEY must be the same on all
  ostiary serve --config /etc/ostiary.toml --migrate
      settings from a file, missing migrations applied first

Every setting, its default and its meaning: ostiary config")]
pub(super) struct Serve {
    /// Where to listen [env: OSTIARY_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<String>,
    /// Apply missing migrations first (SQLite: always done)
    #[arg(long)]
    migrate: bool,
    /// Serve the bundled test identity provider, which signs in anybody as anybody
    #[arg(long)]
    test_idp: bool,
}

impl Serve {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let config = settings.load(&[
            ("--listen", "listen", self.listen.as_deref()),
            ("--migrate", "database.migrate", self.migrate.then_some("always")),
            ("--test-idp", "test_idp", self.test_idp.then_some("on")),
        ])?;
        telemetry::start_logs(config.logs_are_json(), &config.log_level);
        for warning in config.warnings() {
            tracing::warn!("{warning}");
        }
        open(config).await?.build(None).await?.run().await?;
        Ok(())
    }
}

/// Opens the installation, binds the address and logs it.
pub(super) async fn open(config: Config) -> anyhow::Result<ServerBuilder> {
    let database = config.database_url.to_string();
    let builder = ServerBuilder::open(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
    tracing::info!(
        address = %builder.address(),
        public_url = %builder.state().links.origin(),
        database,
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    Ok(builder)
}
