//! Sharing an application with organizations, and ending that.
//!
//! What holds for all of them stands in the application's row, what holds for single ones in rows of their own. Whoever changes
//! either holds the lock of the application, and ends in the same transaction the tokens and grants of organizations with which
//! it is not shared any more.

use base::id::{ApplicationId, EnvironmentId, Id, IdKind as _, OrganizationId, OrganizationKind};
use model::{
    application::{Application, RoleSharing, RoleSharingMode, Sharing},
    audit::audit_fields,
};

use super::sharing;
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        principal::Principal,
        resource::Edit,
        retry::retry_deadlocks,
    },
    store::{Conn, application_shares, application_shares::Share},
};

/// How many organizations one call names at most.
pub const MAX_ORGANIZATIONS: usize = 15_000;

/// How many of them an entry of the audit log names.
const MAX_AUDITED: usize = 100;

/// With which organization, and how far, an application is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedShare {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Whether also with all that are and will be below it.
    pub with_children: bool,
    /// Which roles are shared along.
    pub roles: RoleSharing,
}

/// Shares an application with all organizations that there are, those of the future too, or with none. What was said of single ones
/// is forgotten.
pub async fn share_with_all(
    state: &State,
    principal: &Principal,
    id: ApplicationId,
    with: Sharing,
    roles: &RoleSharing,
) -> Result<Application> {
    retry_deadlocks(async || {
        let mut edit = begin(state, principal, id).await?;
        if with != Sharing::None {
            require_sharable(&edit.row)?;
        }
        edit.row.shared = with;
        edit.row.shared_at = Some(state.now());
        edit.row.shared_roles = roles.clone();
        edit.save(state, principal).await?;
        forget_single_ones(&mut edit).await?;
        end_where_not_shared(&mut edit, state).await?;
        edit.commit().await
    })
    .await
}

/// Shares an application with these organizations: beside those that were named before, and instead of all.
pub async fn share_with_selected(
    state: &State,
    principal: &Principal,
    id: ApplicationId,
    shares: &[SelectedShare],
) -> Result<Application> {
    retry_deadlocks(async || {
        let mut edit = begin(state, principal, id).await?;
        require_sharable(&edit.row)?;
        let shared = shares.iter().map(|share| Share {
            organization_id: share.organization_id,
            shared: true,
            with_children: share.with_children,
            roles: share.roles.clone(),
        });
        // One statement cannot write a row twice: the last word counts.
        let mut rows: Vec<Share> = shared.rev().collect();
        rows.sort_by_key(|row| row.organization_id);
        rows.dedup_by_key(|row| row.organization_id);
        let named: Vec<OrganizationId> = rows.iter().map(|row| row.organization_id).collect();
        require_organizations(&mut edit.tx, edit.row.environment_id, &named).await?;
        if edit.row.shared != Sharing::Selected {
            edit.row.shared = Sharing::Selected;
            edit.row.shared_at = Some(state.now());
            edit.save(state, principal).await?;
            forget_single_ones(&mut edit).await?;
        }
        application_shares::put(&mut edit.tx, id, &rows, state.now()).await?;
        end_where_not_shared(&mut edit, state).await?;
        record(&mut edit, state, principal, "shared", &named).await?;
        edit.commit().await
    })
    .await
}

/// Ends the sharing of an application with these organizations, and with those below them if `with_children`.
pub async fn unshare(
    state: &State,
    principal: &Principal,
    id: ApplicationId,
    organizations: &[OrganizationId],
    with_children: bool,
) -> Result<Application> {
    retry_deadlocks(async || {
        let mut edit = begin(state, principal, id).await?;
        require_organizations(&mut edit.tx, edit.row.environment_id, organizations).await?;
        for organization_id in organizations {
            application_shares::remove(&mut edit.tx, id, *organization_id, with_children).await?;
            // It may be shared with all, or with all below another one.
            if sharing::is_shared(&mut edit.tx, &edit.row, *organization_id).await? {
                let row = Share {
                    organization_id: *organization_id,
                    shared: false,
                    with_children,
                    roles: RoleSharing::NONE,
                };
                application_shares::put(&mut edit.tx, id, &[row], state.now()).await?;
            }
        }
        end_where_not_shared(&mut edit, state).await?;
        record(&mut edit, state, principal, "unshared", organizations).await?;
        edit.commit().await
    })
    .await
}

/// Adds roles to those that are shared along with an application in one organization, or takes them away.
pub async fn change_roles(
    state: &State,
    principal: &Principal,
    id: ApplicationId,
    organization_id: OrganizationId,
    add: bool,
    roles: &[String],
) -> Result<()> {
    retry_deadlocks(async || {
        let mut edit = begin(state, principal, id).await?;
        require_organizations(&mut edit.tx, edit.row.environment_id, &[organization_id]).await?;
        if !sharing::is_shared(&mut edit.tx, &edit.row, organization_id).await? {
            return Err(Error::not_found(OrganizationKind::NOUN, organization_id));
        }
        let closest = application_shares::find_closest(&mut edit.tx, id, organization_id).await?;
        let own = closest.as_ref().is_some_and(|share| share.organization_id == organization_id);
        let with_children = own && closest.as_ref().is_some_and(|share| share.with_children);
        let present = closest.map_or_else(|| edit.row.shared_roles.clone(), |share| share.roles);
        let mut named = match present.mode {
            RoleSharingMode::All => super::roles::ids(&mut edit.tx, &edit.row).await?,
            RoleSharingMode::Selected => present.roles,
            RoleSharingMode::None => Vec::new(),
        };
        named.retain(|role| !roles.contains(role));
        if add {
            named.extend(roles.iter().cloned());
        }
        let roles = RoleSharing { mode: RoleSharingMode::Selected, roles: named };
        let row = Share { organization_id, shared: true, with_children, roles };
        application_shares::put(&mut edit.tx, id, &[row], state.now()).await?;
        super::roles::end_where_not_there(&mut edit.tx, &edit.row, &[]).await?;
        record(&mut edit, state, principal, "shared_roles_changed", &[organization_id]).await?;
        edit.commit().await?;
        Ok(())
    })
    .await
}

/// Forgets what was said of single organizations.
async fn forget_single_ones(edit: &mut Edit<Application>) -> Result<()> {
    Ok(application_shares::remove_all(&mut edit.tx, edit.row.id).await?)
}

/// Ends what an application was given in organizations with which it is not shared, and what its roles gave where they are not any more:
/// people get them anew once it is shared again.
async fn end_where_not_shared(edit: &mut Edit<Application>, state: &State) -> Result<()> {
    application_shares::revoke_where_not_shared(&mut edit.tx, edit.row.id, state.now()).await?;
    super::roles::end_where_not_there(&mut edit.tx, &edit.row, &[]).await
}

async fn begin(state: &State, principal: &Principal, id: ApplicationId) -> Result<Edit<Application>> {
    let edit = Edit::<Application>::begin_as(state.db.write().await?, principal, id, None).await?;
    match edit.row.is_of_system() {
        false => Ok(edit),
        true => Err(Error::not_found("application", id)),
    }
}

fn require_sharable(application: &Application) -> Result<()> {
    match application.can_be_shared() {
        true => Ok(()),
        false => Err(Error::invalid(
            "shared",
            "only your own applications are shared, and a service client only with the grant organization_switch",
        )),
    }
}

/// Requires that these organizations are in the environment.
async fn require_organizations(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    ids: &[OrganizationId],
) -> Result<()> {
    if ids.len() > MAX_ORGANIZATIONS {
        return Err(Error::invalid("organizations", format!("must be at most {MAX_ORGANIZATIONS}")));
    }
    match application_shares::find_missing(conn, environment_id, ids).await? {
        None => Ok(()),
        Some(id) => Err(Error::not_found(OrganizationKind::NOUN, id)),
    }
}

async fn record(
    edit: &mut Edit<Application>,
    state: &State,
    principal: &Principal,
    done: &str,
    organizations: &[OrganizationId],
) -> Result<()> {
    let named: Vec<String> = organizations.iter().take(MAX_AUDITED).map(Id::to_string).collect();
    let values = audit_fields! { "organizations": named, "count": organizations.len() };
    let entry = Entry::of(&edit.row, done).with_values(values);
    let environment_id = edit.row.environment_id;
    audit::record(&mut edit.tx, state, Some(environment_id), principal, entry).await
}
