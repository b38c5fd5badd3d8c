//! The replacement of a master key: what older keys sealed is sealed again with the present one, while servers run.
//!
//! Tags (page tokens, links, forms) are not stored: those of an older key are good for as long as it is configured.

use std::collections::BTreeMap;

use model::{
    audit::{AuditTarget, audit_fields},
    master_key::MasterKey,
};

use crate::{
    app::{
        Result, State,
        audit::{self, Entry},
        principal::Principal,
    },
    store::{
        Db, PoolShare,
        sealed_columns::{self, MASTER_KEY_CHECK, SEALED_COLUMNS, SealedColumn, SealedValue},
    },
};

/// How many values are sealed in one transaction.
const BATCH: i64 = 100;

/// Where a master key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MasterKeyStage {
    /// It seals.
    Active,
    /// It opens what it sealed. It can be removed once nothing is sealed under it.
    Older,
    /// It is not configured: what is sealed under it cannot be opened.
    Missing,
    /// No key: values that an earlier release stored in clear.
    Unsealed,
}

/// A master key, with what is sealed under it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MasterKeySummary {
    /// Its name, which does not reveal it; empty for no key.
    pub name: String,
    /// Where it stands.
    pub stage: MasterKeyStage,
    /// How many stored values are sealed under it.
    pub values: i64,
}

/// A value that could not be sealed again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct UnreadableValue {
    /// The table and column, and the context, which ends with the row's key.
    pub place: String,
    /// Why it could not be opened.
    pub reason: String,
}

/// What [`reseal`] did.
#[derive(Debug, Default)]
pub struct Resealed {
    /// How many values it sealed again.
    pub values: u64,
    /// Those that could not be opened.
    pub unreadable: Vec<UnreadableValue>,
}

/// Every configured key, the active one first, then those that are missing; with the number of their values.
pub async fn list(db: &Db, master_key: &MasterKey) -> Result<Vec<MasterKeySummary>> {
    let counts = count(db).await?;
    let configured = master_key.names();
    let mut keys = Vec::new();
    for (at, name) in configured.iter().enumerate() {
        let stage = if at == 0 { MasterKeyStage::Active } else { MasterKeyStage::Older };
        let values = counts.get(name).copied().unwrap_or_default();
        keys.push(MasterKeySummary { name: name.clone(), stage, values });
    }
    for (name, values) in counts.into_iter().filter(|(name, _)| !configured.contains(name)) {
        let stage = if name.is_empty() { MasterKeyStage::Unsealed } else { MasterKeyStage::Missing };
        keys.push(MasterKeySummary { name, stage, values });
    }
    Ok(keys)
}

/// How many values are sealed under which key; those in clear under an empty name.
async fn count(db: &Db) -> Result<BTreeMap<String, i64>> {
    let mut counts = BTreeMap::new();
    // Each table is read as a whole.
    let db = db.with_share(PoolShare::Jobs);
    for column in SEALED_COLUMNS {
        let mut conn = db.read().await?;
        for (name, values) in sealed_columns::count_by_key(&mut conn, column).await? {
            let is_name = name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            *counts.entry(if is_name { name } else { String::new() }).or_default() += values;
        }
    }
    Ok(counts)
}

/// Seals with the active key what an older one sealed, column by column and in batches. Servers may run: a value that one of
/// them writes meanwhile is never overwritten. It can be stopped at any time and run again. `progress` is told of every
/// batch.
///
/// The check of the master key follows when nothing else is left, so that a server cannot start without an older key that is
/// still needed.
pub async fn reseal(
    state: &State,
    principal: &Principal,
    mut progress: impl FnMut(&SealedColumn, u64),
) -> Result<Resealed> {
    let mut done = Resealed::default();
    let configured = state.master_key.names();
    let older = configured.get(1..).unwrap_or_default();
    let left = |counts: &BTreeMap<String, i64>| -> i64 {
        older.iter().chain([&String::new()]).filter_map(|name| counts.get(name)).sum()
    };
    let begun = left(&count(&state.db).await?);
    if begun > 0 {
        record_start(state, principal, begun).await?;
    }
    let (check, values) = SEALED_COLUMNS.split_last().unwrap_or((&MASTER_KEY_CHECK, &[]));
    for column in values {
        reseal_column(state, column, &mut done, &mut progress).await?;
    }
    // The check itself is one of the values that are counted.
    if left(&count(&state.db).await?) <= 1 {
        reseal_column(state, check, &mut done, &mut progress).await?;
    }
    Ok(done)
}

/// Records the beginning: the values change in many transactions, and the last ones may come with another run.
async fn record_start(state: &State, principal: &Principal, values: i64) -> Result<()> {
    let name = state.master_key.names().into_iter().next().unwrap_or_default();
    let entry = Entry {
        action: "master_key.values_resealed".to_owned(),
        target: AuditTarget { kind: "master_key", id: name, organization_id: None },
        before: serde_json::Map::new(),
        after: audit_fields! { "values": values },
    };
    let mut tx = state.db.write().await?;
    audit::record(&mut tx, state, None, principal, entry).await?;
    Ok(tx.commit().await?)
}

async fn reseal_column(
    state: &State,
    column: &SealedColumn,
    done: &mut Resealed,
    progress: &mut impl FnMut(&SealedColumn, u64),
) -> Result<()> {
    let active = state.master_key.names().into_iter().next().unwrap_or_default();
    let (mut after, mut total): (Option<SealedValue>, u64) = (None, 0);
    loop {
        let mut conn = state.db.read().await?;
        let found = sealed_columns::list_other(&mut conn, column, &active, after.as_ref(), BATCH).await?;
        drop(conn);
        let Some(last) = found.last().cloned() else { return Ok(()) };
        after = Some(last);
        let mut batch = Vec::with_capacity(found.len());
        for value in found {
            let context = column.context_of(&value);
            let opened = match column.is_clear(&value) {
                true => Ok(value.sealed.clone().into_bytes()),
                false => state.master_key.open(&context, &value.sealed),
            };
            match opened {
                Ok(plain) => {
                    let sealed = state.master_key.seal(&context, &plain, &*state.random);
                    batch.push((value, sealed));
                }
                Err(error) => {
                    let place = format!("{}.{}: {context}", column.table, column.column);
                    done.unreadable.push(UnreadableValue { place, reason: error.to_string() });
                }
            }
        }
        let mut replaced = 0;
        let mut tx = state.db.write().await?;
        for (value, sealed) in batch {
            // Another one was written since: a server sealed it.
            replaced += u64::from(sealed_columns::replace(&mut tx, column, &value, sealed).await?);
        }
        tx.commit().await?;
        done.values += replaced;
        total += replaced;
        progress(column, total);
    }
}
