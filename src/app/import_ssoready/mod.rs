//! Import from SSOReady: everything that logins and directories depend on, including ids and secrets, so that
//! neither the vendor's code nor a customer's identity provider needs a change.
//!
//! The import can be repeated. The record of each resource (`store::imports`) distinguishes three cases: unchanged
//! in SSOReady, nothing is done; changed in SSOReady only, it is updated here; changed or removed here too, it is
//! kept as it is here. What was removed in SSOReady is kept here. Pages are read outside of any transaction of ours
//! and each is written in one, so that an interrupted import can be run again.

mod api_keys;
mod environments;
mod organizations;
mod report;
mod scim_users;

use std::collections::{HashMap, HashSet};

use serde::Serialize;

pub use report::{Counts, Remark, Report, ResourceKind};

use super::{Error, Result, State};
use crate::{
    model::{
        id::{EnvironmentId, Id, IdKind},
        secret::Digest,
        time::Timestamp,
    },
    store::{
        self, Transaction,
        imports::{ImportRecord, Table},
        ssoready::{Source, SourceError},
    },
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

/// One run of the import.
struct Importer<'a> {
    state: &'a State,
    options: &'a ImportOptions,
    now: Timestamp,
    source: Source,
    report: Report,
    /// The one transaction of a dry run, which is never committed.
    dry_run_tx: Option<Transaction>,
    progress: &'a mut (dyn FnMut(ResourceKind, &Report) + Send),
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

    /// The transaction to write a page in. SSOReady's database is not read while it is open.
    async fn begin_page(&mut self) -> Result<Transaction> {
        match self.dry_run_tx.take() {
            Some(dry_run_tx) => Ok(dry_run_tx),
            None => Ok(self.state.db.write().await?),
        }
    }

    /// Commits a page, except in a dry run, and reports progress.
    async fn commit_page(&mut self, tx: Transaction, kind: ResourceKind) -> Result<()> {
        match self.options.dry_run {
            true => self.dry_run_tx = Some(tx),
            false => tx.commit().await?,
        }
        (self.progress)(kind, &self.report);
        Ok(())
    }
}

/// The state of a resource, compared with its import record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ImportStatus {
    /// It was not imported before.
    New,
    /// It is unchanged in SSOReady since its import.
    Unchanged,
    /// It changed in SSOReady since its import, which wrote ours at this time.
    Changed(Timestamp),
    /// A resource with this id exists here and was not imported.
    IdTaken,
}

/// The import records of a page of resources.
struct ImportRecords {
    previous: HashMap<String, ImportRecord>,
    existing: HashSet<String>,
    now: Timestamp,
    pending: Vec<(String, ImportRecord)>,
}

impl ImportRecords {
    async fn load<K: IdKind>(
        tx: &mut Transaction,
        table: Table,
        ids: impl Iterator<Item = Id<K>>,
        now: Timestamp,
    ) -> Result<Self> {
        let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
        let previous = store::imports::list(tx, &ids).await?;
        let unknown: Vec<String> = ids.into_iter().filter(|id| !previous.contains_key(id)).collect();
        let existing = store::imports::list_existing_ids(tx, table, &unknown).await?;
        Ok(Self { previous, existing, now, pending: Vec::new() })
    }

    fn status<K: IdKind>(&self, id: Id<K>, source: Digest) -> ImportStatus {
        let id = id.to_string();
        match self.previous.get(&id) {
            Some(previous) if previous.source == source => ImportStatus::Unchanged,
            Some(previous) => ImportStatus::Changed(previous.written_at),
            None if self.existing.contains(&id) => ImportStatus::IdTaken,
            None => ImportStatus::New,
        }
    }

    /// Records that a resource was written now.
    fn mark_imported<K: IdKind>(&mut self, id: Id<K>, source: Digest) {
        self.mark_imported_at(id, source, self.now);
    }

    /// Records that a resource is up to date and was written at `written_at`.
    fn mark_imported_at<K: IdKind>(&mut self, id: Id<K>, source: Digest, written_at: Timestamp) {
        self.pending.push((id.to_string(), ImportRecord { source, written_at }));
    }

    async fn store(self, tx: &mut Transaction) -> Result<()> {
        Ok(store::imports::upsert(tx, &self.pending).await?)
    }
}

/// The digest of a resource of SSOReady, by which changes are detected.
fn digest_of(fields: &impl Serialize) -> Digest {
    Digest::of(serde_json::to_string(fields).unwrap_or_default())
}

/// The digest to record for a resource that was imported in part: the next run processes it again.
fn incomplete_digest(source: Digest) -> Digest {
    Digest::of(format!("incomplete {}", source.to_hex()))
}

const CHANGED_HERE: &str = "it was changed in SSOReady, and here too since it was imported";
const REMOVED_HERE: &str = "it was changed in SSOReady, and removed here since it was imported";
const ID_TAKEN: &str = "this id exists here already and was not imported";

/// Removes control characters and cuts the text to `max` characters. Also returns whether it is unchanged.
fn sanitize(text: &str, max: usize) -> (String, bool) {
    let sanitized: String = text.chars().filter(|c| !c.is_control()).take(max).collect();
    let unchanged = sanitized == text;
    (sanitized, unchanged)
}
