//! The person's federated identity: how their identity provider names them.

use base::time::Timestamp;
use model::{email::Email, federated_identity::FederatedIdentity, login_flow::LoginFlow};
use saml::{VerifiedAssertion, identifiers::name_id_format};

use crate::{
    app::Result,
    store::{Transaction, federated_identities},
};

/// The maximum size of a name, and of each of its attributes. Larger ones are not kept.
const MAX_NAME_BYTES: usize = 1024;

/// Stores how the identity provider of an accepted login names the person.
pub(super) async fn record(tx: &mut Transaction, identity: Option<&FederatedIdentity>) -> Result<()> {
    match identity {
        Some(identity) => Ok(federated_identities::upsert(tx, identity).await?),
        None => Ok(()),
    }
}

/// How an assertion names the person, unless it is a name for one session only, or too long, or there is none: an attribute named
/// the person, and everybody without a NameID would be one identity.
pub(super) fn identity_of(
    flow: &LoginFlow,
    email: &Email,
    assertion: &VerifiedAssertion,
    now: Timestamp,
) -> Option<FederatedIdentity> {
    let connection_id = flow.connection_id?;
    let (name_id, attributes) = (&assertion.subject.name_id, &assertion.name_id);
    let parts = [
        Some(name_id),
        attributes.format.as_ref(),
        attributes.name_qualifier.as_ref(),
        attributes.sp_name_qualifier.as_ref(),
        attributes.sp_provided_id.as_ref(),
    ];
    let is_too_long = parts.into_iter().flatten().any(|part| part.len() > MAX_NAME_BYTES);
    if name_id.is_empty() || is_too_long || attributes.format.as_deref() == Some(name_id_format::TRANSIENT) {
        return None;
    }
    let session_index = assertion.session_index.clone().filter(|index| index.len() <= MAX_NAME_BYTES);
    Some(FederatedIdentity {
        connection_id,
        environment_id: flow.environment_id,
        organization_id: flow.organization_id,
        subject: name_id.clone(),
        format: attributes.format.clone(),
        name_qualifier: attributes.name_qualifier.clone(),
        sp_name_qualifier: attributes.sp_name_qualifier.clone(),
        sp_provided_id: attributes.sp_provided_id.clone(),
        email: email.clone(),
        session_index,
        last_login_at: now,
    })
}
