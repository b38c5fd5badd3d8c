//! Invitations and reset links: created, listed and revoked.

use base::{
    id::{AdminInvitationId, AdministratorId, EnvironmentId},
    secret::AdminInvitationToken,
};
use model::{
    account::{AdminInvitation, InvitationPurpose},
    administrator::{Administrator, Role, RoleGrant},
    audit::Audited,
    email::Email,
    letter::LetterKind,
    organization::root_id,
};

use crate::{
    app::{
        Error, Result, State,
        accounts::invitations::{self, NewInvitation},
        administrators::{
            roles::{RoleScope, grant_role},
            signed_in::lock_enabled,
        },
        audit::{self, Entry},
        mail::outbox::{self, Link, NewLetter},
        permissions::Action,
        principal::{Principal, Subject},
    },
    store,
};

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
    create_in(state, scope, email, role, None).await
}

/// [`create`], with a letter of an environment to whoever is invited, where a mail server is set up.
pub async fn create_by_mail(
    state: &State,
    scope: &RoleScope,
    email: &str,
    role: Role,
    environment_id: EnvironmentId,
) -> Result<InviteOutcome> {
    create_in(state, scope, email, role, Some(environment_id)).await
}

async fn create_in(
    state: &State,
    scope: &RoleScope,
    email: &str,
    role: Role,
    mail_of: Option<EnvironmentId>,
) -> Result<InviteOutcome> {
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
    let grant = RoleGrant { environment_id, role };
    invitations::require_room(&mut tx, state, &grant).await?;
    let new = new(InvitationPurpose::Join, email, grant, &scope.principal());
    let (invitation, token) = invitations::create(&mut tx, state, new).await?;
    if let (Some(mail_of), Some(recipient)) = (mail_of, invitation.email.as_ref()) {
        let link = state.links.console_join(&token.reveal());
        let letter = NewLetter {
            asked_by: None,
            not_sent: None,
            environment_id: mail_of,
            organization_id: root_id(mail_of),
            account: None,
            kind: LetterKind::Invitation,
            recipient: Some(recipient),
            code: None,
            link: Link::To(&link),
        };
        outbox::put(&mut tx, state, &letter).await?;
    }
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
    let new = new(InvitationPurpose::Reset, Some(administrator.email), grant, principal);
    let (invitation, token) = invitations::create(&mut tx, state, new).await?;
    let entry = Entry::of(&invitation, "created").with_values(audited(&invitation));
    audit::record(&mut tx, state, None, principal, entry).await?;
    tx.commit().await?;
    Ok((invitation, token))
}

fn new(
    purpose: InvitationPurpose,
    email: Option<Email>,
    grant: RoleGrant,
    principal: &Principal,
) -> NewInvitation<RoleGrant> {
    let invited_by = match principal.subject {
        Subject::Administrator { id, .. } => Some(id.into()),
        _ => None,
    };
    NewInvitation { purpose, email, grant, invited_by }
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
    invitations::list_open(state, environment_id).await
}

/// Revokes an invitation: its link is no longer valid.
pub async fn revoke(state: &State, scope: &RoleScope, id: AdminInvitationId) -> Result<()> {
    let environment_id = scope.owned()?;
    let missing = || Error::not_found("invitation", id);
    let mut tx = state.db.write().await?;
    let found: Option<AdminInvitation> = store::invitations::find(&mut tx, environment_id, id).await?;
    let invitation = found.ok_or_else(missing)?;
    if !store::invitations::remove(&mut tx, &invitation).await? {
        return Err(missing());
    }
    let entry = Entry::of(&invitation, "revoked").with_values(audited(&invitation));
    audit::record(&mut tx, state, environment_id, &scope.principal(), entry).await?;
    tx.commit().await?;
    Ok(())
}
