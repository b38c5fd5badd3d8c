//! `ostiary serve`.

use std::sync::Arc;

use clap::Args;

use super::SettingsArgs;
use crate::{
    config::Config,
    model::{random::SystemRandom, time::SystemClock},
    server::Server,
    telemetry,
};

/// Run the gateway
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary serve
      listens on 127.0.0.1:8080 with an embedded database, ostiary.db
  ostiary serve --public-url https://sso.example.com --database-url postgres://ostiary@db/ostiary
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
        telemetry::start_logs(config.log_format, &config.log_level);
        build(config).await?.run().await?;
        Ok(())
    }
}

/// Builds a server and says where it listens.
pub(super) async fn build(config: Config) -> anyhow::Result<Server> {
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let database = config.database_url.to_string();
    let server = Server::build(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
    tracing::info!(
        address = %server.address(),
        public_url = %server.state().links.origin(),
        database,
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    Ok(server)
}
