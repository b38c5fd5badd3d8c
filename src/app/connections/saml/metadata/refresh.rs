//! Periodic refresh of identity provider metadata.
//!
//! A connection with a metadata URL takes its settings from there; for certificates see `merge`. A different
//! entity id is never taken over, and a document that cannot be fetched or parsed changes nothing but the stored
//! error.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::{
    app::{
        Error, Result, State,
        actor::{Actor, OrganizationPart},
        audit,
        connections::saml::{self as saml_connections, SamlConnectionView},
        events::{self, NewEvent},
        outgoing::{ConditionalResponse, Validators},
    },
    model::{
        event::EventKind,
        http_url::HttpUrl,
        id::SamlConnectionId,
        saml_connection::{MetadataRefresh, SamlConnection, last_expiry},
        time::Timestamp,
    },
    saml::{
        self, Certificate,
        check::Check,
        metadata::{IdpMetadata, MetadataError, parse_idp_metadata},
    },
    store, telemetry,
};

const HOUR: Duration = Duration::from_secs(3600);
/// The refresh interval of metadata without `cacheDuration` and `validUntil`.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(6 * 3600);
/// The bounds of the refresh interval.
const MIN_INTERVAL: Duration = HOUR;
const MAX_INTERVAL: Duration = Duration::from_secs(24 * 3600);
/// The retry delay after the first failure; doubled with each further one, up to [`DEFAULT_INTERVAL`].
const FIRST_RETRY: Duration = Duration::from_secs(5 * 60);
/// The lease of a replica on a connection; another replica takes over when it has expired.
const LEASE: Duration = Duration::from_secs(10 * 60);
/// The minimum interval between two refreshes that refused logins request.
const MIN_REQUEST_INTERVAL: Duration = Duration::from_secs(5 * 60);
/// How many documents are fetched at a time, and how many connections are read at a time.
const CONCURRENCY: usize = 4;
const BATCH: i64 = 20;
/// The maximum length of a stored error, in characters.
const MAX_ERROR_LENGTH: usize = 500;

/// The result of a fetch.
enum FetchOutcome {
    /// Not modified.
    NotModified,
    /// A new document.
    Document(Box<IdpMetadata>, Validators),
}

/// Refreshes the metadata of all connections that are due. Returns how many this replica refreshed; another may
/// have claimed some.
pub async fn refresh_due(state: &State) -> Result<usize> {
    let due = {
        let mut conn = state.db.read().await?;
        store::saml_connections::list_metadata_due(&mut conn, state.now(), BATCH).await?
    };
    let mut waiting = due.into_iter();
    let mut running = JoinSet::new();
    let mut taken = 0;
    loop {
        while running.len() < CONCURRENCY {
            let Some(connection) = waiting.next() else { break };
            let state = state.clone();
            running.spawn(async move { claim_and_refresh(&state, connection).await });
        }
        match running.join_next().await {
            None => return Ok(taken),
            Some(Ok(Ok(done))) => taken += usize::from(done),
            Some(Ok(Err(error))) => {
                let cause = telemetry::error_chain(&error);
                tracing::warn!(cause, "a connection's metadata could not be refreshed; it is tried again");
            }
            Some(Err(_)) => {} // the server stops
        }
    }
}

async fn claim_and_refresh(state: &State, connection: SamlConnection) -> Result<bool> {
    let mut tx = state.db.write().await?;
    let until = state.now() + LEASE;
    let claimed = store::saml_connections::claim_metadata_refresh(
        &mut tx,
        connection.id,
        connection.metadata.next_at,
        until,
    )
    .await?;
    tx.commit().await?;
    if claimed {
        let actor = Actor::service(connection.environment_id);
        // The error is stored with the connection.
        drop(refresh(state, &actor, connection).await?);
    }
    Ok(claimed)
}

/// Refreshes a connection's metadata now.
pub async fn refresh_now(state: &State, actor: &Actor, id: SamlConnectionId) -> Result<SamlConnectionView> {
    let connection = {
        let mut conn = state.db.read().await?;
        saml_connections::load(&mut conn, actor.environment(), id).await?
    };
    actor.authorize_manage_part(OrganizationPart::Saml, connection.organization_id)?;
    if connection.idp_metadata_url.is_none() {
        return Err(Error::FailedPrecondition(
            "the connection has no metadata address; set idpMetadataUrl first".into(),
        ));
    }
    match refresh(state, actor, connection).await? {
        Ok(()) => saml_connections::find(state, actor, id).await,
        Err(reason) => Err(Error::invalid(super::source::URL_FIELD, reason)),
    }
}

/// Fetches the metadata and applies it. The inner error is a message for the connection's admin; it is stored.
async fn refresh(
    state: &State,
    actor: &Actor,
    connection: SamlConnection,
) -> Result<std::result::Result<(), String>> {
    let Some(url) = connection.idp_metadata_url.clone() else { return Ok(Ok(())) };
    let known = Validators {
        etag: connection.metadata.etag.clone(),
        last_modified: connection.metadata.last_modified.clone(),
    };
    let mut news = fetch(state, &url, &known, connection.idp_entity_id.clone()).await?;
    let now = state.now();
    // After the fetch: no network calls while the transaction holds the lock.
    let mut tx = state.db.write().await?;
    store::organizations::lock(&mut tx, connection.environment_id, connection.organization_id).await?;
    let before = store::saml_connections::find(&mut tx, connection.environment_id, connection.id).await?;
    let Some(before) = before.filter(|before| before.idp_metadata_url.as_ref() == Some(&url)) else {
        return Ok(Ok(())); // removed, or its URL changed, during the fetch
    };
    if let Ok(FetchOutcome::Document(metadata, _)) = &news
        && before.idp_entity_id.as_ref().is_some_and(|id| *id != metadata.entity_id)
    {
        news = Err("the connection's entity id was changed while its metadata was fetched".to_owned());
    }
    let mut after = before.clone();
    let outcome = match news {
        Ok(FetchOutcome::NotModified) => {
            after.metadata = MetadataRefresh {
                fetched_at: Some(now),
                next_at: Some(next_at(state, None)),
                error: None,
                failures: 0,
                ..after.metadata
            };
            Ok(())
        }
        Ok(FetchOutcome::Document(metadata, validators)) => apply(state, &mut after, &metadata, validators),
        Err(reason) => Err(reason),
    };
    if let Err(reason) = &outcome {
        let failures = before.metadata.failures.saturating_add(1);
        after = before.clone();
        after.metadata.failures = failures;
        after.metadata.error = Some(reason.chars().take(MAX_ERROR_LENGTH).collect());
        after.metadata.next_at = Some(now + with_jitter(state, retry_delay(failures)));
    }
    let changed = metadata_fields(&before) != metadata_fields(&after);
    if changed {
        after.test = saml_connections::is_test_idp(state, &after);
        after.updated_at = now;
    }
    store::saml_connections::update(&mut tx, &after).await?;
    if changed {
        audit::updated(&mut tx, state, actor, &before, &after).await?;
        let event = NewEvent {
            environment: &after.environment_id,
            organization: &after.organization_id,
            directory: None,
            kind: EventKind::MetadataChanged,
            resource: after.id.to_string(),
            data: json!({ "before": metadata_fields(&before), "after": metadata_fields(&after) }),
        };
        events::record(&mut tx, now, event).await?;
    }
    tx.commit().await?;
    telemetry::metadata_refreshed(match (&outcome, changed) {
        (Err(_), _) => "failed",
        (Ok(()), true) => "changed",
        (Ok(()), false) => "unchanged",
    });
    tracing::info!(connection = %after.id, changed, failed = outcome.is_err(), "metadata refreshed");
    Ok(outcome)
}

/// The settings of a connection that come from its metadata.
fn metadata_fields(connection: &SamlConnection) -> Map<String, Value> {
    let mut said = Map::new();
    said.insert("idpEntityId".to_owned(), connection.idp_entity_id.clone().into());
    said.insert(
        "idpRedirectUrl".to_owned(),
        connection.idp_redirect_url.as_ref().map(HttpUrl::as_str).into(),
    );
    said.insert("idpBinding".to_owned(), connection.idp_binding.as_str().into());
    let certificates: Vec<Value> = parse(&connection.idp_certificates)
        .iter()
        .map(|certificate| {
            json!({
                "fingerprintSha256": certificate.fingerprint,
                "notBefore": certificate.not_before,
                "notAfter": certificate.not_after,
            })
        })
        .collect();
    said.insert("idpCertificates".to_owned(), certificates.into());
    said
}

/// Fetches and parses the metadata at `url`. Call it outside of transactions.
async fn fetch(
    state: &State,
    url: &HttpUrl,
    known: &Validators,
    wanted: Option<String>,
) -> Result<std::result::Result<FetchOutcome, String>> {
    let Some(address) = url.to_url() else { return Ok(Err("its address is no URL".to_owned())) };
    let (xml, validators) = match state.http_client().await?.get_conditional(&address, known).await {
        Ok(ConditionalResponse::NotModified) => return Ok(Ok(FetchOutcome::NotModified)),
        Ok(ConditionalResponse::Document { bytes, validators }) => (bytes, validators),
        Err(error) => return Ok(Err(error.to_string())),
    };
    // Parsing up to two megabytes would block an async thread.
    let parsed = tokio::task::spawn_blocking(move || parse_idp_metadata(&xml, wanted.as_deref()))
        .await
        .map_err(Error::internal)?;
    Ok(match parsed {
        Ok(metadata) => check_validity(&metadata, state.now())
            .map(|()| FetchOutcome::Document(Box::new(metadata), validators)),
        Err(error @ MetadataError::UnknownEntity { .. }) => Err(format!(
            "{error}. Nothing is taken from it: if the customer moved to another identity provider, set \
             idpMetadataUrl anew together with its entity id"
        )),
        Err(error) => Err(error.to_string()),
    })
}

/// Refuses metadata whose `validUntil` is past (SAML Metadata §2.3.1).
pub(in crate::app) fn check_validity(
    metadata: &IdpMetadata,
    now: Timestamp,
) -> std::result::Result<(), String> {
    match metadata.valid_until {
        Some(until) if until <= now => Err(format!("the metadata expired at {until} (validUntil)")),
        _ => Ok(()),
    }
}

/// Applies the metadata to the connection.
fn apply(
    state: &State,
    connection: &mut SamlConnection,
    metadata: &IdpMetadata,
    validators: Validators,
) -> std::result::Result<(), String> {
    let field = super::source::URL_FIELD;
    let sentence = |error: Error| error.to_string();
    let listed =
        parse(&saml_connections::parse_certificates(field, &metadata.certificates_pem).map_err(sentence)?);
    let trusted = parse(&connection.idp_certificates);
    let merged = merge(&trusted, &listed, &connection.metadata.certificates, state.now());
    connection.idp_entity_id = Some(metadata.entity_id.clone());
    connection.idp_redirect_url =
        Some(crate::app::input::url(field, &metadata.sso_redirect_url).map_err(sentence)?);
    connection.idp_binding = saml_connections::binding_of(metadata);
    connection.idp_certificates = merged.iter().map(|certificate| certificate.pem.clone()).collect();
    connection.idp_certificate_expires_at = last_expiry(&connection.idp_certificates);
    // Withdrawn certificates that are still trusted stay marked as the metadata's.
    let waiting = merged
        .iter()
        .map(|certificate| &certificate.fingerprint)
        .filter(|fingerprint| connection.metadata.certificates.contains(*fingerprint))
        .filter(|fingerprint| listed.iter().all(|certificate| certificate.fingerprint != **fingerprint));
    let mut known: Vec<String> = listed.iter().map(|certificate| certificate.fingerprint.clone()).collect();
    known.extend(waiting.cloned());
    connection.metadata = MetadataRefresh {
        certificates: known,
        refresh_requested_at: connection.metadata.refresh_requested_at,
        ..refreshed_state(state, metadata, validators)
    };
    Ok(())
}

/// The refresh state after metadata was fetched and applied.
pub(in crate::app) fn refreshed_state(
    state: &State,
    metadata: &IdpMetadata,
    validators: Validators,
) -> MetadataRefresh {
    // A document with its own validity must be parsed again, even if it is unchanged.
    let timed = metadata.cache_duration.is_some() || metadata.valid_until.is_some();
    let validators = if timed { Validators::default() } else { validators };
    let listed = parse(&metadata.certificates_pem);
    MetadataRefresh {
        fetched_at: Some(state.now()),
        etag: validators.etag,
        last_modified: validators.last_modified,
        certificates: listed.into_iter().map(|certificate| certificate.fingerprint).collect(),
        next_at: Some(next_at(state, Some(metadata))),
        refresh_requested_at: None,
        error: None,
        failures: 0,
    }
}

/// When to fetch it next.
fn next_at(state: &State, metadata: Option<&IdpMetadata>) -> Timestamp {
    let now = state.now();
    now + with_jitter(state, refresh_interval(metadata, now))
}

/// The refresh interval: as the metadata says (SAML Metadata §2.3.1), within bounds.
fn refresh_interval(metadata: Option<&IdpMetadata>, now: Timestamp) -> Duration {
    let said = metadata.and_then(|metadata| metadata.cache_duration).unwrap_or(DEFAULT_INTERVAL);
    let left = metadata.and_then(|metadata| metadata.valid_until).map(|until| until.since(now));
    said.min(left.unwrap_or(said)).clamp(MIN_INTERVAL, MAX_INTERVAL)
}

/// The retry delay after so many failures in a row.
fn retry_delay(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(10);
    (FIRST_RETRY * 2_u32.pow(doublings)).min(DEFAULT_INTERVAL)
}

/// Adds a jitter of up to a tenth, so that connections created together are not fetched together.
fn with_jitter(state: &State, refresh_interval: Duration) -> Duration {
    let share = u32::try_from(state.random.bits() % 2001).unwrap_or(0);
    refresh_interval * 9 / 10 + refresh_interval * share / 10_000
}

/// A parsed certificate, for the merge.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ParsedCertificate {
    pem: String,
    fingerprint: String,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// Parses stored certificates.
fn parse(pems: &[String]) -> Vec<ParsedCertificate> {
    let bundles = pems.iter().filter_map(|pem| Certificate::parse_pem_bundle(pem).ok());
    bundles
        .flatten()
        .map(|certificate| ParsedCertificate {
            pem: certificate.to_pem(),
            fingerprint: certificate.fingerprint_sha256(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
        })
        .collect()
}

/// The certificates to trust when the metadata lists `listed` and earlier listed the fingerprints
/// `listed_before`.
///
/// - Listed certificates are trusted at once: a new one works before the old one is withdrawn.
/// - A certificate that is no longer listed is dropped, but only if a listed one is valid now. Metadata with only
///   a future or an expired certificate drops nothing.
/// - A certificate that was never listed was added by hand, and stays until it is removed by hand.
///
/// The result is never empty, because metadata without certificates is an error. If there are too many, listed
/// ones take precedence.
fn merge(
    trusted: &[ParsedCertificate],
    listed: &[ParsedCertificate],
    listed_before: &[String],
    now: Timestamp,
) -> Vec<ParsedCertificate> {
    let covered = listed.iter().any(|one| one.not_before <= now && now < one.not_after);
    let withdrawn = |one: &ParsedCertificate| covered && listed_before.contains(&one.fingerprint);
    let mut merged = listed.to_vec();
    for one in trusted {
        let there = merged.iter().any(|other| other.fingerprint == one.fingerprint);
        if !there && !withdrawn(one) && merged.len() < saml_connections::MAX_CERTIFICATES {
            merged.push(one.clone());
        }
    }
    merged
}

/// Called when no certificate of the connection verified a signature: requests a refresh now, rate-limited, so
/// that the next login works if the provider changed its key. Adds this to the remedy of the failed check.
pub(in crate::app) async fn request_refresh(
    state: &State,
    connection: &SamlConnection,
    rejection: saml::Error,
    checks: &mut [Check],
) -> Result<()> {
    let of_the_key =
        matches!(rejection, saml::Error::SignatureMismatch | saml::Error::SignatureKeyUnsuitable);
    if !of_the_key || connection.idp_metadata_url.is_none() {
        return Ok(());
    }
    let now = state.now();
    let may_request =
        connection.metadata.refresh_requested_at.is_none_or(|at| now.since(at) >= MIN_REQUEST_INTERVAL);
    let requested = may_request && {
        let mut tx = state.db.write().await?;
        let before = now - MIN_REQUEST_INTERVAL;
        let requested =
            store::saml_connections::request_metadata_refresh(&mut tx, connection.id, now, before).await?;
        tx.commit().await?;
        requested
    };
    let words = if requested {
        "The identity provider's metadata is being fetched again right now: try again in a minute. If it \
         fails again, the metadata does not list the key that signed this."
            .to_owned()
    } else {
        match (connection.metadata.fetched_at, &connection.metadata.error) {
            (_, Some(error)) => format!("Its metadata cannot be refreshed: {error}."),
            (Some(at), None) => {
                format!("Its metadata was last fetched at {at} and does not list the key that signed this.")
            }
            (None, None) => "Its metadata is being fetched.".to_owned(),
        }
    };
    for check in checks.iter_mut().filter(|check| !check.passed && check.name == rejection.code()) {
        check.remedy = format!("{words} {}", check.remedy).into();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1000;

    fn known(name: &str, from: i64, to: i64) -> ParsedCertificate {
        ParsedCertificate {
            pem: name.to_owned(),
            fingerprint: name.to_owned(),
            not_before: Timestamp::from_seconds(from),
            not_after: Timestamp::from_seconds(to),
        }
    }

    #[test]
    fn certificates_come_at_once_and_go_when_others_stand_in() {
        // Lower case: valid now; `N…`: valid later; `X…`: expired.
        let certificate = |name: &str| match &name[..1] {
            "N" => known(name, NOW + 100, NOW + 1000),
            "X" => known(name, 0, NOW - 100),
            _ => known(name, 0, NOW + 500),
        };
        let list = |names: &str| names.split_whitespace().map(certificate).collect::<Vec<_>>();
        for (case, trusted, listed_before, listed, expected) in [
            ("nothing new", "a", "a", "a", "a"),
            ("the next one is listed beside the present one", "a", "a", "a b", "a b"),
            ("the old one is listed no more", "a b", "a b", "b", "b"),
            ("the provider switches from one to the other (Okta)", "a", "a", "b", "b"),
            ("only the one to come is listed: the present one stays", "a", "a", "Nb", "Nb a"),
            ("it came to be valid", "b a", "b a", "b", "b"),
            ("the next one is listed early beside the present one (Entra)", "a", "a", "a Nb", "a Nb"),
            ("only an expired one is listed, and signs on", "Xa", "Xa", "Xa", "Xa"),
            ("an expired one instead of a good one drops nothing", "a", "a", "Xb", "Xb a"),
            ("one added by hand stays", "a h", "a", "a", "a h"),
            ("one added by hand stays when all others change", "a h", "a", "b", "b h"),
            ("one added by hand that the metadata lists is the metadata's", "a h", "a h", "a", "a"),
            ("one removed by hand comes back while it is listed", "h", "a", "a", "a h"),
            ("the order is the metadata's", "a b", "a b", "b a", "b a"),
            ("everything is new", "", "", "a b", "a b"),
        ] {
            let before: Vec<String> = listed_before.split_whitespace().map(str::to_owned).collect();
            let merged = merge(&list(trusted), &list(listed), &before, Timestamp::from_seconds(NOW));
            assert_eq!(merged, list(expected), "{case}");
        }
    }

    #[test]
    fn there_are_never_too_many() {
        let many = |prefix: &str| -> Vec<ParsedCertificate> {
            (0..saml_connections::MAX_CERTIFICATES)
                .map(|at| known(&format!("{prefix}{at}"), 0, 9999))
                .collect()
        };
        let merged = merge(&many("hand"), &many("listed"), &[], Timestamp::from_seconds(NOW));
        assert_eq!(merged, many("listed"));
    }

    fn metadata(cache_duration: Option<Duration>, valid_until: Option<i64>) -> IdpMetadata {
        IdpMetadata {
            entity_id: "https://idp.example".to_owned(),
            sso_redirect_url: "https://idp.example/sso".to_owned(),
            idp_binding: crate::saml::binding::Binding::Post,
            certificates_pem: Vec::new(),
            want_authn_requests_signed: false,
            valid_until: valid_until.map(Timestamp::from_seconds),
            cache_duration,
        }
    }

    #[test]
    fn metadata_rests_as_long_as_it_says_within_bounds() {
        let hours = |count: u32| HOUR * count;
        let now = Timestamp::from_seconds(NOW);
        for (said, until, expected) in [
            (None, None, hours(6)),
            (Some(hours(2)), None, hours(2)),
            (Some(Duration::from_secs(60)), None, hours(1)),
            (Some(hours(24 * 30)), None, hours(24)),
            (None, Some(NOW + 2 * 3600), hours(2)),
            (Some(hours(3)), Some(NOW + 2 * 3600), hours(2)),
            (Some(hours(1)), Some(NOW + 2 * 3600), hours(1)),
            (None, Some(NOW + 60), hours(1)),
        ] {
            assert_eq!(refresh_interval(Some(&metadata(said, until)), now), expected, "{said:?} {until:?}");
        }
        assert_eq!(refresh_interval(None, now), hours(6));
    }

    #[test]
    fn failures_rest_longer_and_longer() {
        let minutes: Vec<u64> = (1..=9).map(|failures| retry_delay(failures).as_secs() / 60).collect();
        assert_eq!(minutes, [5, 10, 20, 40, 80, 160, 320, 360, 360]);
        assert_eq!(retry_delay(u32::MAX), DEFAULT_INTERVAL);
    }

    #[test]
    fn metadata_past_its_own_time_is_refused() {
        let now = Timestamp::from_seconds(NOW);
        assert!(check_validity(&metadata(None, None), now).is_ok());
        assert!(check_validity(&metadata(None, Some(NOW + 1)), now).is_ok());
        assert!(check_validity(&metadata(None, Some(NOW)), now).unwrap_err().contains("expired at"));
    }
}
