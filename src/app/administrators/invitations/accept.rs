//! Acceptance of an invitation, with a password or a passkey.

use base::id::{AdministratorId, Id};
use model::{
    account::PasswordHash,
    account::{AccountId, AdminInvitation, AuthenticationMethod, InvitationPurpose},
    administrator::Administrator,
    audit::audit_fields,
    email::Email,
};

use super::{manage::parse_email, open::open};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            Device,
            invitations::{closed, consume, find_open},
            passkeys::{Challenge, NewPasskey, PasskeyUser, registration_challenge},
            passwords::PasswordRealm,
        },
        administrators::{
            password_check,
            roles::grant_role,
            sessions::NewSession,
            settings::PASSWORD_POLICY,
            start_session::{principal_of, start_session},
        },
        audit::{self, Entry},
        input,
        principal::Principal,
        resource::update_locked,
    },
    store::{self, Transaction, passwords::StoredPassword, table},
};

/// What a person enters to accept an invitation.
#[derive(Debug, Clone, Default)]
pub struct InvitationForm {
    /// Their address, where the invitation names none.
    pub email: String,
    /// Their display name.
    pub display_name: String,
}

/// The credential of an account whose invitation is accepted.
enum NewCredential {
    /// A password.
    Password(PasswordHash),
    /// A passkey for the account with this id.
    Passkey(AdministratorId, Box<NewPasskey>),
}

/// The address that an invitation is accepted with.
fn invitee_email(invitation: &AdminInvitation, form: &InvitationForm) -> Result<Email> {
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
    password_check::check_passwords_enabled(state)?;
    let invitation = find_open(&mut state.db.read().await?, state, token).await?;
    let email = invitee_email(&invitation, form)?;
    let (realm, own) = (PasswordRealm::Console(device.address), [email.as_str(), &form.display_name]);
    state.passwords.check(realm, PASSWORD_POLICY, "newPassword", password, &own).await?;
    let hash = state.passwords.hash(realm, password, &*state.random).await?;
    accept(state, token, form, NewCredential::Password(hash), device).await
}

/// The challenge for the passkey with which an invitation is accepted.
pub async fn begin_passkey(state: &State, token: &str, form: &InvitationForm) -> Result<Challenge> {
    let opened = open(state, token).await?;
    let email = invitee_email(&opened.invitation, form)?;
    let id = match opened.account {
        Some(account) => account.id,
        None => {
            let mut conn = state.db.read().await?;
            let known = store::administrators::find_by_email(&mut conn, &email).await?;
            known.map_or_else(|| Id::new(state.now(), &*state.random), |known| known.id)
        }
    };
    let (account, display_name) = (AccountId::Administrator(id), form.display_name.trim());
    registration_challenge(state, PasskeyUser { account, name: email.as_str(), display_name }, &[])
}

/// Accepts an invitation with the passkey that answers the challenge.
pub async fn accept_with_passkey(
    state: &State,
    token: &str,
    form: &InvitationForm,
    sealed: &str,
    answer: &str,
    device: &Device,
) -> Result<NewSession> {
    let made = NewPasskey::verify(state, sealed, answer, "")?;
    // The challenge is not consumed: the invitation is, in the transaction that writes the passkey.
    let AccountId::Administrator(id) = made.account() else { return Err(closed()) };
    let credential = NewCredential::Passkey(id, Box::new(made));
    accept(state, token, form, credential, device).await
}

/// Accepts an invitation: one transaction consumes it and writes the administrator, the credential and the
/// session.
async fn accept(
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
    // The account is locked before its invitations, as by its removal.
    let known = store::administrators::find_by_email_for_update(&mut tx, &email).await?;
    consume(&mut tx, state, &invitation).await?;
    let is_new = known.is_none();
    let mut administrator = match known {
        Some(known) if known.disabled_at.is_none() && invitation.purpose == InvitationPurpose::Join => {
            // They accepted another invitation in the meantime. This one must not give access to their account.
            return Err(Error::invalid("email", "already belongs to an administrator; sign in instead"));
        }
        Some(known) if known.disabled_at.is_some() && invitation.purpose == InvitationPurpose::Reset => {
            // They were removed in the meantime. A reset does not enable an account again.
            return Err(closed());
        }
        Some(known) => known,
        None if invitation.purpose == InvitationPurpose::Reset => {
            return Err(closed());
        }
        None => Administrator {
            id: match &credential {
                NewCredential::Passkey(id, _) => *id,
                NewCredential::Password(_) => Id::new(now, &*state.random),
            },
            version: 1,
            email,
            display_name: String::new(),
            created_at: now,
            updated_at: now,
            disabled_at: None,
        },
    };
    if !display_name.is_empty() {
        administrator.display_name = display_name;
    }
    administrator.disabled_at = None;
    if is_new {
        table::insert(&mut tx, &administrator).await.map_err(Error::conflict_on("administrator", "email"))?;
    } else {
        update_locked(&mut tx, &mut administrator, state).await?;
        store::passwords::remove(&mut tx, administrator.id.into()).await?;
        store::passkeys::remove_all(&mut tx, administrator.id.into()).await?;
        store::sessions::revoke_all(&mut tx, administrator.id, None, now).await?;
    }
    match &credential {
        NewCredential::Password(hash) => {
            let password = StoredPassword::valid(hash.clone(), now);
            store::passwords::upsert(&mut tx, administrator.id.into(), &password).await?;
        }
        NewCredential::Passkey(_, made) => {
            made.require_account(administrator.id.into())?;
            made.insert(&mut tx, "credential").await?;
        }
    }
    if invitation.purpose == InvitationPurpose::Join {
        let principal = Principal::SERVICE.at(device.address);
        grant_role(&mut tx, state, &principal, &administrator, invitation.grant).await?;
    }
    let action = match invitation.purpose {
        InvitationPurpose::Join => "joined",
        InvitationPurpose::Reset => "credentials_reset",
    };
    record_acceptance(&mut tx, state, &administrator, action, &invitation, device).await?;
    let begun =
        start_session(&mut tx, state, &administrator, AuthenticationMethod::Invitation, device).await?;
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
    let principal = principal_of(tx, administrator, device).await?;
    let said = audit_fields! {
        "email": administrator.email.as_str(),
        "invitationId": invitation.id,
    };
    let entry = Entry::of(administrator, action).with_values(said);
    audit::record(tx, state, invitation.grant.environment_id, &principal, entry).await
}
