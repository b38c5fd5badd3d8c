//! What a role can permit: the scopes that the management APIs know, and for an application those that it may ask for.

use std::collections::BTreeSet;

use base::id::EnvironmentId;
use model::{application::Application, role::Audience};

use crate::{
    app::{Error, Result, authorization_server::scopes::ManagementScope, input},
    store::{Conn, Transaction, roles, table},
};

/// How many permissions a role has at most.
pub const MAX_PERMISSIONS: usize = 200;

const FIELD: &str = "permissions";

/// What is known for an audience: the application's own scopes, if it is one.
pub(super) async fn own_scopes(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    audience: Audience,
) -> Result<Vec<String>> {
    let Audience::Application(id) = audience else { return Ok(Vec::new()) };
    let found: Option<Application> = table::find(conn, environment_id, id).await?;
    Ok(found.map(|application| application.scopes).unwrap_or_default())
}

/// Permissions as they are asked for. [`Error::Invalid`]: nothing knows one of them.
pub(super) fn check(permissions: &BTreeSet<String>, own_scopes: &[String]) -> Result<()> {
    check_number(permissions)?;
    let is_known =
        |name: &str| ManagementScope::parse(name).is_some() || own_scopes.iter().any(|own| own == name);
    match permissions.iter().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(unknown) => {
            Err(Error::invalid(FIELD, format!("Permission: {} not found", input::quoted(unknown))))
        }
    }
}

/// Keeps in mind which of an application's own scopes a role permits: from then on users get them by roles only.
pub(super) async fn note(
    tx: &mut Transaction,
    audience: Audience,
    own_scopes: &[String],
    permissions: &BTreeSet<String>,
) -> Result<()> {
    let Audience::Application(id) = audience else { return Ok(()) };
    let own: BTreeSet<String> = own_scopes.iter().cloned().collect();
    let permitted = &own & permissions;
    if permitted.is_empty() {
        return Ok(());
    }
    Ok(roles::add_ever_permitted(tx, id, &permitted).await?)
}

/// [`Error::Invalid`]: there are too many.
pub(super) fn check_number(permissions: &BTreeSet<String>) -> Result<()> {
    match permissions.len() > MAX_PERMISSIONS {
        true => Err(Error::invalid(FIELD, format!("a role has at most {MAX_PERMISSIONS} permissions"))),
        false => Ok(()),
    }
}
