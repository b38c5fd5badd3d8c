//! `ostiary demo`: the gateway with sample data, a test identity provider and a sample app. The data is created once
//! and reused at the next start.

mod seed;

use std::fmt::Write as _;

use clap::Args;
use model::administrator::Role;

use super::{output, serve, settings_args::SettingsArgs};
use crate::{
    app::{
        State,
        administrators::{
            invitations::{self, InviteOutcome},
            roles::{self, RoleScope},
        },
        principal::Principal,
    },
    config::{Config, ConfigError, SettingError},
    demo_app::DemoApp,
    links::Links,
    server::DemoServices,
    telemetry,
    test_idp::scim_client::ScimClient,
};

/// Run a working example: the gateway, a test identity provider and a sample app
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary demo
      then open http://localhost:8080/demo
  ostiary demo --listen 127.0.0.1:9000 --database-url sqlite:///tmp/demo.db

On PostgreSQL run `ostiary migrate` first, and set OSTIARY_MASTER_KEY for both.

Its data stays in the database file and is reused at the next start. The test
identity provider signs in anybody as anybody, so the demo listens on loopback
only, unless --expose is given.")]
pub(super) struct Demo {
    /// Where to listen [env: OSTIARY_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Listen on the network too, although anybody can then sign in as anybody
    #[arg(long)]
    expose: bool,
}

impl Demo {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let config = self.load(settings)?;
        telemetry::start_logs(config.logs_are_json(), &config.log_level);
        let database = config.database_url.to_string();
        let builder = serve::open(config).await?;
        let demo_data = seed::seed_demo(builder.state()).await?;
        // The sample app's server calls the gateway at its listen address, whatever the public URL.
        let own = match builder.address() {
            address if address.ip().is_unspecified() => format!("http://127.0.0.1:{}", address.port()),
            address => format!("http://{address}"),
        };
        let server_side = Links::new(&own.parse()?)?;
        let console = console_url(builder.state()).await?;
        let description = describe(&builder.state().links, &demo_data, &console, &database)?;
        let scim_client = ScimClient::new(demo_data.scim_targets(&server_side))?;
        let app = DemoApp::new(demo_data.into_settings(builder.state(), server_side))?;
        let server = builder.build(Some(DemoServices { app, scim_client })).await?;
        output::line(&description);
        server.run().await?;
        Ok(())
    }

    fn load(&self, settings: &SettingsArgs) -> Result<Config, ConfigError> {
        let (given, _) = settings.sources(&[]).values();
        let unless_given = |key: &str, value| (!given.contains_key(key)).then_some(value);
        let mut config = settings.load(&[
            ("--listen", "listen", self.listen.as_deref()),
            ("demo", "database.url", unless_given("database.url", "sqlite://ostiary-demo.db")),
            ("demo", "log.level", unless_given("log.level", "warn")),
            ("demo", "test_idp", Some("on")),
            // The test identity provider's metadata is served by this machine.
            ("demo", "outgoing.allow_private_targets", unless_given("outgoing.allow_private_targets", "on")),
        ])?;
        config.mail_to_mailbox = true;
        let is_public =
            Links::new(&config.public_url_at(config.listen)).is_ok_and(|links| !links.is_loopback());
        if !self.expose && (!config.listen.ip().is_loopback() || is_public) {
            return Err(ConfigError {
                problems: vec![SettingError {
                    name: if is_public { "public_url" } else { "listen" }.to_owned(),
                    reason: "the demo signs in anybody as anybody, so it listens on loopback only: use 127.0.0.1, or \
                             add --expose if nobody else can reach this network"
                        .to_owned(),
                }],
            });
        }
        Ok(config)
    }
}

/// The console's address; while there is no administrator, an invitation link for the first one.
async fn console_url(state: &State) -> anyhow::Result<String> {
    if roles::any_exists(state).await? {
        return Ok(state.links.console().into());
    }
    let everywhere = RoleScope::Global(Principal::OPERATOR);
    match invitations::create(state, &everywhere, "", Role::Owner).await? {
        InviteOutcome::Link(_, token) => Ok(state.links.console_join(&token.reveal()).into()),
        InviteOutcome::Added(_) => Ok(state.links.console().into()),
    }
}

/// The text printed at the start: addresses, ids and secrets, and where to begin.
fn describe(
    links: &Links,
    demo_data: &seed::DemoData,
    console: &str,
    database: &str,
) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "Ostiary's demo is running. Open:\n")?;
    writeln!(text, "  {:<44}  the sample app: sign in, see a login refused", links.demo())?;
    writeln!(text, "  {:<44}  the test identity provider: start a login there, break it", links.test_idp())?;
    writeln!(text, "  {:<44}  its SCIM client: push people and groups", links.test_idp_scim())?;
    writeln!(text, "  {:<44}  the mailbox: the letters that the gateway writes", links.demo_mailbox())?;
    writeln!(text, "  {console}\n  {:<44}  the console: customers, logins, and why one failed", "")?;
    writeln!(text, "\nIn {database} there are:\n")?;
    let environment = &demo_data.environment;
    writeln!(text, "  environment    {:<10} {}", environment.slug.as_str(), environment.id)?;
    for customer in &demo_data.customers {
        writeln!(
            text,
            "  organization   {:<10} {}  {}",
            customer.organization.display_name, customer.organization.id, customer.domain
        )?;
        writeln!(text, "    connection   {:<10} {}", "", customer.connection.id)?;
        writeln!(text, "    directory    {:<10} {}", "", customer.directory.scim_base_url)?;
    }
    writeln!(text, "  API key        {}", demo_data.api_key.reveal())?;
    writeln!(text, "  OAuth client   {}", demo_data.oauth_client_id)?;
    writeln!(text, "    secret       {}", demo_data.oauth_client_secret.reveal())?;
    writeln!(text, "    issuer       {}", links.oauth_issuer())?;
    if let Some(first) = demo_data.customers.first() {
        writeln!(text, "\nThe sample app's first API call, by hand:\n")?;
        writeln!(text, "  curl {} \\", links.saml_redirect())?;
        writeln!(
            text,
            "      -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' \\",
            demo_data.api_key.reveal()
        )?;
        writeln!(text, "      -d '{{\"organizationId\": \"{}\"}}'", first.organization.id)?;
    }
    write!(text, "\nStop with Ctrl-C. The data is reused at the next start; remove the file to start over.")?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn load(arguments: &[&str]) -> Result<Config, ConfigError> {
        let cli = Cli::try_parse_from([&["ostiary", "demo"], arguments].concat()).unwrap();
        let Command::Demo(demo) = cli.command else { panic!("not the demo") };
        demo.load(&cli.settings)
    }

    #[test]
    fn the_demo_stays_on_this_machine_unless_forced() {
        let config = load(&[]).unwrap();
        assert!(config.test_idp);
        assert_eq!(config.database_url.to_string(), "sqlite://ostiary-demo.db");
        for arguments in [
            &["--listen", "0.0.0.0:8080"][..],
            &["--listen", "192.0.2.1:8080"],
            &["--public-url", "https://sso.example.com"],
        ] {
            assert!(load(arguments).unwrap_err().to_string().contains("--expose"), "{arguments:?}");
            load(&[arguments, &["--expose"]].concat()).unwrap();
        }
        load(&["--listen", "[::1]:0", "--public-url", "http://localhost:9"]).unwrap();
    }
}
