//! New invitations, one or many in one transaction.

use std::{collections::BTreeSet, time::Duration};

use base::{
    id::{EnvironmentId, Id, OrganizationId},
    secret::{Digest, OrganizationInvitationToken},
};
use model::{
    email::Email,
    event::EventKind,
    membership::Tier,
    organization::root_id,
    organization_invitation::{InvitationStatus, OrganizationInvitation},
};

use super::{
    error::InvitationError,
    expiry,
    lists::authorize,
    record::{Happened, record},
    renew::renew_in,
    send::{Invited, letter_link, link, lock_organization, write_letter},
};
use crate::{
    app::{Error, Result, State, audit::actor_of, principal::Principal, retry::retry_deadlocks},
    store::organization_invitations,
};

/// How many invitations one request holds.
pub const MAX_AT_ONCE: usize = 50;

/// For how many hours a link is good, unless that is said.
pub const DEFAULT_HOURS: i64 = 168;

/// For how many hours it is good at most: 30 days.
const MAX_HOURS: i64 = 720;

/// How often an invitation is made that somebody else makes at the same time.
const MAX_ATTEMPTS: usize = 3;

/// An invitation as it is asked for, unvalidated.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Whom it is for.
    pub email: String,
    /// What they become; `None`: a member, or what an invitation says that is sent again.
    pub role: Option<String>,
    /// For how many hours its link is good; `None`: a week.
    pub expires_in_hours: Option<i64>,
}

/// What is done beside making invitations.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// Whether a letter goes to each.
    pub send_email: bool,
    /// Whether a pending invitation for the same address gets another link.
    pub resend: bool,
}

/// What became of each of many: in the order in which they were asked for.
pub type InvitedMany = Vec<(String, Result<Invited>)>;

/// An invitation that is validated.
#[derive(Clone)]
pub(super) struct Wanted {
    pub email: Email,
    pub role: Option<Tier>,
    pub lifetime: Option<Duration>,
}

/// Invites somebody.
pub async fn create(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    asked: &Asked,
    how: How,
) -> Result<Invited> {
    let mut done = invite(state, principal, organization_id, std::slice::from_ref(asked), how).await?;
    done.pop().map_or_else(|| Err(Error::internal("nothing was done")), |(_, done)| done)
}

/// Invites several people in one transaction. One who is not invited does not keep the others from being so.
pub async fn create_many(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    asked: &[Asked],
    how: How,
) -> Result<InvitedMany> {
    authorize(principal, organization_id)?;
    match asked.len() {
        0 => Err(InvitationError::Empty.into()),
        len if len > MAX_AT_ONCE => Err(InvitationError::TooMany.into()),
        _ => invite(state, principal, organization_id, asked, how).await,
    }
}

async fn invite(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    asked: &[Asked],
    how: How,
) -> Result<InvitedMany> {
    let environment_id = authorize(principal, organization_id)?;
    let mut seen = BTreeSet::new();
    let wanted: Vec<Result<Wanted>> = asked
        .iter()
        .map(|asked| {
            let wanted = parse(asked)?;
            match seen.insert(wanted.email.key()) {
                true => Ok(wanted),
                false => Err(InvitationError::DuplicateInRequest.into()),
            }
        })
        .collect();
    let keys: Vec<String> = seen.into_iter().collect();
    for attempt in 1.. {
        let done = retry_deadlocks(async || {
            let place = (environment_id, organization_id);
            invite_once(state, principal, place, &wanted, &keys, how).await
        })
        .await;
        match done {
            // Somebody invited one of them at the same time.
            Err(Error::Conflict { .. }) if attempt < MAX_ATTEMPTS => {}
            Err(error) => return Err(error),
            Ok(done) => {
                let emails = asked.iter().map(|asked| asked.email.clone());
                let whole = wanted.iter().zip(done).map(|(wanted, done)| match (wanted, done) {
                    (Err(error), _) => Err(copy(error)),
                    (Ok(_), Some(done)) => done,
                    (Ok(_), None) => Err(Error::internal("an invitation was left out")),
                });
                return Ok(emails.zip(whole).collect());
            }
        }
    }
    Err(Error::internal("no attempt was made"))
}

/// An error of what was asked for, once more.
fn copy(error: &Error) -> Error {
    match error {
        Error::Rule(rule) => Error::Rule(rule.clone()),
        Error::Invalid { field, reason } => Error::Invalid { field: field.clone(), reason: reason.clone() },
        other => Error::invalid("", other.to_string()),
    }
}

fn parse(asked: &Asked) -> Result<Wanted> {
    let email = Email::parse(asked.email.trim()).filter(|email| email.as_str().len() <= 254);
    let email =
        email.ok_or_else(|| Error::invalid("email", "must be an e-mail address: dana@example.com"))?;
    let role = match asked.role.as_deref() {
        None => None,
        Some("member") => Some(Tier::Member),
        Some("admin") => Some(Tier::Admin),
        Some("owner") => return Err(InvitationError::Owner.into()),
        Some(_) => return Err(Error::invalid("role", "must be admin or member")),
    };
    let lifetime = match asked.expires_in_hours {
        None => None,
        Some(hours @ 1..=MAX_HOURS) => Some(hours_of(hours)),
        Some(_) => {
            let why = format!("must be from 1 to {MAX_HOURS}");
            return Err(Error::invalid("expires_in_hours", why));
        }
    };
    Ok(Wanted { email, role, lifetime })
}

fn hours_of(hours: i64) -> Duration {
    Duration::from_secs(u64::try_from(hours).unwrap_or_default() * 3600)
}

/// One attempt: what became of each of `wanted`, `None` for those that were refused before.
async fn invite_once(
    state: &State,
    principal: &Principal,
    (environment_id, organization_id): (EnvironmentId, OrganizationId),
    wanted: &[Result<Wanted>],
    keys: &[String],
    how: How,
) -> Result<Vec<Option<Result<Invited>>>> {
    let now = state.now();
    let mut tx = state.db.write().await?;
    let tenant = lock_organization(&mut tx, environment_id, organization_id).await?;
    let open = organization_invitations::list_open(&mut tx, organization_id, keys).await?;
    let (overdue, open): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|found| found.status(now) == InvitationStatus::Expired);
    let root = root_id(environment_id);
    let members =
        organization_invitations::list_addresses_of_members(&mut tx, (organization_id, root), keys).await?;
    let mut new: Vec<(OrganizationInvitation, Digest)> = Vec::new();
    let mut happened: Vec<(EventKind, OrganizationInvitation)> = Vec::new();
    let mut results = Vec::with_capacity(wanted.len());
    let mut letters = Vec::new();
    for wanted in wanted {
        let Ok(wanted) = wanted else {
            results.push(None);
            continue;
        };
        let key = wanted.email.key();
        let pending = open.iter().find(|found| found.email.key() == key);
        let role = wanted.role.or(pending.map(|pending| pending.role)).unwrap_or(Tier::Member);
        if members.contains(&key) {
            results.push(Some(Err(InvitationError::AlreadyMember.into())));
            continue;
        }
        let token = OrganizationInvitationToken::new(&*state.random);
        let made = match pending {
            Some(_) if !how.resend => Err(InvitationError::Pending.into()),
            Some(pending) => {
                let mut renewed = pending.clone();
                renewed.role = role;
                let lifetime = wanted.lifetime;
                match renew_in(&mut tx, state, principal, &mut renewed, lifetime, &token).await {
                    Ok(()) => Ok((EventKind::InvitationResent, renewed)),
                    // The others are invited all the same.
                    Err(error @ (Error::Limited { .. } | Error::Rule(_))) => Err(error),
                    Err(error) => return Err(error),
                }
            }
            None => {
                let lifetime = wanted.lifetime.unwrap_or_else(|| hours_of(DEFAULT_HOURS));
                let invitation = OrganizationInvitation {
                    id: Id::new(now, &*state.random),
                    environment_id,
                    organization_id,
                    email: wanted.email.clone(),
                    role,
                    invited_by: actor_of(principal.subject).id,
                    vouched: !principal.is_confined(),
                    expires_at: now + lifetime,
                    lifetime_ms: i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX),
                    accepted_at: None,
                    accepted_user_id: None,
                    revoked_at: None,
                    send_count: 1,
                    last_sent_at: now,
                    renewed: (now, 0),
                    created_at: now,
                };
                new.push((invitation.clone(), token.digest()));
                Ok((EventKind::InvitationCreated, invitation))
            }
        };
        results.push(Some(match made {
            Err(error) => Err(error),
            Ok((kind, invitation)) => {
                let accept_url = link(state, &tenant, &token.reveal());
                if how.send_email {
                    letters.push((invitation.clone(), letter_link(state, &tenant, &invitation, &token)));
                }
                happened.push((kind, invitation.clone()));
                let renewed = kind == EventKind::InvitationResent;
                Ok(Invited { invitation, accept_url, renewed })
            }
        }));
    }
    expiry::close(&mut tx, state, &overdue).await?;
    organization_invitations::insert(&mut tx, &new)
        .await
        .map_err(Error::conflict_on("invitation", "email"))?;
    for (invitation, url) in &letters {
        write_letter(&mut tx, state, invitation, url).await?;
    }
    let happened: Vec<Happened<'_>> =
        happened.iter().map(|(kind, invitation)| Happened::new(*kind, invitation)).collect();
    record(&mut tx, state, principal, &happened).await?;
    tx.commit().await?;
    Ok(results)
}
