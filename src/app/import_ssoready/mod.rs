//! Leaving SSOReady: everything that makes logins and directories work there comes here, ids and secrets
//! too, so that neither the vendor's code nor a customer's identity provider must be touched.
//!
//! It can be run again. What is noted of each thing (`store::imports`) tells three cases apart: nothing
//! changed there, so nothing is done; it changed there only, so the change is brought; it changed (or went)
//! here too, so it stays as it is here. What is gone there stays here. Pages are read outside of any
//! transaction of ours and each is written in one: whoever is interrupted runs it again and goes on.

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

/// What is to be imported, and how.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Their database: `postgres://…`.
    pub from: String,
    /// Which environments; all when empty.
    pub environments: Vec<EnvironmentId>,
    /// Whether it is a trial, which writes nothing.
    pub dry_run: bool,
    /// Whether organizations may bring domains of free-mail providers.
    pub allow_free_mail: bool,
    /// Whether organizations may bring domains that count for another one already.
    pub share_domain: bool,
}

/// Imports. `progress` is called after every page.
pub async fn import(
    state: &State,
    options: &ImportOptions,
    progress: &mut (dyn FnMut(ResourceKind, &Report) + Send),
) -> Result<Report> {
    let source = Source::open(&options.from).await.map_err(unreadable)?;
    let mut run = Run {
        state,
        options,
        // One time for the whole run: what was written later was not written by it.
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
    /// A trial's one transaction, which is never committed.
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
                Err(Error::invalid("environment", format!("there is no environment {missing} there")))
            }
            None => Ok(()),
        }
    }

    /// A transaction to write a page in. Nothing is read from their database while it is open.
    async fn begin(&mut self) -> Result<Transaction> {
        match self.trial.take() {
            Some(trial) => Ok(trial),
            None => Ok(self.state.db.write().await?),
        }
    }

    /// The page is written.
    async fn end(&mut self, tx: Transaction, thing: ResourceKind) -> Result<()> {
        match self.options.dry_run {
            true => self.trial = Some(tx),
            false => tx.commit().await?,
        }
        (self.progress)(thing, &self.report);
        Ok(())
    }
}

/// What is to be done with a thing of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It was never here.
    New,
    /// It is as it was when it was brought.
    Same,
    /// It is otherwise now; ours was written then.
    Changed(Timestamp),
    /// Something of this id is here that no import brought.
    Foreign,
}

/// What is known here of a page of things of theirs.
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

    /// Notes that a thing was written.
    fn note<K: IdKind>(&mut self, id: Id<K>, source: Digest) {
        self.note_at(id, source, self.now);
    }

    /// Notes that a thing was looked at, and written at `written_at`.
    fn note_at<K: IdKind>(&mut self, id: Id<K>, source: Digest, written_at: Timestamp) {
        self.notes.push((id.to_string(), ImportRecord { source, written_at }));
    }

    async fn store(self, tx: &mut Transaction) -> Result<()> {
        Ok(store::imports::upsert(tx, &self.notes).await?)
    }
}

/// The digest of a thing of theirs, by which it is known that it changed.
fn digest_of(fields: &impl Serialize) -> Digest {
    Digest::of(serde_json::to_string(fields).unwrap_or_default())
}

/// What is noted of a thing that came with something missing: the next run looks at it again.
fn incomplete(source: Digest) -> Digest {
    Digest::of(format!("incomplete {}", source.to_hex()))
}

const CHANGED_HERE: &str = "it was changed there, and here too since it was imported";
const REMOVED_HERE: &str = "it was changed there, and removed here since it was imported";
const FOREIGN: &str = "something with this id is here that was not imported";

/// A text for people, without control characters and not too long. Tells whether it is as it came.
fn tidy(text: &str, most: usize) -> (String, bool) {
    let tidied: String = text.chars().filter(|c| !c.is_control()).take(most).collect();
    let as_it_came = tidied == text;
    (tidied, as_it_came)
}
