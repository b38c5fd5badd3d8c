//! The verification of a domain by its TXT record, and what becomes of it when the record is gone.

use std::time::Duration;

use base::id::OrganizationId;
use model::{
    audit::audit_fields,
    domain::DomainState,
    entity_tag::EntityTags,
    event::EventKind,
    organization_domain::{CheckFailure, OrganizationDomain},
};
use serde_json::{Value, json};

use super::{
    edit::{DomainEdit, FIELD, new_token, not_found},
    letters, recheck_schedule, sharing,
};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        console_connection,
        events::{self, NewEvent},
        permissions::Action,
        principal::{On, Principal},
    },
    store,
};

/// After how many daily looks in a row without the record it counts as lost.
const MAX_MISSED_CHECKS: i64 = 3;

/// The minimum interval between two DNS checks of an organization. It is kept per organization, not per domain:
/// removing and adding a domain does not reset it.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// Checks the domain's TXT record. A pending domain becomes verified or failed; one that is in effect already
/// stays in effect either way. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn check(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    key: &str,
    expected: Option<&EntityTags>,
) -> Result<OrganizationDomain> {
    let environment_id = principal.authorize(Action::DomainsManage, On::Organization(organization_id))?;
    console_connection::ensure_may_change(state, principal, organization_id).await?;
    let now = state.now();
    let tx = state.db.write().await?;
    let mut edit = DomainEdit::begin(tx, environment_id, organization_id, key, expected, now).await?;
    if edit.row.verification_token.is_none() {
        edit.row.start_challenge(new_token(state), now);
        edit.write(state).await?;
    }
    let domain = edit.row.clone();
    let turn =
        store::organization_domains::update_checked(edit.tx(), &domain, now, now - CHECK_INTERVAL).await?;
    let listed = edit.commit().await?;
    if !turn {
        return Err(Error::Limited { retry_after: CHECK_INTERVAL });
    }
    if listed.has_expired(now) && !listed.state.is_accepted() {
        return record_expired(state, principal, &listed).await;
    }
    match look_up(state, &listed).await {
        RecordLookup::Present => match record_verified(state, principal, &listed).await {
            Err(Error::Conflict { kind, field }) => {
                // The customer may read this, and must not learn about other organizations.
                let taken = RecordLookup::Unknown(
                    CheckFailure::DomainVerifiedElsewhere,
                    sharing::TAKEN_MESSAGE.to_owned(),
                );
                record_failure(state, principal, &listed, &taken, Occasion::Check).await?;
                Err(Error::Conflict { kind, field })
            }
            other => other,
        },
        failure => record_failure(state, principal, &listed, &failure, Occasion::Check).await,
    }
}

/// Why DNS is queried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// Somebody asks, and without a record a pending domain has failed.
    Check,
    /// Somebody asks, and without a record a pending domain stays pending.
    Confirm,
    /// The daily look at a domain that DNS has proved. Only what it misses counts.
    Daily,
}

/// What DNS says about a domain's TXT record.
pub(super) enum RecordLookup {
    /// It is there.
    Present,
    /// It is not there, or says something else; in words.
    Absent(String),
    /// DNS gave no answer, or it does not matter; in words.
    Unknown(CheckFailure, String),
}

/// Queries DNS.
pub(super) async fn look_up(state: &State, listed: &OrganizationDomain) -> RecordLookup {
    match state.dns.txt(&listed.record_name()).await {
        Ok(records) => match listed.check_records(&records) {
            Ok(()) => RecordLookup::Present,
            Err(why) => RecordLookup::Absent(why),
        },
        Err(error) => RecordLookup::Unknown(CheckFailure::DnsUnavailable, error.to_string()),
    }
}

/// Records that DNS verified the domain. [`Error::Conflict`], without a name, if another organization of the
/// environment has it. Only the vendor's API key may share it this way, if it is not verified there; an
/// administrator shares it by approving it.
pub(super) async fn record_verified(
    state: &State,
    principal: &Principal,
    checked: &OrganizationDomain,
) -> Result<OrganizationDomain> {
    let taken = Error::conflict_on("organization", FIELD);
    let (environment_id, organization_id) = (checked.environment_id, checked.organization_id);
    let mut tx = state.db.write().await?;
    sharing::lock(&mut tx, environment_id).await?;
    let key = checked.domain.as_str();
    let mut edit = DomainEdit::begin(tx, environment_id, organization_id, key, None, state.now()).await?;
    if edit.row.verification_token != checked.verification_token {
        return Err(not_found(checked.domain.as_str()));
    }
    let new = [edit.row.domain.clone()];
    let tx = edit.tx();
    let elsewhere = sharing::find_other_organizations(tx, environment_id, organization_id, &new).await?;
    let was = edit.row.state;
    let allowed = match was.is_accepted() {
        // It is shared already; only one of the organizations may have it verified.
        true => !elsewhere.iter().any(|there| there.verified),
        false => sharing::check(principal, &elsewhere, false).is_ok(),
    };
    if !allowed {
        return Err(taken(store::Error::Duplicate));
    }
    let now = state.now();
    let restored = edit.row.record_lost_at.take().is_some();
    edit.row.state = DomainState::Verified;
    edit.row.verified_at = Some(now);
    edit.row.checked_at = Some(now);
    edit.row.check_error = None;
    edit.row.check_failure = None;
    edit.row.check_attempts += 1;
    edit.row.missed_checks = 0;
    edit.row.recheck_at = Some(recheck_schedule::after_proof(state));
    edit.write(state).await.map_err(taken)?;
    if restored || was != DomainState::Verified {
        let done = if restored { "restored" } else { "verified" };
        let entry =
            Entry::of(&edit.row, done).with_values(audit_fields! { "state": edit.row.state.as_str() });
        audit::record(edit.tx(), state, Some(environment_id), principal, entry).await?;
    }
    if !was.is_accepted() {
        sharing::record(edit.tx(), state, principal, organization_id, &elsewhere).await?;
    }
    let data = json!({ "domain": checked.domain });
    if restored {
        record_event(&mut edit, state, EventKind::DomainRestored, data).await?;
    } else if was != DomainState::Verified {
        record_event(&mut edit, state, EventKind::DomainVerified, data).await?;
    }
    edit.commit().await
}

/// Records that DNS did not verify the domain, and why. One that it verified before goes on counting: until three daily looks in a
/// row have missed the record, and then for the grace time of the settings. No answer at all changes nothing.
pub(super) async fn record_failure(
    state: &State,
    principal: &Principal,
    checked: &OrganizationDomain,
    lookup: &RecordLookup,
    occasion: Occasion,
) -> Result<OrganizationDomain> {
    let (environment_id, organization_id) = (checked.environment_id, checked.organization_id);
    let tx = state.db.write().await?;
    let key = checked.domain.as_str();
    let mut edit = DomainEdit::begin(tx, environment_id, organization_id, key, None, state.now()).await?;
    if edit.row.verification_token != checked.verification_token {
        return Err(not_found(checked.domain.as_str()));
    }
    let (failure, why) = match lookup {
        RecordLookup::Present => return edit.commit().await,
        RecordLookup::Absent(why) => (CheckFailure::RecordNotFound, why),
        RecordLookup::Unknown(failure, why) => (*failure, why),
    };
    let is_gone = failure == CheckFailure::RecordNotFound;
    edit.row.checked_at = Some(state.now());
    edit.row.check_error = Some(why.clone());
    edit.row.check_failure = Some(failure);
    if occasion != Occasion::Daily {
        edit.row.check_attempts += 1;
    }
    // What the vendor says counts, whatever DNS answers.
    let is_proved = edit.row.state == DomainState::Verified && !edit.row.asserted;
    if occasion == Occasion::Daily {
        // Without an answer DNS is asked again soon, which is no look that missed anything.
        let next = if is_gone { recheck_schedule::after_miss(state) } else { recheck_schedule::soon(state) };
        edit.row.recheck_at = Some(next);
        if is_gone && is_proved {
            edit.row.missed_checks += 1;
        }
    }
    match edit.row.state {
        DomainState::Verified if is_gone && is_proved && occasion == Occasion::Daily => {
            record_missed(state, principal, &mut edit, why).await?;
        }
        DomainState::Pending | DomainState::Failed if occasion == Occasion::Check => {
            edit.row.state = DomainState::Failed;
            edit.write(state).await?;
            let DomainEdit { organization, before, row } = &mut edit;
            audit::updated(&mut organization.tx, state, principal, before, row).await?;
        }
        _ => edit.write(state).await?,
    }
    edit.commit().await
}

/// Records that the challenge of a domain was over before DNS proved it; nothing if it was begun anew, or proved.
pub(super) async fn record_expired(
    state: &State,
    principal: &Principal,
    checked: &OrganizationDomain,
) -> Result<OrganizationDomain> {
    let (environment_id, organization_id) = (checked.environment_id, checked.organization_id);
    let now = state.now();
    let tx = state.db.write().await?;
    let key = checked.domain.as_str();
    let mut edit = DomainEdit::begin(tx, environment_id, organization_id, key, None, now).await?;
    if edit.row.state.is_accepted() || !edit.row.has_expired(now) {
        if edit.row.verified_at.is_none() {
            let counts = edit.row.state.is_accepted();
            edit.row.recheck_at = edit.row.verification_expires_at().filter(|at| !counts && *at > now);
            edit.write(state).await?;
        }
        return edit.commit().await;
    }
    // As it is seen, it has failed already.
    let is_new = edit.before.state == DomainState::Pending;
    edit.row.recheck_at = None;
    edit.write(state).await?;
    if is_new {
        let entry = Entry::of(&edit.row, "verification_failed")
            .with_values(audit_fields! { "state": edit.row.state.as_str() });
        audit::record(edit.tx(), state, Some(environment_id), principal, entry).await?;
        let data = json!({ "domain": edit.row.domain });
        record_event(&mut edit, state, EventKind::DomainVerificationFailed, data).await?;
    }
    edit.commit().await
}

/// Stores that a daily look has not found the record of a verified domain: with the third in a row it is lost, and after the grace
/// time its proof ends.
async fn record_missed(state: &State, principal: &Principal, edit: &mut DomainEdit, why: &str) -> Result<()> {
    let now = state.now();
    let known = edit.row.record_lost_at;
    if known.is_none() && edit.row.missed_checks < MAX_MISSED_CHECKS {
        return Ok(edit.write(state).await?);
    }
    let lost_at = *edit.row.record_lost_at.get_or_insert(now);
    let counts_until = lost_at + state.settings.lost_record_grace;
    let is_over = counts_until <= now;
    if is_over {
        edit.row.state = if edit.row.approved { DomainState::Whitelisted } else { DomainState::Failed };
        // Whoever has the domain now may publish the old record: nobody becomes a member by that.
        edit.row.auto_join_enabled = false;
    } else {
        edit.row.recheck_at = edit.row.recheck_at.map(|at| at.min(counts_until));
    }
    edit.write(state).await?;
    let (done, kind, said) = match (is_over, known) {
        (true, _) => ("lapsed", EventKind::DomainLapsed, json!({ "state": edit.row.state.as_str() })),
        (false, None) => (
            "record_lost",
            EventKind::DomainRecordLost,
            json!({ "reason": why, "countsUntil": counts_until }),
        ),
        (false, Some(_)) => return Ok(()),
    };
    let Value::Object(mut data) = said else { return Ok(()) };
    let entry = Entry::of(&edit.row, done).with_values(data.clone());
    let environment_id = edit.row.environment_id;
    audit::record(edit.tx(), state, Some(environment_id), principal, entry).await?;
    data.insert("domain".to_owned(), json!(edit.row.domain));
    if kind == EventKind::DomainRecordLost {
        letters::record_lost(&mut edit.organization.tx, state, &edit.organization.row, &edit.row).await?;
    }
    // The last, as it takes the environment's lock of events.
    record_event(edit, state, kind, Value::Object(data)).await
}

async fn record_event(edit: &mut DomainEdit, state: &State, kind: EventKind, data: Value) -> Result<()> {
    let (environment_id, organization_id) = (edit.row.environment_id, edit.row.organization_id);
    let event = NewEvent {
        environment: &environment_id,
        organization: &organization_id,
        directory: None,
        kind,
        resource: organization_id.to_string(),
        data,
    };
    events::record(edit.tx(), state.now(), event).await?;
    Ok(())
}
