//! Roles of administrators: listed, granted, changed and removed; at least one global owner always remains.

use base::id::{AdministratorId, EnvironmentId};
use model::{
    administrator::{Administrator, Role, RoleGrant},
    audit::audit_fields,
    email::Email,
};

use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        input,
        pagination::{List, Page, PageQuery, PageRequest},
        permissions::Action,
        principal::{On, Principal},
        resource::Edit,
    },
    store::{self, Transaction},
};

/// Where roles are administered: in one environment or globally.
#[derive(Debug, Clone, Copy)]
pub enum RoleScope {
    /// In every environment, including future ones.
    Global(Principal),
    /// In one environment.
    Environment(Principal),
}

impl RoleScope {
    /// The environment of the roles (`None`: every one), if the caller may change them.
    pub fn owned(&self) -> Result<Option<EnvironmentId>> {
        match self {
            Self::Global(principal) => {
                principal.authorize_everywhere(Action::GlobalAdministratorsManage).map(|()| None)
            }
            Self::Environment(principal) => {
                principal.authorize(Action::AdministratorsManage, On::Environment).map(Some)
            }
        }
    }

    /// The environment of the roles (`None`: every one), if the caller may view them.
    fn viewed(&self) -> Result<Option<EnvironmentId>> {
        match self {
            Self::Global(_) => self.owned(),
            Self::Environment(principal) => {
                principal.authorize(Action::AdministratorsView, On::Environment).map(Some)
            }
        }
    }

    /// The caller.
    pub fn principal(&self) -> Principal {
        let (Self::Global(principal) | Self::Environment(principal)) = self;
        *principal
    }
}

/// One page of the administrators with a role in this scope.
pub async fn list(
    state: &State,
    scope: &RoleScope,
    query: &PageQuery,
) -> Result<Page<(Administrator, Role)>> {
    let environment_id = scope.viewed()?;
    let list = List::of(environment_id.unwrap_or(EnvironmentId::from_bits(0)), "administrators");
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found = store::administrators::list(&mut conn, environment_id, wanted.from, wanted.limit()).await?;
    Ok(wanted.page_of(state, &list, found, |(administrator, _)| administrator.id))
}

/// The first hundred administrators with a global role, for a caller who may view an environment: they may know
/// who else has access to it.
pub async fn list_global(state: &State, principal: &Principal) -> Result<Vec<(Administrator, Role)>> {
    principal.authorize(Action::AdministratorsView, On::Environment)?;
    let mut conn = state.db.read().await?;
    Ok(store::administrators::list(&mut conn, None, None, 100).await?)
}

/// Whether there is any administrator.
pub async fn any_exists(state: &State) -> Result<bool> {
    Ok(store::administrators::any_exists(&mut state.db.read().await?).await?)
}

/// The administrator with this e-mail address.
pub async fn find_by_email(state: &State, email: &str) -> Result<Administrator> {
    let missing = || Error::not_found("administrator", input::quoted(email));
    let parsed = Email::parse(email.trim()).ok_or_else(missing)?;
    let mut conn = state.db.read().await?;
    let found = store::administrators::find_by_email(&mut conn, &parsed).await?;
    found.filter(|found| found.disabled_at.is_none()).ok_or_else(missing)
}

/// Changes the role of an administrator who has one in this scope.
pub async fn set_role(state: &State, scope: &RoleScope, id: AdministratorId, role: Role) -> Result<()> {
    let environment_id = scope.owned()?;
    let (mut edit, before) = begin(state, environment_id, id).await?;
    if before == role {
        return Ok(());
    }
    if role > before {
        scope.principal().require_recent_authentication(state.now())?;
    }
    store::administrators::upsert_grant(&mut edit.tx, id, RoleGrant { environment_id, role }).await?;
    if before == Role::Owner {
        ensure_owner_remains(&mut edit.tx, environment_id).await?;
        store::invitations::remove_by_inviter(&mut edit.tx, id.into()).await?;
    }
    record_role(&mut edit, state, scope, environment_id, before, Some(role)).await?;
    edit.commit().await?;
    Ok(())
}

/// Removes the role of an administrator in this scope. Without another role the account is disabled: its
/// sessions, password and passkeys are removed.
pub async fn remove(state: &State, scope: &RoleScope, id: AdministratorId) -> Result<()> {
    let environment_id = scope.owned()?;
    let (mut edit, before) = begin(state, environment_id, id).await?;
    remove_grant(&mut edit, state, scope, environment_id, before).await?;
    edit.commit().await?;
    Ok(())
}

/// [`remove`] for everybody who has a role in an environment that is being removed, within its transaction.
pub(in crate::app) async fn remove_all(
    mut tx: Transaction,
    state: &State,
    principal: &Principal,
    environment_id: EnvironmentId,
) -> Result<Transaction> {
    let scope = RoleScope::Environment(*principal);
    store::administrators::lock_owners(&mut tx).await?;
    let there = store::administrators::list(&mut tx, Some(environment_id), None, i64::MAX).await?;
    for (administrator, role) in there {
        let mut edit = Edit::<Administrator>::begin(tx, administrator.id, administrator.id, None).await?;
        remove_grant(&mut edit, state, &scope, Some(environment_id), role).await?;
        tx = edit.tx;
    }
    Ok(tx)
}

/// Removes a role of a locked account; without another one the account is disabled.
async fn remove_grant(
    edit: &mut Edit<Administrator>,
    state: &State,
    scope: &RoleScope,
    environment_id: Option<EnvironmentId>,
    before: Role,
) -> Result<()> {
    let id = edit.row.id;
    store::administrators::remove_grant(&mut edit.tx, id, environment_id).await?;
    if before == Role::Owner {
        ensure_owner_remains(&mut edit.tx, environment_id).await?;
    }
    store::invitations::remove_by_inviter(&mut edit.tx, id.into()).await?;
    record_role(edit, state, scope, environment_id, before, None).await?;
    if store::administrators::list_grants(&mut edit.tx, id).await?.0.is_empty() {
        disable(edit, state, scope).await?;
    }
    Ok(())
}

/// Grants a role where there is a lesser one or none, within the caller's transaction, which has locked or added the
/// account.
pub(super) async fn grant_role(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    administrator: &Administrator,
    grant: RoleGrant,
) -> Result<()> {
    let grants = store::administrators::list_grants(tx, administrator.id).await?;
    let before =
        grants.0.iter().find(|held| held.environment_id == grant.environment_id).map(|held| held.role);
    if before.is_some_and(|before| before >= grant.role) {
        return Ok(());
    }
    store::administrators::upsert_grant(tx, administrator.id, grant).await?;
    let entry = role_entry(administrator, grant.environment_id, before, Some(grant.role));
    audit::record(tx, state, grant.environment_id, principal, entry).await
}

/// Begins a change of an administrator's role in this scope; returns the role too. The owners of everything are locked
/// before the account, so that two of them who remove each other at once do so one after the other.
async fn begin(
    state: &State,
    environment_id: Option<EnvironmentId>,
    id: AdministratorId,
) -> Result<(Edit<Administrator>, Role)> {
    let mut tx = state.db.write().await?;
    store::administrators::lock_owners(&mut tx).await?;
    let mut edit = Edit::<Administrator>::begin(tx, id, id, None).await?;
    let grants = store::administrators::list_grants(&mut edit.tx, id).await?;
    let held = grants.0.iter().find(|grant| grant.environment_id == environment_id);
    let role = held.ok_or_else(|| Error::not_found("administrator", id))?.role;
    Ok((edit, role))
}

/// Returns an error if no global owner would remain. An environment needs no owner of its own: global owners own
/// it too.
async fn ensure_owner_remains(tx: &mut Transaction, environment_id: Option<EnvironmentId>) -> Result<()> {
    if environment_id.is_none() && store::administrators::count_owners(tx).await? == 0 {
        return Err(Error::FailedPrecondition(
            "the last owner of everything cannot be removed or get a smaller role; make somebody else an owner \
             of everything first"
                .into(),
        ));
    }
    Ok(())
}

async fn disable(edit: &mut Edit<Administrator>, state: &State, scope: &RoleScope) -> Result<()> {
    let now = state.now();
    edit.row.disabled_at = Some(now);
    edit.write(state).await?;
    // An open reset link or invitation would restore access. The account is locked by whoever makes or uses one, too.
    store::invitations::remove_by_email::<RoleGrant>(&mut edit.tx, &edit.row.email).await?;
    store::passwords::remove(&mut edit.tx, edit.row.id.into()).await?;
    store::passkeys::remove_all(&mut edit.tx, edit.row.id.into()).await?;
    store::sessions::revoke_all(&mut edit.tx, edit.row.id, None, now).await?;
    let entry = Entry::of(&edit.row, "disabled");
    audit::record(&mut edit.tx, state, None, &scope.principal(), entry).await
}

fn role_entry(
    administrator: &Administrator,
    environment_id: Option<EnvironmentId>,
    before: Option<Role>,
    after: Option<Role>,
) -> Entry {
    let fields = |role: Option<Role>| match role {
        Some(role) => audit_fields! {
            "role": role.as_str(),
            "environmentId": environment_id.map(|id| id.to_string()),
        },
        None => serde_json::Map::new(),
    };
    let mut entry = Entry::of(administrator, "role_changed").with_values(fields(after));
    entry.before = fields(before);
    entry
}

async fn record_role(
    edit: &mut Edit<Administrator>,
    state: &State,
    scope: &RoleScope,
    environment_id: Option<EnvironmentId>,
    before: Role,
    after: Option<Role>,
) -> Result<()> {
    let entry = role_entry(&edit.row, environment_id, Some(before), after);
    audit::record(&mut edit.tx, state, environment_id, &scope.principal(), entry).await
}
