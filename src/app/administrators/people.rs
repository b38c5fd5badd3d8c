//! Who may do what: listed, changed, taken away. There is always somebody who owns everything.

use super::{Device, confirm};
use crate::{
    app::{
        Error, Result, State,
        actor::{Actor, Principal},
        audit::{self, Entry},
        page::{List, Page, PageQuery, PageRequest},
    },
    model::{
        administrator::{Administrator, Role, RoleGrant},
        audit::audit_fields,
        id::{AdministratorId, EnvironmentId},
    },
    store::{self, Transaction, admin_invitations, admin_passkeys, admin_sessions},
};

/// Where somebody works on people: in one environment, or on those of every one.
#[derive(Debug, Clone, Copy)]
pub enum Scope {
    /// In every environment, those to come too.
    Everywhere(Principal),
    /// In one.
    Environment(Actor),
}

impl Scope {
    /// The environment of the roles (`None`: every one), if the caller may say who has them.
    pub fn owned(&self) -> Result<Option<EnvironmentId>> {
        match self {
            Self::Everywhere(principal) => principal.require_global_owner().map(|()| None),
            Self::Environment(actor) => actor.authorize_own().map(Some),
        }
    }

    /// The environment of the roles (`None`: every one), if the caller may look at them.
    fn viewed(&self) -> Result<Option<EnvironmentId>> {
        match self {
            Self::Everywhere(_) => self.owned(),
            Self::Environment(actor) => actor.authorize_view().map(Some),
        }
    }

    /// Who works.
    pub fn principal(&self) -> Principal {
        match self {
            Self::Everywhere(principal) => *principal,
            Self::Environment(actor) => actor.principal(),
        }
    }
}

/// One page of those with a role here.
pub async fn list(state: &State, scope: &Scope, query: &PageQuery) -> Result<Page<(Administrator, Role)>> {
    let environment_id = scope.viewed()?;
    let list = List::of(environment_id.unwrap_or(EnvironmentId::from_bits(0)), "administrators");
    let wanted = PageRequest::parse(state, &list, query)?;
    let mut conn = state.db.read().await?;
    let found = store::administrators::list(&mut conn, environment_id, wanted.from, wanted.limit()).await?;
    Ok(wanted.page_of(state, &list, found, |(administrator, _)| administrator.id))
}

/// Those with a role in every environment, the first hundred, for whoever may look at one of them: who else
/// can see it is no secret there.
pub async fn list_everywhere(state: &State, actor: &Actor) -> Result<Vec<(Administrator, Role)>> {
    actor.authorize_view()?;
    let mut conn = state.db.read().await?;
    Ok(store::administrators::list(&mut conn, None, None, 100).await?)
}

/// Whether there is any administrator.
pub async fn any_exists(state: &State) -> Result<bool> {
    Ok(store::administrators::any_exists(&mut state.db.read().await?).await?)
}

/// The administrator whom a person names by address.
pub async fn find_by_email(state: &State, email: &str) -> Result<Administrator> {
    let missing = || Error::not_found("administrator", crate::app::input::quoted(email));
    let parsed = crate::model::email::Email::parse(email.trim()).ok_or_else(missing)?;
    let mut conn = state.db.read().await?;
    let found = store::administrators::find_by_email(&mut conn, &parsed).await?;
    found.filter(|found| found.disabled_at.is_none()).ok_or_else(missing)
}

/// Gives somebody who has a role here another one.
pub async fn set_role(state: &State, scope: &Scope, id: AdministratorId, role: Role) -> Result<()> {
    let environment_id = scope.owned()?;
    let mut tx = state.db.write().await?;
    let (administrator, before) = locked(&mut tx, environment_id, id).await?;
    if before == role {
        return Ok(());
    }
    if role > before {
        scope.principal().require_recent_authentication()?;
    }
    store::administrators::upsert_grant(&mut tx, id, RoleGrant { environment_id, role }).await?;
    if before == Role::Owner {
        keep_an_owner(&mut tx, environment_id).await?;
        admin_invitations::remove_by_inviter(&mut tx, id).await?;
    }
    record_role(&mut tx, state, scope, &administrator, environment_id, Some(before), Some(role)).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes somebody's role here away. Who has no other one is no administrator any more: sessions,
/// password and passkeys go.
pub async fn remove(state: &State, scope: &Scope, id: AdministratorId) -> Result<()> {
    let environment_id = scope.owned()?;
    let mut tx = state.db.write().await?;
    let (administrator, before) = locked(&mut tx, environment_id, id).await?;
    store::administrators::remove_grant(&mut tx, id, environment_id).await?;
    if before == Role::Owner {
        keep_an_owner(&mut tx, environment_id).await?;
    }
    admin_invitations::remove_by_inviter(&mut tx, id).await?;
    record_role(&mut tx, state, scope, &administrator, environment_id, Some(before), None).await?;
    if store::administrators::list_grants(&mut tx, id).await?.0.is_empty() {
        disable(&mut tx, state, scope, administrator).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Gives a role where there was a smaller one or none, as part of something else.
pub(super) async fn raise(
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

/// The administrator with this id and their role here. Whoever else changes roles waits until the
/// transaction's end.
async fn locked(
    tx: &mut Transaction,
    environment_id: Option<EnvironmentId>,
    id: AdministratorId,
) -> Result<(Administrator, Role)> {
    store::administrators::lock_owners(tx).await?;
    let missing = || Error::not_found("administrator", id);
    let administrator = store::administrators::find(tx, id).await?.ok_or_else(missing)?;
    let grants = store::administrators::list_grants(tx, id).await?;
    let held = grants.0.iter().find(|grant| grant.environment_id == environment_id);
    Ok((administrator, held.ok_or_else(missing)?.role))
}

/// Refuses what would leave nobody who owns everything. An environment may be without an owner of its own:
/// those of everything own it too.
async fn keep_an_owner(tx: &mut Transaction, environment_id: Option<EnvironmentId>) -> Result<()> {
    if environment_id.is_none() && store::administrators::count_owners(tx).await? == 0 {
        return Err(Error::FailedPrecondition(
            "the last owner of everything cannot be removed or get a smaller role; make somebody else an owner \
             of everything first"
                .into(),
        ));
    }
    Ok(())
}

async fn disable(
    tx: &mut Transaction,
    state: &State,
    scope: &Scope,
    administrator: Administrator,
) -> Result<()> {
    let now = state.now();
    // A link to get back in, or an older invitation that they had not used, would let them in again. Taken back
    // first: whoever uses one at this moment is through before, or finds it gone.
    admin_invitations::remove_by_email(tx, &administrator.email).await?;
    store::administrators::disable(tx, administrator.id, now).await?;
    admin_passkeys::remove_all(tx, administrator.id).await?;
    admin_sessions::revoke_all(tx, administrator.id, None, now).await?;
    audit::record(tx, state, None, &scope.principal(), Entry::of(&administrator, "disabled")).await
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
    tx: &mut Transaction,
    state: &State,
    scope: &Scope,
    administrator: &Administrator,
    environment_id: Option<EnvironmentId>,
    before: Option<Role>,
    after: Option<Role>,
) -> Result<()> {
    let entry = role_entry(administrator, environment_id, before, after);
    audit::record(tx, state, environment_id, &scope.principal(), entry).await
}

/// Changes an administrator's own name.
pub async fn rename(state: &State, who: &super::SignedIn, name: &str, device: &Device) -> Result<()> {
    let name = crate::app::input::line("displayName", name.trim(), 200)?;
    let mut tx = state.db.write().await?;
    let before = super::lock_own(&mut tx, who).await?;
    let after = Administrator { display_name: name, updated_at: state.now(), ..before.clone() };
    store::administrators::update(&mut tx, &after).await?;
    let mut entry = Entry::of(&after, "updated");
    entry.before = audit_fields! { "displayName": before.display_name };
    entry.after = audit_fields! { "displayName": after.display_name };
    if before.display_name != after.display_name {
        audit::record(&mut tx, state, None, &who.principal(device.address), entry).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Changes an administrator's own password, or gives them their first one, and ends their other sessions.
pub async fn set_password(
    state: &State,
    who: &super::SignedIn,
    current: &str,
    new: &str,
    device: &Device,
) -> Result<()> {
    super::sign_in::check_passwords(state)?;
    let administrator = &who.administrator;
    match administrator.password_hash {
        // To know it is proof enough.
        Some(_) if super::sign_in::verify_own(state, administrator, current, device).await? => {}
        Some(_) => return Err(Error::invalid("currentPassword", "is not your password")),
        None => confirm::check(state, who)?,
    }
    let own = [administrator.email.as_str(), &administrator.display_name];
    state.passwords.check("newPassword", new, &own).await?;
    let hash = state.passwords.hash(new, &*state.random).await?;
    let mut tx = state.db.write().await?;
    let before = super::lock_own(&mut tx, who).await?;
    if before.password_hash != administrator.password_hash {
        return Err(Error::FailedPrecondition("your password was changed in the meantime".into()));
    }
    let after = Administrator { password_hash: Some(hash), updated_at: state.now(), ..before };
    store::administrators::update(&mut tx, &after).await?;
    admin_sessions::revoke_all(&mut tx, after.id, Some(who.session.id), state.now()).await?;
    let entry = Entry::of(&after, "password_changed");
    audit::record(&mut tx, state, None, &who.principal(device.address), entry).await?;
    tx.commit().await?;
    Ok(())
}
