//! The verification of a domain by its TXT record, and what becomes of it when the record is gone.

use std::time::Duration;

use base::id::OrganizationId;
use model::{
    audit::audit_fields, domain::DomainState, entity_tag::EntityTags, event::EventKind,
    organization_domain::OrganizationDomain,
};
use serde_json::{Value, json};

use super::{DomainEdit, FIELD, new_token, not_found, recheck_schedule, sharing};
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
    let mut edit = DomainEdit::begin(tx, environment_id, organization_id, key, expected).await?;
    if edit.row.verification_token.is_none() {
        edit.row.verification_token = Some(new_token(state));
        edit.write(state).await?;
    }
    let domain = edit.row.clone();
    let turn =
        store::organization_domains::update_checked(edit.tx(), &domain, now, now - CHECK_INTERVAL).await?;
    let listed = edit.commit().await?;
    if !turn {
        return Err(Error::Limited { retry_after: CHECK_INTERVAL });
    }
    match look_up(state, &listed).await {
        RecordLookup::Present => match record_verified(state, principal, &listed).await {
            Err(Error::Conflict { kind, field }) => {
                // The customer may read this, and must not learn about other organizations.
                let taken = RecordLookup::Unknown(sharing::TAKEN_MESSAGE.to_owned());
                record_failure(state, principal, &listed, &taken).await?;
                Err(Error::Conflict { kind, field })
            }
            other => other,
        },
        failure => record_failure(state, principal, &listed, &failure).await,
    }
}

/// What DNS says about a domain's TXT record.
pub(super) enum RecordLookup {
    /// It is there.
    Present,
    /// It is not there, or says something else; in words.
    Absent(String),
    /// DNS gave no answer, or it does not matter; in words.
    Unknown(String),
}

/// Queries DNS.
pub(super) async fn look_up(state: &State, listed: &OrganizationDomain) -> RecordLookup {
    match state.dns.txt(&listed.record_name()).await {
        Ok(records) => match listed.check_records(&records) {
            Ok(()) => RecordLookup::Present,
            Err(why) => RecordLookup::Absent(why),
        },
        Err(error) => RecordLookup::Unknown(error.to_string()),
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
    let mut edit =
        DomainEdit::begin(tx, environment_id, organization_id, checked.domain.as_str(), None).await?;
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
    edit.row.recheck_at = Some(recheck_schedule::after(state, recheck_schedule::INTERVAL));
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
    if restored {
        let data = json!({ "domain": checked.domain });
        record_event(&mut edit, state, EventKind::DomainRestored, data).await?;
    }
    edit.commit().await
}

/// Records that DNS did not verify the domain, and why. One that it verified before goes on counting for the grace time
/// of the settings, from the first answer without its record on; no answer at all changes nothing.
pub(super) async fn record_failure(
    state: &State,
    principal: &Principal,
    checked: &OrganizationDomain,
    lookup: &RecordLookup,
) -> Result<OrganizationDomain> {
    let (environment_id, organization_id) = (checked.environment_id, checked.organization_id);
    let tx = state.db.write().await?;
    let mut edit =
        DomainEdit::begin(tx, environment_id, organization_id, checked.domain.as_str(), None).await?;
    if edit.row.verification_token != checked.verification_token {
        return Err(not_found(checked.domain.as_str()));
    }
    let (why, is_gone) = match lookup {
        RecordLookup::Present => return edit.commit().await,
        RecordLookup::Absent(why) => (why, true),
        RecordLookup::Unknown(why) => (why, false),
    };
    edit.row.checked_at = Some(state.now());
    edit.row.check_error = Some(why.clone());
    let is_verified = edit.row.state == DomainState::Verified;
    // What the vendor says counts, whatever DNS answers.
    let is_asserted = edit.row.asserted;
    if is_verified && !is_asserted || edit.row.recheck_at.is_some() {
        let has_lapsed = !is_verified && is_gone;
        let interval = if has_lapsed { recheck_schedule::INTERVAL } else { recheck_schedule::RETRY_INTERVAL };
        edit.row.recheck_at = Some(recheck_schedule::after(state, interval));
    }
    match edit.row.state {
        DomainState::Verified if is_gone && !is_asserted => {
            record_lost(state, principal, &mut edit, why).await?
        }
        DomainState::Verified | DomainState::Whitelisted => edit.write(state).await?,
        DomainState::Pending | DomainState::Failed => {
            edit.row.state = DomainState::Failed;
            edit.write(state).await?;
            let DomainEdit { organization, before, row } = &mut edit;
            audit::updated(&mut organization.tx, state, principal, before, row).await?;
        }
    }
    edit.commit().await
}

/// Stores that the record of a verified domain is gone: since now, or for longer than the grace time, which ends its
/// proof.
async fn record_lost(state: &State, principal: &Principal, edit: &mut DomainEdit, why: &str) -> Result<()> {
    let now = state.now();
    let known = edit.row.record_lost_at;
    let lost_at = *edit.row.record_lost_at.get_or_insert(now);
    let counts_until = lost_at + state.settings.lost_record_grace;
    let is_over = counts_until <= now;
    if is_over {
        edit.row.state = if edit.row.approved { DomainState::Whitelisted } else { DomainState::Failed };
        edit.row.recheck_at = Some(recheck_schedule::after(state, recheck_schedule::INTERVAL));
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
