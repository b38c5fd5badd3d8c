//! Applications of the vendor as WSO2's API and the command line make and change them: under a name that no other has, and with
//! roles.

use base::id::{ApplicationId, ApplicationKind, EnvironmentId, IdKind as _, RoleId};
use model::{
    application::{Application, ClientKind, RoleAudience},
    environment::Environment,
    organization::root_id,
    role::Audience,
};

use super::{
    ApplicationChange, ApplicationWithSecret, NewApplication, create_in, issued_secrets, roles, settings,
};
use crate::{
    app::{
        Error, Result, State,
        permissions::Action,
        principal::{On, Principal},
        resource::{self, Edit, Resource as _},
        retry::retry_deadlocks,
        roles::{self as organization_roles, NewRole},
    },
    store::{Transaction, application_lists},
};

/// Creates an application of the vendor under a name that no other has, with roles of the root organization that it uses. Its secret
/// can be read once, within the hour.
pub async fn create_named(
    state: &State,
    principal: &Principal,
    change: &ApplicationChange,
    kind: ClientKind,
    used: &[RoleId],
) -> Result<Application> {
    let environment_id = principal.authorize(Action::ApplicationsManage, On::Environment)?;
    let name = change.display_name.as_deref().unwrap_or_default();
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        require_free_name(&mut tx, environment_id, name, None).await?;
        let new = NewApplication { kind, workspace: None, organization_id: None };
        let made = create_in(&mut tx, state, principal, new, change).await?;
        if let Some(secret) = &made.secret {
            issued_secrets::keep(&mut tx, state, made.application.id, secret).await?;
        }
        roles::use_roles(&mut tx, state, principal, &made.application, used).await?;
        tx.commit().await?;
        Ok(made.application)
    })
    .await
}

/// Changes an application of the vendor, whose name no other has.
pub async fn update_named(
    state: &State,
    principal: &Principal,
    id: ApplicationId,
    change: &ApplicationChange,
    used: Option<&[RoleId]>,
) -> Result<Application> {
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        if let Some(name) = &change.display_name {
            require_free_name(&mut tx, principal.environment()?, name, Some(id)).await?;
        }
        let mut edit = Edit::<Application>::begin_as(tx, principal, id, None).await?;
        edit.row.apply(state, change)?;
        edit.save(state, principal).await?;
        Application::after_change(&mut edit, state).await?;
        if edit.row.disabled && !edit.before.disabled {
            Application::end_use(&mut edit, state).await?;
        }
        match used {
            Some(used) => roles::use_roles(&mut edit.tx, state, principal, &edit.row, used).await?,
            None if edit.row.role_audience != edit.before.role_audience => {
                roles::use_roles(&mut edit.tx, state, principal, &edit.row, &[]).await?;
            }
            None => {}
        }
        edit.commit().await
    })
    .await
}

/// Adds scopes to those of an application, and takes others away.
pub async fn change_scopes(
    state: &State,
    principal: &Principal,
    id: ApplicationId,
    added: &[String],
    removed: &[String],
) -> Result<Application> {
    retry_deadlocks(async || {
        let mut edit = Edit::<Application>::begin_as(state.db.write().await?, principal, id, None).await?;
        let kept = edit.row.scopes.iter().filter(|scope| !removed.contains(scope));
        let scopes: Vec<String> = kept.chain(added).cloned().collect();
        edit.row.scopes = settings::scopes(edit.row.workspace, &scopes)?;
        edit.save(state, principal).await?;
        edit.commit().await
    })
    .await
}

/// Requires that no other application of the vendor has a name. Concurrent calls wait until the transaction ends.
async fn require_free_name(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    name: &str,
    other_than: Option<ApplicationId>,
) -> Result<()> {
    resource::lock::<Environment>(tx, environment_id, environment_id).await?;
    match application_lists::is_name_taken(tx, environment_id, name, other_than).await? {
        false => Ok(()),
        true => Err(Error::Conflict { kind: ApplicationKind::NOUN, field: "name" }),
    }
}

/// Creates an application of the vendor with a role.
pub async fn create_with_role(
    state: &State,
    principal: &Principal,
    new: NewApplication,
    settings: &ApplicationChange,
    name: &str,
    permissions: &[String],
) -> Result<ApplicationWithSecret> {
    if new.organization_id.is_some() || new.workspace.is_some() {
        return Err(Error::invalid("role", "only your own applications have roles of yours"));
    }
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let made = create_in(&mut tx, state, principal, new, settings).await?;
        let application = &made.application;
        let root = root_id(application.environment_id);
        let audience = match application.role_audience {
            RoleAudience::Application => Audience::Application(application.id),
            RoleAudience::Organization => Audience::Organization(root),
        };
        let role = NewRole {
            name: name.to_owned(),
            audience: Some(audience),
            permissions: permissions.iter().cloned().collect(),
        };
        let role = organization_roles::create_in(&mut tx, state, principal, root, &role).await?;
        roles::use_roles(&mut tx, state, principal, application, &[role.id]).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}
