//! Import from SSOReady: everything that logins and directories depend on, including ids and secrets, so that
//! neither the vendor's code nor a customer's identity provider needs a change.
//!
//! The import can be repeated. The record of each resource (`store::import_records`) distinguishes three cases:
//! unchanged in SSOReady, nothing is done; changed in SSOReady only, it is updated here; changed or removed here too,
//! it is kept as it is here. What was removed in SSOReady is kept here. Pages are read outside of any transaction of ours
//! and each is written in one, so that an interrupted import can be run again.

mod api_keys;
mod environments;
mod importer;
mod oauth_clients;
mod organizations;
mod primaries;
mod records;
mod report;
mod saml_connections;
mod sanitize;
mod scim_directories;
mod scim_groups;
mod scim_memberships;
mod scim_resources;
mod scim_users;
mod slug;

use std::collections::HashSet;

use base::id::EnvironmentId;
use importer::Importer;

use super::{Error, Result, State};
use crate::store::ssoready::{Source, SourceError};

pub use importer::ImportOptions;
pub use report::{Counts, Remark, Report, ResourceKind};

/// Runs an import. `progress` is called after every page.
pub async fn import(
    state: &State,
    options: &ImportOptions,
    progress: &mut (dyn FnMut(ResourceKind, &Report) + Send),
) -> Result<Report> {
    let source = Source::open(&options.from).await.map_err(source_error)?;
    let mut run = Importer {
        state,
        options,
        // One time for the whole run: a later `updated_at` was not written by it.
        now: state.now(),
        source,
        report: Report { dry_run: options.dry_run, ..Report::default() },
        dry_run_tx: None,
        progress,
    };
    let done = run.import_all().await;
    run.source.close().await;
    done.map(|()| run.report)
}

fn source_error(error: SourceError) -> Error {
    match error {
        SourceError::Store(error) => error.into(),
        refused => Error::invalid("from", refused.to_string()),
    }
}

impl Importer<'_> {
    async fn import_all(&mut self) -> Result<()> {
        let mut left: HashSet<EnvironmentId> = self.options.environments.iter().copied().collect();
        let (all, mut after) = (left.is_empty(), None);
        loop {
            let page = self.source.list_environments(after).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for environment in page {
                if left.remove(&environment.id) || all {
                    self.import_environment(&environment).await?;
                }
            }
        }
        match left.iter().min() {
            Some(missing) => {
                Err(Error::invalid("environment", format!("there is no environment {missing} in SSOReady")))
            }
            None => Ok(()),
        }
    }
}
