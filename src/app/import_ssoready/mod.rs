//! Import from SSOReady: everything that logins and directories depend on, including ids and secrets, so that
//! neither the vendor's code nor a customer's identity provider needs a change.
//!
//! The import can be repeated. The record of each resource (`store::imports`) distinguishes three cases: unchanged
//! in SSOReady, nothing is done; changed in SSOReady only, it is updated here; changed or removed here too, it is
//! kept as it is here. What was removed in SSOReady is kept here. Pages are read outside of any transaction of ours
//! and each is written in one, so that an interrupted import can be run again.

mod credentials;
mod customers;
mod environments;
mod people;
mod report;

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
    let source = Source::open(&options.from).await.map_err(unreadable)?;
    let mut run = Run {
        state,
        options,
        // One time for the whole run: a later `updated_at` was not written by it.
        now: state.now(),
        source,
        report: Report { dry_run: options.dry_run, ..Report::default() },
        trial: None,
        progress,
    };
    let done = run.all().await;
    run.source.close().await;
    done.map(|()| run.report)
}

fn unreadable(error: SourceError) -> Error {
    match error {
        SourceError::Store(error) => error.into(),
        refused => Error::invalid("from", refused.to_string()),
    }
}

/// One run of the import.
struct Run<'a> {
    state: &'a State,
    options: &'a ImportOptions,
    now: Timestamp,
    source: Source,
    report: Report,
    /// The one transaction of a dry run, which is never committed.
    trial: Option<Transaction>,
    progress: &'a mut (dyn FnMut(ResourceKind, &Report) + Send),
}

impl Run<'_> {
    async fn all(&mut self) -> Result<()> {
        let mut left: HashSet<EnvironmentId> = self.options.environments.iter().copied().collect();
        let (all, mut after) = (left.is_empty(), None);
        loop {
            let page = self.source.list_environments(after).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for environment in page {
                if left.remove(&environment.id) || all {
                    self.environment(&environment).await?;
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
    async fn begin(&mut self) -> Result<Transaction> {
        match self.trial.take() {
            Some(trial) => Ok(trial),
            None => Ok(self.state.db.write().await?),
        }
    }

    /// Commits a page, except in a dry run, and reports progress.
    async fn end(&mut self, tx: Transaction, thing: ResourceKind) -> Result<()> {
        match self.options.dry_run {
            true => self.trial = Some(tx),
            false => tx.commit().await?,
        }
        (self.progress)(thing, &self.report);
        Ok(())
    }
}

/// The state of a resource, compared with its import record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It was not imported before.
    New,
    /// It is unchanged in SSOReady since its import.
    Same,
    /// It changed in SSOReady since its import, which wrote ours at this time.
    Changed(Timestamp),
    /// Ours has the same id, but was not imported.
    Foreign,
}

/// The import records of a page of resources.
struct Known {
    noted: HashMap<String, ImportRecord>,
    present: HashSet<String>,
    now: Timestamp,
    notes: Vec<(String, ImportRecord)>,
}

impl Known {
    async fn of<K: IdKind>(
        tx: &mut Transaction,
        table: Table,
        ids: impl Iterator<Item = Id<K>>,
        now: Timestamp,
    ) -> Result<Self> {
        let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
        let noted = store::imports::list(tx, &ids).await?;
        let unknown: Vec<String> = ids.into_iter().filter(|id| !noted.contains_key(id)).collect();
        let present = store::imports::list_existing_ids(tx, table, &unknown).await?;
        Ok(Self { noted, present, now, notes: Vec::new() })
    }

    fn step<K: IdKind>(&self, id: Id<K>, source: Digest) -> Step {
        let id = id.to_string();
        match self.noted.get(&id) {
            Some(noted) if noted.source == source => Step::Same,
            Some(noted) => Step::Changed(noted.written_at),
            None if self.present.contains(&id) => Step::Foreign,
            None => Step::New,
        }
    }

    /// Records that a resource was written now.
    fn note<K: IdKind>(&mut self, id: Id<K>, source: Digest) {
        self.note_at(id, source, self.now);
    }

    /// Records that a resource is up to date and was written at `written_at`.
    fn note_at<K: IdKind>(&mut self, id: Id<K>, source: Digest, written_at: Timestamp) {
        self.notes.push((id.to_string(), ImportRecord { source, written_at }));
    }

    async fn store(self, tx: &mut Transaction) -> Result<()> {
        Ok(store::imports::upsert(tx, &self.notes).await?)
    }
}

/// The digest of a resource of SSOReady, by which changes are detected.
fn digest_of(fields: &impl Serialize) -> Digest {
    Digest::of(serde_json::to_string(fields).unwrap_or_default())
}

/// The digest to record for a resource that was imported in part: the next run processes it again.
fn incomplete(source: Digest) -> Digest {
    Digest::of(format!("incomplete {}", source.to_hex()))
}

const CHANGED_HERE: &str = "it was changed in SSOReady, and here too since it was imported";
const REMOVED_HERE: &str = "it was changed in SSOReady, and removed here since it was imported";
const FOREIGN: &str = "this id exists here already and was not imported";

/// Removes control characters and cuts the text to `max` characters. Also returns whether it is unchanged.
fn tidy(text: &str, most: usize) -> (String, bool) {
    let tidied: String = text.chars().filter(|c| !c.is_control()).take(most).collect();
    let as_it_came = tidied == text;
    (tidied, as_it_came)
}
