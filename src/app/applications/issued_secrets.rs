//! The secret of a new application for callers who make it with one call and read its secret with another, as WSO2's do: it is
//! kept sealed, for an hour, and given once.

use std::time::Duration;

use base::{id::ApplicationId, secret::ApplicationSecret};
use model::application::Application;

use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        permissions::Action,
        principal::{On, Principal},
    },
    store::{Transaction, issued_secrets, sealed_columns::ISSUED_SECRET},
};

/// How long a secret can be read.
const LIFETIME: Duration = Duration::from_secs(3600);

/// Keeps the secret of an application that was just made.
pub(super) async fn keep(
    tx: &mut Transaction,
    state: &State,
    id: ApplicationId,
    secret: &ApplicationSecret,
) -> Result<()> {
    let sealed = state.seal(&ISSUED_SECRET, &[&id], secret.reveal().as_bytes());
    Ok(issued_secrets::put(tx, id, &sealed, state.now() + LIFETIME).await?)
}

/// The secret of an application, if it was made within the hour and nobody has read it. `None` also for callers who may not change the
/// application.
pub async fn take(state: &State, principal: &Principal, application: &Application) -> Result<Option<String>> {
    match principal.authorize(Action::ApplicationsManage, On::Environment) {
        Err(Error::Forbidden(_)) => return Ok(None),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    let mut tx = state.db.write().await?;
    let Some(sealed) = issued_secrets::take(&mut tx, application.id, state.now()).await? else {
        return Ok(None);
    };
    let plain = state.open(&ISSUED_SECRET, &[&application.id], &sealed)?;
    let secret = String::from_utf8(plain).map_err(Error::internal)?;
    let secret: ApplicationSecret = secret.parse().map_err(Error::internal)?;
    let entry = Entry::of(application, "secret_read");
    audit::record(&mut tx, state, Some(application.environment_id), principal, entry).await?;
    tx.commit().await?;
    // It may have been replaced meanwhile.
    let is_good = application.accepts(secret.digest(), state.now());
    Ok(is_good.then(|| secret.reveal()))
}
