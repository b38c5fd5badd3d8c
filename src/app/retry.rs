//! Transactions that are tried again after a deadlock: PostgreSQL aborts one of two that wait for each other.

use super::Error;
use crate::store;

/// How often a deadlocked transaction is attempted.
const MAX_ATTEMPTS: u32 = 5;

/// An error that may stand for a deadlock.
pub(in crate::app) trait MayBeDeadlock {
    /// Whether the database aborted the transaction because of a deadlock or a serialization failure.
    fn is_deadlock(&self) -> bool;
}

impl MayBeDeadlock for Error {
    fn is_deadlock(&self) -> bool {
        match self {
            Self::Internal(source) => source.downcast_ref().is_some_and(store::Error::is_deadlock),
            _ => false,
        }
    }
}

/// Attempts a transaction again that the database aborted because of a deadlock. Nothing of an aborted attempt is
/// stored; what it sent elsewhere is.
pub(in crate::app) async fn retry_deadlocks<T, E: MayBeDeadlock>(
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    for _ in 1..MAX_ATTEMPTS {
        match attempt().await {
            Err(error) if error.is_deadlock() => {
                tracing::info!("a deadlocked transaction is attempted again")
            }
            outcome => return outcome,
        }
    }
    attempt().await
}
