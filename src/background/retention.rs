//! Letting go of what is over: assertions that could no longer be replayed, stored documents, tokens,
//! retired keys, old logins.

use std::time::Duration;

use crate::{
    app::{Result, State},
    store::{self, Transaction},
};

/// How many batches of one kind a round takes at the most, so that requests get their turn at the
/// database.
const BATCHES: usize = 50;

/// How long an expired access token is kept, so that a late use is told "expired", not "unknown".
const TOKEN_GRACE: Duration = Duration::from_secs(24 * 3600);

/// Repeats one statement, a batch and a transaction at a time, until nothing is left.
macro_rules! sweep {
    ($state:ident, $what:literal, |$transaction:ident| $statement:expr) => {{
        let mut total = 0;
        for _ in 0..BATCHES {
            let mut transaction = $state.db.write().await?;
            let $transaction: &mut Transaction = &mut transaction;
            let gone = $statement.await?;
            transaction.commit().await?;
            total += gone;
            if gone == 0 {
                break;
            }
        }
        if total > 0 {
            tracing::info!(total, concat!("let go of ", $what));
        }
    }};
}

/// Lets go of everything whose time is over.
pub(super) async fn sweep(state: &State, keep_logins: Duration) -> Result<()> {
    let now = state.now();
    sweep!(state, "assertions seen", |tx| store::saml_flows::remove_expired_assertions(tx, now));
    sweep!(state, "stored documents", |tx| store::saml_flows::remove_expired_documents(tx, now));
    sweep!(state, "access tokens", |tx| store::access_tokens::remove_expired(tx, now - TOKEN_GRACE));
    sweep!(state, "logins", |tx| store::saml_flows::remove_old(tx, now - keep_logins));
    sweep!(state, "signing keys", |tx| store::signing_keys::remove_retired(tx, now));
    Ok(())
}
