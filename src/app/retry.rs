//! Transactions that are tried again after a deadlock: PostgreSQL aborts one of two that wait for each other.

use std::time::Duration;

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
/// stored; what it sent elsewhere is. [`Error::Unavailable`]: that went on.
pub(in crate::app) async fn retry_deadlocks<T, E: MayBeDeadlock + From<Error>>(
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    for _ in 0..MAX_ATTEMPTS {
        match attempt().await {
            Err(error) if error.is_deadlock() => {
                tracing::info!("a deadlocked transaction is attempted again")
            }
            outcome => return outcome,
        }
    }
    Err(Error::Unavailable { retry_after: Duration::from_secs(1) }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    impl MayBeDeadlock for &'static str {
        fn is_deadlock(&self) -> bool {
            *self == "deadlock"
        }
    }

    impl From<Error> for &'static str {
        fn from(error: Error) -> Self {
            if matches!(error, Error::Unavailable { .. }) { "unavailable" } else { "" }
        }
    }

    #[tokio::test]
    async fn who_only_meets_deadlocks_is_told_to_come_again() {
        let mut attempts = 0;
        let always = retry_deadlocks(async || {
            attempts += 1;
            Err::<(), _>("deadlock")
        });
        assert_eq!(always.await, Err("unavailable"));
        assert_eq!(attempts, MAX_ATTEMPTS);
        let mut attempts = 0;
        let once = retry_deadlocks(async || {
            attempts += 1;
            if attempts == 1 { Err("deadlock") } else { Ok(attempts) }
        });
        assert_eq!(once.await, Ok(2));
        assert_eq!(retry_deadlocks(async || Err::<(), _>("other")).await, Err("other"));
    }
}
