//! One run of the import: its options, its source and its report, and the transaction of each page.

use base::{id::EnvironmentId, time::Timestamp};

use super::report::{Report, ResourceKind};
use crate::{
    app::{Result, State},
    store::{Transaction, ssoready::Source},
};

/// The options of an import.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The URL of the database of SSOReady: `postgres://…`.
    pub from: String,
    /// The environments to import; all if empty.
    pub environments: Vec<EnvironmentId>,
    /// Whether this is a dry run, which writes nothing.
    pub dry_run: bool,
    /// Whether domains of free-mail providers are imported.
    pub allow_free_mail: bool,
    /// Whether domains are imported that another organization already has.
    pub share_domain: bool,
}

/// One run of the import.
pub(super) struct Importer<'a> {
    pub(super) state: &'a State,
    pub(super) options: &'a ImportOptions,
    pub(super) now: Timestamp,
    pub(super) source: Source,
    pub(super) report: Report,
    /// The one transaction of a dry run, which is never committed.
    pub(super) dry_run_tx: Option<Transaction>,
    pub(super) progress: &'a mut (dyn FnMut(ResourceKind, &Report) + Send),
}

impl Importer<'_> {
    /// The transaction to write a page in. SSOReady's database is not read while it is open.
    pub(super) async fn begin_page(&mut self) -> Result<Transaction> {
        match self.dry_run_tx.take() {
            Some(dry_run_tx) => Ok(dry_run_tx),
            None => Ok(self.state.db.write().await?),
        }
    }

    /// Commits a page, except in a dry run, and reports progress.
    pub(super) async fn commit_page(&mut self, tx: Transaction, kind: ResourceKind) -> Result<()> {
        match self.options.dry_run {
            true => self.dry_run_tx = Some(tx),
            false => tx.commit().await?,
        }
        (self.progress)(kind, &self.report);
        Ok(())
    }
}
