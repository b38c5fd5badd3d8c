//! What `ostiary application` and `ostiary service-client` have in common.

use std::time::Duration;

use base::id::ApplicationId;
use model::application::{Application, Workspace};

use super::{field_flags, installation, output, settings_args::SettingsArgs};
use crate::app::{
    Error, State,
    applications::{self, ApplicationChange, ApplicationObject, secrets},
    environments,
    pagination::PageQuery,
    principal::Principal,
    resource,
};

/// How long two secrets are good where nothing is said, in seconds.
pub(super) const DEFAULT_OVERLAP: u64 = secrets::DEFAULT_OVERLAP.as_secs();

/// Which client of which environment a command is about.
pub(super) struct Chosen {
    pub(super) state: State,
    pub(super) principal: Principal,
    id: ApplicationId,
}

impl Chosen {
    /// Finds it. A client of another workspace is none that the command knows.
    pub(super) async fn find(
        settings: &SettingsArgs,
        environment: &str,
        id: ApplicationId,
        workspace: Option<Workspace>,
    ) -> anyhow::Result<Self> {
        let state = installation::open(settings).await?;
        let environment = environments::find(&state, environment).await?;
        let principal = Principal::operator(environment.id);
        let found: Application = resource::find(&state, &principal, id).await?;
        if found.workspace != workspace {
            return Err(Error::not_found("application", id).into());
        }
        Ok(Self { state, principal, id })
    }

    /// Switches it off or on.
    pub(super) async fn switch(self, disabled: bool, json: bool) -> anyhow::Result<()> {
        let change = ApplicationChange { disabled: Some(disabled), ..ApplicationChange::default() };
        let changed =
            resource::update::<Application>(&self.state, &self.principal, self.id, None, &change).await;
        let now = changed.map_err(field_flags::cli_error)?;
        let title = if disabled { "Switched off:" } else { "Switched on:" };
        output::resource(json, &ApplicationObject::from(&now), title)
    }

    /// Deletes it.
    pub(super) async fn delete(self, json: bool) -> anyhow::Result<()> {
        resource::remove::<Application>(&self.state, &self.principal, self.id, None)
            .await
            .map_err(field_flags::cli_error)?;
        output::done(json, self.id, &format!("{} was deleted", self.id))
    }

    /// Gives it a new secret.
    pub(super) async fn rotate(self, overlap: u64, json: bool) -> anyhow::Result<()> {
        let overlap = Duration::from_secs(overlap);
        let made = secrets::rotate(&self.state, &self.principal, self.id, None, overlap)
            .await
            .map_err(field_flags::cli_error)?;
        let view = ApplicationObject::created(&made);
        output::resource(json, &view, "The new secret is shown only once:")
    }
}

/// Prints the clients of an environment, one a line.
pub(super) async fn list(
    state: &State,
    principal: &Principal,
    workspace: Option<Workspace>,
    json: bool,
) -> anyhow::Result<()> {
    let mut query = PageQuery { token: None, size: Some("100".to_owned()) };
    loop {
        let page = applications::list(state, principal, workspace, &query).await?;
        for application in &page.items {
            output::line(&match json {
                true => serde_json::to_string(&ApplicationObject::from(application))?,
                false => format!(
                    "{}  {:8}  {}{}",
                    application.id,
                    application.kind.as_str(),
                    application.display_name,
                    output::switched_off(application.disabled)
                ),
            });
        }
        if page.next_token.is_empty() {
            return Ok(());
        }
        query.token = Some(page.next_token);
    }
}

/// The arguments of a command about one client, and the command itself.
macro_rules! one {
    ($name:ident, $about:literal, $example:literal) => {
        #[doc = $about]
        #[derive(Debug, clap::Args)]
        #[command(after_help = $example)]
        pub(super) struct $name {
            /// The environment: its id or its slug
            #[arg(long, value_name = "ID|SLUG")]
            environment: String,
            /// The client's id
            #[arg(value_parser = crate::cli::ids::parse::<base::id::ApplicationKind>)]
            id: base::id::ApplicationId,
            /// Print one JSON object
            #[arg(long)]
            json: bool,
        }
    };
}
pub(super) use one;

/// The arguments of a rotation.
macro_rules! rotation {
    ($about:literal, $example:literal) => {
        #[doc = $about]
        #[derive(Debug, clap::Args)]
        #[command(after_help = $example)]
        pub(super) struct RotateSecret {
            /// The environment: its id or its slug
            #[arg(long, value_name = "ID|SLUG")]
            environment: String,
            /// The client's id
            #[arg(value_parser = crate::cli::ids::parse::<base::id::ApplicationKind>)]
            id: base::id::ApplicationId,
            /// For how many seconds the present secret stays good; 0 ends it at once
            #[arg(long, value_name = "SECONDS", default_value_t = applications::DEFAULT_OVERLAP)]
            overlap: u64,
            /// Print one JSON object
            #[arg(long)]
            json: bool,
        }
    };
}
pub(super) use rotation;
