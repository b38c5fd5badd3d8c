//! The records of earlier imports, by which changes on either side are detected.

use std::collections::{HashMap, HashSet};

use base::{
    id::{Id, IdKind},
    secret::Digest,
    time::Timestamp,
};
use serde::Serialize;

use crate::{
    app::Result,
    store::{self, Transaction, import_lookups::Table, import_records::ImportRecord},
};

/// The state of a resource, compared with its import record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ImportStatus {
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
pub(super) struct ImportRecords {
    previous: HashMap<String, ImportRecord>,
    existing: HashSet<String>,
    now: Timestamp,
    pending: Vec<(String, ImportRecord)>,
}

impl ImportRecords {
    pub(super) async fn load<K: IdKind>(
        tx: &mut Transaction,
        table: Table,
        ids: impl Iterator<Item = Id<K>>,
        now: Timestamp,
    ) -> Result<Self> {
        let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
        let previous = store::import_records::list(tx, &ids).await?;
        let unknown: Vec<String> = ids.into_iter().filter(|id| !previous.contains_key(id)).collect();
        let existing = store::import_lookups::list_existing_ids(tx, table, &unknown).await?;
        Ok(Self { previous, existing, now, pending: Vec::new() })
    }

    pub(super) fn status<K: IdKind>(&self, id: Id<K>, source: Digest) -> ImportStatus {
        let id = id.to_string();
        match self.previous.get(&id) {
            Some(previous) if previous.source == source => ImportStatus::Unchanged,
            Some(previous) => ImportStatus::Changed(previous.written_at),
            None if self.existing.contains(&id) => ImportStatus::IdTaken,
            None => ImportStatus::New,
        }
    }

    /// Records that a resource was written now.
    pub(super) fn mark_imported<K: IdKind>(&mut self, id: Id<K>, source: Digest) {
        self.mark_imported_at(id, source, self.now);
    }

    /// Records that a resource is up to date and was written at `written_at`.
    pub(super) fn mark_imported_at<K: IdKind>(&mut self, id: Id<K>, source: Digest, written_at: Timestamp) {
        self.pending.push((id.to_string(), ImportRecord { source, written_at }));
    }

    pub(super) async fn store(self, tx: &mut Transaction) -> Result<()> {
        Ok(store::import_records::upsert(tx, &self.pending).await?)
    }
}

/// The digest of a resource of SSOReady, by which changes are detected.
pub(super) fn digest_of(fields: &impl Serialize) -> Digest {
    Digest::of(serde_json::to_string(fields).unwrap_or_default())
}

/// The digest to record for a resource that was imported in part: the next run processes it again.
pub(super) fn incomplete_digest(source: Digest) -> Digest {
    Digest::of(format!("incomplete {}", source.to_hex()))
}

pub(super) const CHANGED_HERE: &str = "it was changed in SSOReady, and here too since it was imported";
pub(super) const REMOVED_HERE: &str = "it was changed in SSOReady, and removed here since it was imported";
pub(super) const ID_TAKEN: &str = "this id exists here already and was not imported";

/// The display name of imported keys and clients: in SSOReady they have none.
pub(super) const DISPLAY_NAME: &str = "Imported from SSOReady";
/// Why a key or client is skipped whose secret cannot be taken over.
pub(super) const NO_SECRET: &str = "it has no digest of its secret";
