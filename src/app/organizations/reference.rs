//! Which organization a caller means: by its id in any encoding, or by the alias that a client chose.

use base::id::{EnvironmentId, OrganizationId};
use model::{organization::Organization, organization_reference::OrganizationRef};

use crate::{
    app::{Error, Result, State, principal::Principal},
    store::{self, Conn},
};

/// The id that a text stands for in the caller's environment. [`Error::Invalid`] names `field`: it is no id, and nobody's
/// alias. Whether the organization exists is not asked.
pub async fn resolve(
    state: &State,
    principal: &Principal,
    field: &'static str,
    text: &str,
) -> Result<OrganizationId> {
    match text.parse() {
        // It needs no look at the database: nobody has such an alias.
        Ok(id) if text.starts_with("org_") => Ok(id),
        _ => resolve_in(&mut state.db.read().await?, principal.environment()?, field, text).await,
    }
}

/// [`resolve`], on a connection that the caller has.
pub(in crate::app) async fn resolve_in(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    field: &'static str,
    text: &str,
) -> Result<OrganizationId> {
    let invalid = |error: base::id::ParseIdError| Error::invalid(field, error.to_string());
    let reference = OrganizationRef::parse(text).map_err(invalid)?;
    match store::organizations::resolve(conn, environment_id, &reference).await? {
        Some(id) => Ok(id),
        None => text.parse().map_err(invalid),
    }
}

/// The id of the organization that a text names in an environment; `None` if there is none such.
pub async fn resolve_existing(
    state: &State,
    environment_id: EnvironmentId,
    text: &str,
) -> Result<Option<OrganizationId>> {
    let Ok(reference) = OrganizationRef::parse(text) else { return Ok(None) };
    let mut conn = state.db.read().await?;
    let Some(id) = store::organizations::resolve(&mut conn, environment_id, &reference).await? else {
        return Ok(None);
    };
    Ok(store::table::find::<Organization>(&mut conn, environment_id, id).await?.map(|found| found.id))
}
