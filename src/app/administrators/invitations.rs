//! Invitations: single-use links that make somebody an administrator or reset an administrator's credentials.

use std::time::Duration;

use super::{
    Device,
    roles::{self, RoleScope},
    sessions::NewSession,
    sign_in,
};
use crate::{
    app::{
        Error, Result, State,
        actor::{Credential, Principal},
        audit::{self, Entry},
        input,
    },
    model::{
        administrator::{
            AdminInvitation, Administrator, AuthenticationMethod, InvitationPurpose, PasswordHash, Role,
            RoleGrant,
        },
        email::Email,
        environment::Environment,
        id::{AdminInvitationId, AdministratorId, Id},
        secret::AdminInvitationToken,
    },
    store::{
        self, Transaction, admin_invitations,
        admin_passkeys::{self, StoredPasskey},
        admin_sessions,
    },
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
    scope.principal().require_recent_authentication()?;
    let email = match email.trim() {
        "" if matches!(scope.principal().credential, Credential::Operator) => None,
        "" => return Err(Error::invalid("email", "is required")),
        text => Some(parse_email(text)?),
    };
    let mut tx = state.db.write().await?;
    if let Some(email) = &email
        && let Some(known) = store::administrators::find_by_email(&mut tx, email).await?
        && known.disabled_at.is_none()
    {
        // The creator of a link could use it to sign in as an administrator with more rights.
        let grant = RoleGrant { environment_id, role };
        roles::grant_role(&mut tx, state, &scope.principal(), &known, grant).await?;
        tx.commit().await?;
        return Ok(InviteOutcome::Added(known));
    }
    if admin_invitations::list_open(&mut tx, environment_id, state.now(), MAX_OPEN_INVITATIONS).await?.len()
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
    admin_invitations::insert(&mut tx, &invitation, token.digest()).await?;
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
    principal.require_global_owner()?;
    principal.require_recent_authentication()?;
    let mut tx = state.db.write().await?;
    let administrator = store::administrators::find(&mut tx, id).await?;
    let administrator = administrator
        .filter(|found| found.disabled_at.is_none())
        .ok_or_else(|| Error::not_found("administrator", id))?;
    let grant = RoleGrant { environment_id: None, role: Role::Viewer };
    let invitation = new(state, InvitationPurpose::Reset, Some(administrator.email), grant, principal);
    let token = AdminInvitationToken::new(&*state.random);
    admin_invitations::insert(&mut tx, &invitation, token.digest()).await?;
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
        invited_by: match principal.credential {
            Credential::Administrator { id, .. } => Some(id),
            _ => None,
        },
        created_at: now,
        expires_at: now + LIFETIME,
        consumed_at: None,
    }
}

fn audited(invitation: &AdminInvitation) -> serde_json::Map<String, serde_json::Value> {
    crate::model::audit::Audited::audit_fields(invitation)
}

fn parse_email(text: &str) -> Result<Email> {
    Email::parse(text).ok_or_else(|| Error::invalid("email", "must be an e-mail address: dana@example.com"))
}

/// The open invitations of this scope.
pub async fn list(state: &State, scope: &RoleScope) -> Result<Vec<AdminInvitation>> {
    let environment_id = scope.owned()?;
    let mut conn = state.db.read().await?;
    Ok(admin_invitations::list_open(&mut conn, environment_id, state.now(), MAX_OPEN_INVITATIONS).await?)
}

/// Revokes an invitation: its link is no longer valid.
pub async fn revoke(state: &State, scope: &RoleScope, id: AdminInvitationId) -> Result<()> {
    let environment_id = scope.owned()?;
    let missing = || Error::not_found("invitation", id);
    let mut tx = state.db.write().await?;
    let invitation = admin_invitations::find(&mut tx, environment_id, id).await?.ok_or_else(missing)?;
    if !admin_invitations::remove(&mut tx, environment_id, id).await? {
        return Err(missing());
    }
    let entry = Entry::of(&invitation, "revoked").with_values(audited(&invitation));
    audit::record(&mut tx, state, environment_id, &scope.principal(), entry).await?;
    tx.commit().await?;
    Ok(())
}

/// An invitation, found by the token of its link.
#[derive(Debug, Clone)]
pub struct OpenedInvitation {
    /// The invitation.
    pub invitation: AdminInvitation,
    /// The environment it is for; `None` for every one.
    pub environment: Option<Environment>,
    /// The account of its address, if there is one.
    pub account: Option<Administrator>,
}

/// Loads the invitation of a link. Does not consume it.
pub async fn open(state: &State, token: &str) -> Result<OpenedInvitation> {
    let mut conn = state.db.read().await?;
    let invitation = find_open(&mut conn, state, token).await?;
    let environment = match invitation.grant.environment_id {
        Some(id) => store::environments::find(&mut conn, id).await?,
        None => None,
    };
    let account = match &invitation.email {
        Some(email) => store::administrators::find_by_email(&mut conn, email).await?,
        None => None,
    };
    let removed = account.as_ref().is_none_or(|account| account.disabled_at.is_some());
    if invitation.purpose == InvitationPurpose::Reset && removed {
        return Err(Error::not_found("invitation", ""));
    }
    Ok(OpenedInvitation { invitation, environment, account })
}

async fn find_open(conn: &mut store::Conn, state: &State, token: &str) -> Result<AdminInvitation> {
    let missing = || Error::not_found("invitation", "");
    let token: AdminInvitationToken = token.parse().map_err(|_| missing())?;
    let found = admin_invitations::find_by_token(conn, token.digest()).await?;
    found
        .filter(|invitation| invitation.consumed_at.is_none() && invitation.expires_at > state.now())
        .ok_or_else(missing)
}

/// What a person enters to accept an invitation.
#[derive(Debug, Clone, Default)]
pub struct InvitationForm {
    /// Their address, where the invitation names none.
    pub email: String,
    /// Their display name.
    pub display_name: String,
}

/// The credential of an account whose invitation is accepted.
pub(super) enum NewCredential {
    /// A password.
    Password(PasswordHash),
    /// A passkey for the account with this id, and its `credential_key`.
    Passkey(AdministratorId, Box<StoredPasskey>, String),
}

/// The address that an invitation is accepted with.
pub(super) fn invitee_email(invitation: &AdminInvitation, form: &InvitationForm) -> Result<Email> {
    match &invitation.email {
        Some(email) => Ok(email.clone()),
        None => parse_email(form.email.trim()),
    }
}

/// Accepts an invitation with a password. Returns the new session.
pub async fn accept_with_password(
    state: &State,
    token: &str,
    form: &InvitationForm,
    password: &str,
    device: &Device,
) -> Result<NewSession> {
    sign_in::check_passwords_enabled(state)?;
    let invitation = find_open(&mut state.db.read().await?, state, token).await?;
    let email = invitee_email(&invitation, form)?;
    state.passwords.check("newPassword", password, &[email.as_str(), &form.display_name]).await?;
    let hash = state.passwords.hash(password, &*state.random).await?;
    accept(state, token, form, NewCredential::Password(hash), device).await
}

/// Accepts an invitation: one transaction consumes it and writes the administrator, the credential and the
/// session.
pub(super) async fn accept(
    state: &State,
    token: &str,
    form: &InvitationForm,
    credential: NewCredential,
    device: &Device,
) -> Result<NewSession> {
    let now = state.now();
    let display_name = input::line("displayName", form.display_name.trim(), 200)?;
    let mut tx = state.db.write().await?;
    let invitation = find_open(&mut tx, state, token).await?;
    let email = invitee_email(&invitation, form)?;
    if !admin_invitations::consume(&mut tx, invitation.id, now).await? {
        return Err(Error::not_found("invitation", ""));
    }
    let known = store::administrators::find_by_email(&mut tx, &email).await?;
    let is_new = known.is_none();
    let mut administrator = match known {
        Some(known) if known.disabled_at.is_none() && invitation.purpose == InvitationPurpose::Join => {
            // They accepted another invitation in the meantime. This one must not give access to their account.
            return Err(Error::invalid("email", "already belongs to an administrator; sign in instead"));
        }
        Some(known) if known.disabled_at.is_some() && invitation.purpose == InvitationPurpose::Reset => {
            // They were removed in the meantime. A reset does not enable an account again.
            return Err(Error::not_found("invitation", ""));
        }
        Some(known) => known,
        None if invitation.purpose == InvitationPurpose::Reset => {
            return Err(Error::not_found("invitation", ""));
        }
        None => Administrator {
            id: match &credential {
                NewCredential::Passkey(id, ..) => *id,
                NewCredential::Password(_) => Id::new(now, &*state.random),
            },
            email,
            display_name: String::new(),
            password_hash: None,
            created_at: now,
            updated_at: now,
            disabled_at: None,
        },
    };
    if !display_name.is_empty() {
        administrator.display_name = display_name;
    }
    let was_removed = administrator.disabled_at.take().is_some();
    administrator.updated_at = now;
    administrator.password_hash = match &credential {
        NewCredential::Password(hash) => Some(hash.clone()),
        NewCredential::Passkey(..) => None,
    };
    if is_new {
        store::administrators::insert(&mut tx, &administrator)
            .await
            .map_err(Error::conflict_on("administrator", "email"))?;
    } else {
        if was_removed {
            store::administrators::enable(&mut tx, administrator.id, now).await?;
        }
        store::administrators::update(&mut tx, &administrator).await?;
        admin_passkeys::remove_all(&mut tx, administrator.id).await?;
        admin_sessions::revoke_all(&mut tx, administrator.id, None, now).await?;
    }
    if let NewCredential::Passkey(id, stored, credential_key) = &credential {
        if *id != administrator.id {
            return Err(Error::FailedPrecondition(
                "this passkey was made for another account; try again".into(),
            ));
        }
        admin_passkeys::insert(&mut tx, stored, credential_key)
            .await
            .map_err(Error::conflict_on("passkey", "credential"))?;
    }
    if invitation.purpose == InvitationPurpose::Join {
        let principal = Principal { credential: Credential::Service, address: device.address };
        roles::grant_role(&mut tx, state, &principal, &administrator, invitation.grant).await?;
    }
    let action = match invitation.purpose {
        InvitationPurpose::Join => "joined",
        InvitationPurpose::Reset => "credentials_reset",
    };
    record_acceptance(&mut tx, state, &administrator, action, &invitation, device).await?;
    let begun =
        sign_in::start_session(&mut tx, state, &administrator, AuthenticationMethod::Invitation, device)
            .await?;
    tx.commit().await?;
    Ok(begun)
}

async fn record_acceptance(
    tx: &mut Transaction,
    state: &State,
    administrator: &Administrator,
    action: &str,
    invitation: &AdminInvitation,
    device: &Device,
) -> Result<()> {
    let principal = sign_in::principal_of(tx, administrator, device).await?;
    let said = crate::model::audit::audit_fields! {
        "email": administrator.email.as_str(),
        "invitationId": invitation.id,
    };
    let entry = Entry::of(administrator, action).with_values(said);
    audit::record(tx, state, invitation.grant.environment_id, &principal, entry).await
}
