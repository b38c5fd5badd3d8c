//! What `sub` is for the OAuth client of a login.

use base::{id::OauthSubjectId, time::Timestamp};
use model::{
    email::Email,
    environment::{Environment, OauthSubject},
    login_flow::LoginFlow,
};

use crate::{
    app::{Result, State},
    store::{Transaction, oauth_subjects},
};

/// The subject of the person whose login is accepted. `known` is the one that the organization has for the address. Logins
/// without an OAuth client count too for the question which organization signed an address in first.
pub(super) async fn decide(
    state: &State,
    tx: &mut Transaction,
    environment: &Environment,
    flow: &LoginFlow,
    email: &Email,
    known: Option<String>,
    now: Timestamp,
) -> Result<String> {
    if !environment.has_subjects_by_organization() {
        return Ok(match environment.oauth_subject {
            OauthSubject::Email => email.key(),
            OauthSubject::EmailAsSent => email.to_string(),
        });
    }
    if let Some(known) = known {
        return Ok(known);
    }
    let other = OauthSubjectId::new(now, &*state.random);
    let (environment, organization) = (flow.environment_id, flow.organization_id);
    Ok(oauth_subjects::find_or_insert(tx, environment, organization, email, other, now).await?)
}
