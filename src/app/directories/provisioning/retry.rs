//! Transactions that are tried again after a deadlock.

use super::error::{Error, Result};
use crate::{app, store};

/// How often a deadlocked transaction is attempted.
const MAX_ATTEMPTS: u32 = 5;

/// Retries a transaction that the database aborted because of a deadlock.
pub(super) async fn retry_deadlocks<T>(mut attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    for _ in 1..MAX_ATTEMPTS {
        match attempt().await {
            Err(Error::App(app::Error::Internal(source)))
                if source.downcast_ref::<store::Error>().is_some_and(store::Error::is_deadlock) => {}
            outcome => return outcome,
        }
    }
    attempt().await
}
