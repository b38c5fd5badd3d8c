//! What is kept about a user, for themselves: all but what proves who they are, and what the schemas hide from them.

use std::collections::BTreeMap;

use base::time::Timestamp;
use model::{
    account::{CredentialSummary, UserSession},
    audit::AuditEvent,
    letter::Letter,
    login_flow::LoginFlow,
    membership::Membership,
    organization_invitation::OrganizationInvitation,
};
use serde_json::{Value, json};

use super::{SignedIn, overview, profile::of_administrators};
use crate::{
    app::{
        Result, State,
        accounts::users::profile::schemas_of,
        audit::{self, Entry},
        invitations,
        login::attributes,
    },
    store::{self, account_grants, account_logins, audit_events, memberships, sealed_columns},
};

/// How many entries of a kind are in it; the newest ones.
const MAX_ENTRIES: i64 = 1000;

/// All of it. That it was read is recorded.
pub async fn download(state: &State, signed_in: &SignedIn) -> Result<Value> {
    signed_in.require_recent(state)?;
    let user = signed_in.user();
    let found = overview::load(state, signed_in).await?;
    let audit_log = audit_log(state, signed_in).await?;
    let mut conn = state.db.read().await?;
    let schemas = schemas_of(&mut conn, user.environment_id, &signed_in.account.pool).await?;
    let nothing = serde_json::Map::new();
    let of_business = schemas.business_metadata.as_ref().unwrap_or(&nothing);
    let sessions = store::sessions::list_kept(&mut conn, user.id, MAX_ENTRIES).await?;
    let letters = store::letters::list_by_account(&mut conn, signed_in.id(), MAX_ENTRIES).await?;
    let logins = account_logins::list_by_user(&mut conn, user.id, MAX_ENTRIES).await?;
    let grants = account_grants::list_by_user(&mut conn, user.id, MAX_ENTRIES).await?;
    let memberships =
        memberships::list_by_user(&mut conn, user.environment_id, user.id, None, MAX_ENTRIES).await?;
    let invited = invitations::all_of(&mut conn, user, MAX_ENTRIES).await?;
    drop(conn);
    let identifiers = found.identifiers.iter().map(|identifier| {
        json!({
            "type": identifier.text.kind().as_str(),
            "identifier": identifier.text.as_str(),
            "addedAt": identifier.created_at,
        })
    });
    let addresses = found.addresses.iter().map(|address| {
        json!({
            "type": address.kind.as_str(),
            "address": address.address,
            "verifiedAt": address.verified_at,
            "status": address.status.as_str(),
            "addedAt": address.created_at,
        })
    });
    let applications = grants.iter().map(|(grant, good)| {
        json!({
            "applicationId": grant.client_id,
            "scope": grant.scope,
            "sessionId": grant.session_id,
            "at": grant.created_at,
            "expiresAt": grant.expires_at,
            "ended": !good,
        })
    });
    let all = json!({
        "createdAt": state.now(),
        "account": {
            "id": user.id,
            "organizationId": user.organization_id,
            "status": user.status.as_str(),
            "type": user.user_type,
            "source": user.source.as_str(),
            "createdAt": user.created_at,
            "updatedAt": user.updated_at,
        },
        "profile": of_administrators(&schemas.payload, &user.payload).1,
        "metadata": of_administrators(&schemas.metadata, &user.metadata).1,
        "businessMetadata": of_administrators(of_business, &user.business_metadata).1,
        "identifiers": identifiers.collect::<Value>(),
        "addresses": addresses.collect::<Value>(),
        "credentials": found.credentials.iter().map(credential).collect::<Value>(),
        "sessions": sessions.iter().map(session).collect::<Value>(),
        "memberships": memberships.iter().map(membership).collect::<Value>(),
        "invitations": invited.iter().map(|one| invitation(one, state.now())).collect::<Value>(),
        "applications": applications.collect::<Value>(),
        "logins": logins.into_iter().map(|flow| login(&attributes::opened(state, flow))).collect::<Value>(),
        "letters": letters.iter().map(|letter| letter_of(state, letter)).collect::<Value>(),
        "log": audit_log,
    });
    let entry = Entry::of(user, "data_downloaded");
    audit::record_bounded(state, Some(user.environment_id), &signed_in.principal(), entry).await?;
    Ok(all)
}

/// A credential by name and times.
fn credential(credential: &CredentialSummary) -> Value {
    match credential {
        CredentialSummary::Password { state, changed_at, expires_at } => {
            json!({ "type": "password", "state": state.as_str(), "setAt": changed_at, "expiresAt": expires_at })
        }
        CredentialSummary::Passkey { passkey, .. } => json!({
            "type": "passkey",
            "name": passkey.display_name,
            "addedAt": passkey.created_at,
            "lastUsedAt": passkey.last_used_at,
        }),
        CredentialSummary::Totp { created_at } => {
            json!({ "type": "authenticator_app", "addedAt": created_at })
        }
        CredentialSummary::RecoveryCodes { left, created_at } => {
            json!({ "type": "recovery_codes", "left": left, "madeAt": created_at })
        }
    }
}

/// A membership of an organization.
fn membership(membership: &Membership) -> Value {
    json!({
        "organizationId": membership.organization_id,
        "role": membership.tier.as_str(),
        "status": membership.status.as_str(),
        "source": membership.source.as_str(),
        "since": membership.joined_at,
        "lastLoginAt": membership.last_login_at,
    })
}

/// An invitation, without who else has to do with it.
fn invitation(invitation: &OrganizationInvitation, now: Timestamp) -> Value {
    json!({
        "organizationId": invitation.organization_id,
        "email": invitation.email.as_str(),
        "role": invitation.role.as_str(),
        "status": invitation.status(now).as_str(),
        "at": invitation.created_at,
        "expiresAt": invitation.expires_at,
        "acceptedAt": invitation.accepted_at,
    })
}

fn session(session: &UserSession) -> Value {
    json!({
        "id": session.id,
        "method": session.method.as_str(),
        "amr": session.context.amr,
        "address": session.address.map(|address| address.to_string()),
        "userAgent": session.user_agent,
        "beganAt": session.created_at,
        "authenticatedAt": session.authenticated_at,
        "lastSeenAt": session.last_seen_at,
        "expiresAt": session.expires_at,
        "endedAt": session.revoked_at,
    })
}

/// A login: when, by what, for which application, how it ended, and what it says of the person.
fn login(flow: &LoginFlow) -> Value {
    json!({
        "id": flow.reference(),
        "at": flow.created_at,
        "protocol": flow.protocol.as_str(),
        "connectionId": flow.connection_id,
        "applicationId": flow.application_id,
        "amr": flow.amr,
        "status": flow.status.as_str(),
        "refusal": flow.refusal,
        "email": flow.email.as_ref().or(flow.claimed_email.as_ref()).map(ToString::to_string),
        "attributes": flow.attributes,
    })
}

/// A letter without what it said.
fn letter_of(state: &State, letter: &Letter) -> Value {
    let sealed = letter.sealed_recipient.as_deref();
    let opened =
        sealed.and_then(|sealed| state.open(&sealed_columns::LETTER_RECIPIENT, &[&letter.id], sealed).ok());
    json!({
        "about": letter.kind.as_str(),
        "to": opened.and_then(|bytes| String::from_utf8(bytes).ok()),
        "state": letter.state.as_str(),
        "at": letter.created_at,
    })
}

/// What the audit log says of the account and its passkeys, and of what the user did, the newest first. Of others it is told what
/// kind they are: who manages an organization is not the user's to know.
async fn audit_log(state: &State, signed_in: &SignedIn) -> Result<Value> {
    let (user, passkeys) = (signed_in.user(), super::passkeys::list(state, signed_in).await?);
    let of = |id: String| audit_events::AuditFilter { target_id: Some(id), ..Default::default() };
    let mut filters = vec![of(user.id.to_string())];
    filters.extend(passkeys.iter().map(|passkey| of(passkey.id.to_string())));
    filters.push(audit_events::AuditFilter { actor_id: Some(user.id.to_string()), ..Default::default() });
    let mut conn = state.db.read().await?;
    let mut found: BTreeMap<_, AuditEvent> = BTreeMap::new();
    for filter in &filters {
        let environment_id = Some(user.environment_id);
        for event in audit_events::list(&mut conn, environment_id, filter, None, MAX_ENTRIES).await? {
            found.insert(event.id, event);
        }
    }
    let told = found.into_values().rev().map(|event| {
        let is_own = matches!(event.actor.kind.as_str(), "user" | "service");
        json!({
            "at": event.at,
            "action": event.action,
            "by": event.actor.kind,
            "address": event.address.filter(|_| is_own).map(|address| address.to_string()),
            "before": event.before,
            "after": event.after,
        })
    });
    Ok(told.collect())
}
