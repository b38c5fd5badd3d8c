//! Invitations and reset links: created, listed and revoked.

use std::time::Duration;

use base::{
    id::{AdminInvitationId, AdministratorId, Id},
    secret::AdminInvitationToken,
};
use model::{
    account::{AdminInvitation, InvitationPurpose},
    administrator::{Administrator, Role, RoleGrant},
    audit::Audited,
    email::Email,
};

use crate::{
    app::{
        Error, Result, State,
        actor::{Principal, Subject},
        administrators::{
            roles::{RoleScope, grant_role},
            signed_in::lock_enabled,
        },
        audit::{self, Entry},
        permissions::Action,
    },
    store,
};

/// How long a link is valid.
pub const LIFETIME: Duration = Duration::from_secs(72 * 3600);

/// The maximum number of open invitations in one scope.
const MAX_OPEN_INVITATIONS: i64 = 200;

/// The result of an invitation.
#[derive(Debug)]
pub enum InviteOutcome {
    /// A link was created. Its token is returned only here.
    Link(AdminInvitation, AdminInvitationToken),
    /// The address is that of an administrator, who was granted the role.
    Added(Administrator),
}

/// Invites somebody to a role. Only the operator may omit the address: such a link is for whoever has it.
pub async fn create(state: &State, scope: &RoleScope, email: &str, role: Role) -> Result<InviteOutcome> {
    let environment_id = scope.owned()?;
    scope.principal().require_recent_authentication(state.now())?;
    let email = match email.trim() {
        "" if scope.principal().subject == Subject::Operator => None,
        "" => return Err(Error::invalid("email", "is required")),
        text => Some(parse_email(text)?),
    };
    let mut tx = state.db.write().await?;
    if let Some(email) = &email
        && let Some(known) = store::administrators::find_by_email_for_update(&mut tx, email).await?
        && known.disabled_at.is_none()
    {
        // The creator of a link could use it to sign in as an administrator with more rights.
        let grant = RoleGrant { environment_id, role };
        grant_role(&mut tx, state, &scope.principal(), &known, grant).await?;
        tx.commit().await?;
        return Ok(InviteOutcome::Added(known));
    }
    if store::invitations::list_open(&mut tx, environment_id, state.now(), MAX_OPEN_INVITATIONS).await?.len()
        as i64
        >= MAX_OPEN_INVITATIONS
    {
        return Err(Error::FailedPrecondition(
            format!("there are {MAX_OPEN_INVITATIONS} open invitations; take some back first").into(),
        ));
    }
    let invitation =
        new(state, InvitationPurpose::Join, email, RoleGrant { environment_id, role }, &scope.principal());
    let token = AdminInvitationToken::new(&*state.random);
    store::invitations::insert(&mut tx, &invitation, token.digest()).await?;
    let entry = Entry::of(&invitation, "created").with_values(audited(&invitation));
    audit::record(&mut tx, state, environment_id, &scope.principal(), entry).await?;
    tx.commit().await?;
    Ok(InviteOutcome::Link(invitation, token))
}

/// Creates a link to reset the credentials of an administrator. Requires a global owner: the creator of the link
/// could use it.
pub async fn create_reset(
    state: &State,
    principal: &Principal,
    id: AdministratorId,
) -> Result<(AdminInvitation, AdminInvitationToken)> {
    principal.authorize_everywhere(Action::GlobalAdministratorsManage)?;
    principal.require_recent_authentication(state.now())?;
    let mut tx = state.db.write().await?;
    // A removal of the account waits, and then removes the link; or it came first.
    let administrator =
        lock_enabled(&mut tx, id).await?.ok_or_else(|| Error::not_found("administrator", id))?;
    let grant = RoleGrant { environment_id: None, role: Role::Viewer };
    let invitation = new(state, InvitationPurpose::Reset, Some(administrator.email), grant, principal);
    let token = AdminInvitationToken::new(&*state.random);
    store::invitations::insert(&mut tx, &invitation, token.digest()).await?;
    let entry = Entry::of(&invitation, "created").with_values(audited(&invitation));
    audit::record(&mut tx, state, None, principal, entry).await?;
    tx.commit().await?;
    Ok((invitation, token))
}

fn new(
    state: &State,
    purpose: InvitationPurpose,
    email: Option<Email>,
    grant: RoleGrant,
    principal: &Principal,
) -> AdminInvitation {
    let now = state.now();
    AdminInvitation {
        id: Id::new(now, &*state.random),
        purpose,
        email,
        grant,
        invited_by: match principal.subject {
            Subject::Administrator { id, .. } => Some(id),
            _ => None,
        },
        created_at: now,
        expires_at: now + LIFETIME,
        consumed_at: None,
    }
}

fn audited(invitation: &AdminInvitation) -> serde_json::Map<String, serde_json::Value> {
    Audited::audit_fields(invitation)
}

pub(super) fn parse_email(text: &str) -> Result<Email> {
    Email::parse(text).ok_or_else(|| Error::invalid("email", "must be an e-mail address: dana@example.com"))
}

/// The open invitations of this scope.
pub async fn list(state: &State, scope: &RoleScope) -> Result<Vec<AdminInvitation>> {
    let environment_id = scope.owned()?;
    let mut conn = state.db.read().await?;
    Ok(store::invitations::list_open(&mut conn, environment_id, state.now(), MAX_OPEN_INVITATIONS).await?)
}

/// Revokes an invitation: its link is no longer valid.
pub async fn revoke(state: &State, scope: &RoleScope, id: AdminInvitationId) -> Result<()> {
    let environment_id = scope.owned()?;
    let missing = || Error::not_found("invitation", id);
    let mut tx = state.db.write().await?;
    let invitation = store::invitations::find(&mut tx, environment_id, id).await?.ok_or_else(missing)?;
    if !store::invitations::remove(&mut tx, environment_id, id).await? {
        return Err(missing());
    }
    let entry = Entry::of(&invitation, "revoked").with_values(audited(&invitation));
    audit::record(&mut tx, state, environment_id, &scope.principal(), entry).await?;
    tx.commit().await?;
    Ok(())
}
