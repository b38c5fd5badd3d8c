//! Periodic refresh of identity provider metadata.
//!
//! A connection with a metadata URL takes its settings from there; for certificates see `merge`. A different
//! entity id is never taken over, and a document that cannot be fetched or parsed changes nothing but the stored
//! error.

use base::{id::SamlConnectionId, time::Timestamp};
use model::{
    event::EventKind,
    http_url::HttpUrl,
    saml_connection::{MetadataRefresh, SamlConnection, last_expiry},
};
use saml::metadata::IdpMetadata;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use super::{
    merge::merge,
    schedule::{next_at, refreshed_state, retry_delay, with_jitter},
    source::{self, FetchOutcome},
};
use crate::{
    app::{
        Error, Result, State,
        connections::saml::{
            self as saml_connections, SamlConnectionView,
            certificates::{certificate_views, parse_certificates},
        },
        events::{self, NewEvent},
        input,
        lease::{self, Interruption},
        outgoing::Validators,
        panics::catch_panic,
        permissions::Action,
        principal::{On, Principal},
        resource::{hide, load},
    },
    store::{self, PoolShare},
    telemetry,
};

/// How many documents are fetched at a time, and how many connections are read at a time.
const CONCURRENCY: usize = 4;
const BATCH: i64 = 20;
/// How many withdrawn certificates are remembered, the latest.
const MAX_WITHDRAWN: usize = 50;
/// The maximum length of a stored error, in characters.
const MAX_ERROR_LENGTH: usize = 500;

/// Refreshes the metadata of all connections that are due. Returns how many this replica refreshed; another may
/// have claimed some. One that fails internally does not keep the others waiting; the last such error is returned.
pub async fn refresh_due(state: &State) -> Result<usize> {
    let due = {
        let mut conn = state.db.read().await?;
        store::metadata_refreshes::list_due(&mut conn, state.now(), BATCH).await?
    };
    let mut waiting = due.into_iter();
    let mut running = JoinSet::new();
    let (mut taken, mut failure) = (0, None);
    loop {
        while running.len() < CONCURRENCY {
            let Some(connection) = waiting.next() else { break };
            let state = state.clone();
            running.spawn(async move {
                catch_panic(claim_and_refresh(&state, connection)).await.map_err(Error::internal)?
            });
        }
        match running.join_next().await {
            None => return failure.map_or(Ok(taken), Err),
            Some(Ok(Ok(done))) => taken += usize::from(done),
            Some(Ok(Err(error))) => {
                let cause = telemetry::error_chain(&error);
                tracing::warn!(cause, "a connection's metadata could not be refreshed; it is tried again");
                failure = Some(error);
            }
            Some(Err(_)) => {} // the server stops
        }
    }
}

async fn claim_and_refresh(state: &State, connection: SamlConnection) -> Result<bool> {
    let (id, until) = (connection.id, state.now() + lease::DURATION);
    // What keeps the claim does not wait for other jobs.
    let keeper = state.with_share(PoolShare::General);
    if !claim(&keeper, id, connection.metadata.next_at, until).await? {
        return Ok(false);
    }
    let principal = Principal::service(connection.environment_id);
    let extend = |held, until| claim(&keeper, id, Some(held), until);
    let work = refresh(state, &principal, connection);
    let (outcome, held) = lease::work_under_claim(state, until, work, extend).await;
    match outcome {
        // What went wrong at the provider is stored with the connection.
        Ok(refreshed) => drop(refreshed?),
        Err(Interruption::LeaseLost) => {}
        // Another replica goes on with it.
        Err(Interruption::Stopping) => drop(claim(&keeper, id, Some(held), state.now()).await?),
    }
    Ok(true)
}

/// Moves the next refresh of a connection from `seen` to `until`. Returns whether nobody else had moved it.
async fn claim(
    state: &State,
    id: SamlConnectionId,
    seen: Option<Timestamp>,
    until: Timestamp,
) -> Result<bool> {
    let mut tx = state.db.write().await?;
    let claimed = store::metadata_refreshes::claim(&mut tx, id, seen, until).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// Refreshes a connection's metadata now.
pub async fn refresh_now(
    state: &State,
    principal: &Principal,
    id: SamlConnectionId,
) -> Result<SamlConnectionView> {
    let environment_id = principal.authorize(Action::SamlConnectionsManage, On::AnyOrganization)?;
    let connection = {
        let mut conn = state.db.read().await?;
        load::<SamlConnection>(&mut conn, environment_id, id).await?
    };
    hide(
        id,
        principal.authorize(Action::SamlConnectionsManage, On::Organization(connection.organization_id)),
    )?;
    if connection.idp_metadata_url.is_none() {
        return Err(Error::FailedPrecondition(
            "the connection has no metadata address; set idpMetadataUrl first".into(),
        ));
    }
    match refresh(state, principal, connection).await? {
        Ok(()) => saml_connections::find(state, principal, id).await,
        Err(reason) => Err(Error::invalid(source::URL_FIELD, reason)),
    }
}

/// Fetches the metadata and applies it. The inner error is a message for the connection's admin; it is stored.
async fn refresh(
    state: &State,
    principal: &Principal,
    connection: SamlConnection,
) -> Result<std::result::Result<(), String>> {
    let Some(url) = connection.idp_metadata_url.clone() else { return Ok(Ok(())) };
    let known = Validators {
        etag: connection.metadata.etag.clone(),
        last_modified: connection.metadata.last_modified.clone(),
    };
    let mut news = source::fetch(state, &url, &known, connection.idp_entity_id.clone()).await?;
    let now = state.now();
    // After the fetch: no network calls while the transaction holds the locks.
    let mut edit = match saml_connections::begin_edit(state, &connection, None).await {
        Ok(edit) if edit.before.idp_metadata_url.as_ref() == Some(&url) => edit,
        Ok(_) | Err(Error::NotFound { .. }) => return Ok(Ok(())), // removed, or its URL changed, during the fetch
        Err(error) => return Err(error),
    };
    if let Ok(FetchOutcome::Document(metadata, _)) = &news
        && edit.before.idp_entity_id.as_ref().is_some_and(|id| *id != metadata.entity_id)
    {
        news = Err("the connection's entity id was changed while its metadata was fetched".to_owned());
    }
    let outcome = match news {
        Ok(FetchOutcome::NotModified) => {
            edit.row.metadata = MetadataRefresh {
                fetched_at: Some(now),
                next_at: Some(next_at(state, None)),
                error: None,
                failures: 0,
                ..edit.row.metadata
            };
            Ok(())
        }
        Ok(FetchOutcome::Document(metadata, validators)) => {
            apply(state, &mut edit.row, &metadata, validators)
        }
        Err(reason) => Err(reason),
    };
    if let Err(reason) = &outcome {
        let failures = edit.before.metadata.failures.saturating_add(1);
        edit.row = edit.before.clone();
        edit.row.metadata.failures = failures;
        edit.row.metadata.error = Some(reason.chars().take(MAX_ERROR_LENGTH).collect());
        edit.row.metadata.next_at = Some(now + with_jitter(state, retry_delay(failures)));
    }
    let fields = (metadata_fields(&edit.before), metadata_fields(&edit.row));
    let changed = fields.0 != fields.1;
    if changed {
        edit.row.test = saml_connections::is_test_idp(state, &edit.row);
    }
    saml_connections::write(&mut edit, now).await?;
    if changed {
        edit.record_update(state, principal).await?;
        let event = NewEvent {
            environment: &edit.row.environment_id,
            organization: &edit.row.organization_id,
            directory: None,
            kind: EventKind::MetadataChanged,
            resource: edit.row.id.to_string(),
            data: json!({ "before": fields.0, "after": fields.1 }),
        };
        events::record(&mut edit.tx, now, event).await?;
    }
    let after = edit.commit().await?;
    telemetry::metadata_refreshed(match (&outcome, changed) {
        (Err(_), _) => "failed",
        (Ok(()), true) => "changed",
        (Ok(()), false) => "unchanged",
    });
    let left_out = after.metadata.left_out.len();
    tracing::info!(connection = %after.id, changed, failed = outcome.is_err(), left_out, "metadata refreshed");
    if left_out > 0 {
        let reasons = after.metadata.left_out.join("; ");
        tracing::warn!(connection = %after.id, reasons, "certificates in its metadata cannot be used and are left out");
    }
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
    let certificates: Vec<Value> = certificate_views(&connection.idp_certificates)
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

/// The error without the field's name, which the caller adds.
fn reason(error: Error) -> String {
    match error {
        Error::Invalid { reason, .. } => reason.into_owned(),
        other => other.to_string(),
    }
}

/// Applies the metadata to the connection.
fn apply(
    state: &State,
    connection: &mut SamlConnection,
    metadata: &IdpMetadata,
    validators: Validators,
) -> std::result::Result<(), String> {
    let field = source::URL_FIELD;
    let listed = parse_certificates(field, &metadata.certificates_pem).map_err(reason)?;
    let listed = certificate_views(&listed.pems);
    let trusted = certificate_views(&connection.idp_certificates);
    let merged = merge(&trusted, &listed, &connection.metadata.certificates, state.now());
    connection.idp_entity_id = Some(metadata.entity_id.clone());
    connection.idp_redirect_url = Some(input::url(field, &metadata.sso_redirect_url).map_err(reason)?);
    connection.idp_binding = source::binding_of(metadata);
    connection.idp_certificates = merged.iter().map(|certificate| certificate.pem.clone()).collect();
    connection.idp_certificate_expires_at = last_expiry(&connection.idp_certificates);
    // Certificates that the metadata withdrew stay marked as its own: if a client that read the connection before sends
    // one back, it is not taken for one that was added by hand.
    let mut known: Vec<String> = listed.iter().map(|certificate| certificate.fingerprint.clone()).collect();
    let withdrawn = connection.metadata.certificates.iter().filter(|one| !known.contains(one));
    let withdrawn: Vec<String> = withdrawn.take(MAX_WITHDRAWN).cloned().collect();
    known.extend(withdrawn);
    connection.metadata = MetadataRefresh {
        certificates: known,
        refresh_requested_at: connection.metadata.refresh_requested_at,
        ..refreshed_state(state, metadata, validators)
    };
    Ok(())
}
