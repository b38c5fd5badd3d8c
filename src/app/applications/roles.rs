//! The roles of an application of the vendor: its own, or those of the root organization that it uses.

use base::id::{IdKind as _, RoleId, RoleKind};
use model::{
    application::{Application, RoleAudience},
    audit::audit_fields,
    organization::root_id,
    role::{Audience, Role},
};

use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        principal::Principal,
        roles::MAX_ROLES,
    },
    store::{self, Conn, Transaction, application_shares, roles::RoleQuery, table},
};

/// How many roles of the root organization an application uses at most.
const MAX_USED: usize = 1000;

/// The roles of an application, by name.
pub async fn list(conn: &mut Conn, application: &Application) -> Result<Vec<Role>> {
    let environment_id = application.environment_id;
    match application.role_audience {
        RoleAudience::Application => {
            let query =
                RoleQuery { audience: Some(Audience::Application(application.id)), ..RoleQuery::default() };
            Ok(store::roles::list(conn, environment_id, root_id(environment_id), &query, MAX_ROLES).await?)
        }
        RoleAudience::Organization => {
            let mut found = Vec::new();
            for id in application_shares::list_roles(conn, application.id).await? {
                let Ok(id) = id.parse::<RoleId>() else { continue };
                found.extend(table::find::<Role>(conn, environment_id, id).await?);
            }
            found.sort_by_cached_key(Role::name_key);
            Ok(found)
        }
    }
}

/// The ids of the roles of an application, as they are stored.
pub(super) async fn ids(conn: &mut Conn, application: &Application) -> Result<Vec<String>> {
    Ok(list(conn, application).await?.iter().map(|role| role.id.to_string()).collect())
}

/// Takes the roles of an application, and these, from everybody in organizations where they are not any more.
pub(super) async fn end_where_not_there(
    tx: &mut Transaction,
    application: &Application,
    also: &[String],
) -> Result<()> {
    let (environment_id, root) = (application.environment_id, root_id(application.environment_id));
    // Those that are for it alone, and those that it uses: whichever of them it brings along.
    let own = RoleQuery { audience: Some(Audience::Application(application.id)), ..RoleQuery::default() };
    let own = store::roles::list(tx, environment_id, root, &own, MAX_ROLES).await?;
    let mut roles = application_shares::list_roles(tx, application.id).await?;
    roles.extend(own.iter().map(|role| role.id.to_string()));
    roles.extend(also.iter().cloned());
    Ok(store::role_assignments::remove_where_not_there(tx, &roles).await?)
}

/// An application that is being removed uses no roles of the root organization any more: what they gave where it alone brought them along
/// ends.
pub(super) async fn stop_using(tx: &mut Transaction, application: &Application) -> Result<()> {
    let used = application_shares::list_roles(tx, application.id).await?;
    application_shares::set_roles(tx, application.id, &[]).await?;
    Ok(store::role_assignments::remove_where_not_there(tx, &used).await?)
}

/// Says which roles of the root organization an application uses; none where its roles are its own, which are not chosen.
pub(super) async fn use_roles(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    application: &Application,
    used: &[RoleId],
) -> Result<()> {
    if used.len() > MAX_USED {
        return Err(Error::invalid("roles", format!("must be at most {MAX_USED}")));
    }
    let environment_id = application.environment_id;
    let root = root_id(environment_id);
    let mut texts = Vec::with_capacity(used.len());
    for role_id in used {
        let found = store::roles::lock_shared(tx, environment_id, *role_id).await?;
        let fits = found.is_some_and(|role| match (application.role_audience, role.audience) {
            (RoleAudience::Organization, Audience::Organization(of)) => of == root,
            (RoleAudience::Application, Audience::Application(of)) => of == application.id,
            _ => false,
        });
        if !fits {
            return Err(Error::not_found(RoleKind::NOUN, role_id));
        }
        texts.push(role_id.to_string());
    }
    if application.role_audience == RoleAudience::Application {
        texts.clear();
    }
    texts.sort();
    texts.dedup();
    let before = application_shares::list_roles(tx, application.id).await?;
    if before == texts {
        return Ok(());
    }
    application_shares::set_roles(tx, application.id, &texts).await?;
    end_where_not_there(tx, application, &before).await?;
    let mut entry = Entry::of(application, "roles_changed").with_values(audit_fields! { "roles": texts });
    entry.before = audit_fields! { "roles": before };
    audit::record(tx, state, Some(environment_id), principal, entry).await
}
