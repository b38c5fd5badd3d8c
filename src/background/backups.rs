//! The age of the last backup, for `/metrics`.

use base::time::Timestamp;

use crate::{
    app::{Result, State},
    store::settings,
    telemetry,
};

/// Exports when the database was last backed up.
pub(super) async fn observe(state: &State) -> Result<()> {
    let noted = settings::find(&mut state.db.read().await?, settings::LAST_BACKUP).await?;
    telemetry::backup_observed(noted.and_then(|at| at.parse().ok()).map(Timestamp::from_millis));
    Ok(())
}
