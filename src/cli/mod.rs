//! The command line: one file per command. Help, completions and the man page are generated from these
//! definitions.
//!
//! A command prints its result on standard output and everything else on standard error. It exits with 0 on success,
//! 1 on failure, 2 on wrong usage.

mod admin;
mod api_key;
mod application;
mod applications;
mod compact;
mod completions;
mod config;
mod demo;
mod doctor;
mod environment;
mod field_flags;
mod flow;
mod healthcheck;
mod ids;
mod import;
mod installation;
mod keys;
mod man;
mod migrate;
mod oauth_client;
mod oidc_connection;
mod organization;
mod output;
mod saml_connection;
mod scim_directory;
mod serve;
mod service_client;
mod session;
pub mod settings_args;
mod setup_link;
mod user;
mod webhook;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use settings_args::SettingsArgs;

use crate::{config::ConfigError, telemetry};

/// Enterprise single sign-on for your app: your customers' SAML and SCIM on one side, a REST API and OpenID
/// Connect on the other.
#[derive(Debug, Parser)]
#[command(
    name = "ostiary",
    version,
    arg_required_else_help = true,
    after_help = "Try:
  ostiary demo                    a working login, with nothing to set up
Set up:
  ostiary serve                   the gateway; its settings: ostiary config
  ostiary environment create --slug prod \\
      --redirect-url https://app.example.com/callback
  ostiary api-key create --environment prod
  ostiary admin invite            a link for the console's first administrator
  ostiary organization create --environment prod --domain acme.com
  ostiary saml-connection create --organization org_… --idp-metadata idp.xml
  ostiary scim-directory create --organization org_…
  ostiary setup-link create --organization org_…
Troubleshoot:
  ostiary flow show saml_flow_…   why a login failed, check by check
  ostiary doctor                  what is wrong, and how to fix it"
)]
pub struct Cli {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Migrate(migrate::Migrate),
    Compact(compact::Compact),
    #[command(subcommand)]
    Environment(environment::Environment),
    #[command(subcommand)]
    Admin(admin::Admin),
    #[command(subcommand)]
    ApiKey(api_key::ApiKey),
    #[command(subcommand)]
    OauthClient(oauth_client::OauthClient),
    #[command(subcommand)]
    ServiceClient(service_client::ServiceClient),
    #[command(subcommand)]
    Application(application::Application),
    #[command(subcommand)]
    Organization(organization::Organization),
    #[command(subcommand)]
    SamlConnection(saml_connection::SamlConnection),
    #[command(subcommand)]
    OidcConnection(oidc_connection::OidcConnection),
    #[command(subcommand)]
    Flow(flow::Flow),
    #[command(subcommand)]
    ScimDirectory(scim_directory::ScimDirectory),
    #[command(subcommand)]
    Webhook(webhook::Webhook),
    #[command(subcommand)]
    Import(import::Import),
    #[command(subcommand)]
    SetupLink(setup_link::SetupLink),
    #[command(subcommand)]
    User(user::User),
    #[command(subcommand)]
    Session(session::Session),
    #[command(subcommand)]
    Keys(keys::Keys),
    Doctor(doctor::Doctor),
    Config(config::ConfigCommand),
    Healthcheck(healthcheck::Healthcheck),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match crate::server::block_on(run(cli)) {
        Ok(code) => code,
        Err(error) => {
            let is_usage = error.downcast_ref::<ConfigError>().is_some();
            output::error(&telemetry::error_chain(error.as_ref()));
            ExitCode::from(if is_usage { 2 } else { 1 })
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let settings = &cli.settings;
    match cli.command {
        Command::Serve(command) => command.run(settings).await?,
        Command::Demo(command) => command.run(settings).await?,
        Command::Migrate(command) => command.run(settings).await?,
        Command::Compact(command) => command.run(settings).await?,
        Command::Environment(command) => command.run(settings).await?,
        Command::Admin(command) => command.run(settings).await?,
        Command::ApiKey(command) => command.run(settings).await?,
        Command::OauthClient(command) => command.run(settings).await?,
        Command::ServiceClient(command) => command.run(settings).await?,
        Command::Application(command) => command.run(settings).await?,
        Command::Organization(command) => command.run(settings).await?,
        Command::SamlConnection(command) => command.run(settings).await?,
        Command::OidcConnection(command) => command.run(settings).await?,
        Command::Flow(command) => command.run(settings).await?,
        Command::ScimDirectory(command) => command.run(settings).await?,
        Command::Webhook(command) => command.run(settings).await?,
        Command::Import(command) => command.run(settings).await?,
        Command::SetupLink(command) => command.run(settings).await?,
        Command::User(command) => command.run(settings).await?,
        Command::Session(command) => command.run(settings).await?,
        Command::Keys(command) => command.run(settings).await?,
        Command::Doctor(command) => return command.run(settings).await,
        Command::Config(command) => command.run(settings)?,
        Command::Healthcheck(command) => return command.run(settings).await,
        Command::Completions(command) => command.run(&mut Cli::command())?,
        Command::Man(command) => command.run(Cli::command())?,
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_and_an_example() {
        fn visit(command: &clap::Command, path: &str) {
            for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
                let path = format!("{path} {}", inner.get_name());
                assert!(inner.get_about().is_some(), "{path} says nothing");
                let example = inner.get_after_help().map(ToString::to_string).unwrap_or_default();
                if !inner.has_subcommands() {
                    assert!(example.contains(&path), "{path} has no example");
                }
                assert_fits_a_terminal(&path, &example);
                for argument in inner.get_arguments() {
                    assert!(argument.get_help().is_some(), "{path} {} says nothing", argument.get_id());
                }
                visit(inner, &path);
            }
        }
        /// Footers have fixed line breaks; a terminal of 80 columns must not wrap them.
        fn assert_fits_a_terminal(path: &str, footer: &str) {
            for line in footer.lines() {
                assert!(line.chars().count() <= 80, "{path} --help is too wide: {line}");
            }
        }
        let all = Cli::command();
        assert_fits_a_terminal("ostiary", &all.get_after_help().unwrap().to_string());
        visit(&all, "ostiary");
    }

    #[test]
    fn any_setting_can_be_given() {
        let cli = Cli::try_parse_from([
            "ostiary",
            "config",
            "--set",
            "saml.clock_skew=30s",
            "--public-url",
            "https://a.example",
        ])
        .unwrap();
        let config = cli.settings.load(&[("--listen", "listen", Some("127.0.0.1:9"))]).unwrap();
        assert_eq!(config.saml_clock_skew.as_secs(), 30);
        assert_eq!(config.listen.port(), 9);
        let error = Cli::try_parse_from(["ostiary", "config", "--set", "saml.clock=30s"]).unwrap_err();
        assert!(error.to_string().contains("there is no setting \"saml.clock\""), "{error}");
    }
}
