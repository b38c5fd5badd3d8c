//! Users as the surface shows them.

use base::time::Timestamp;
use model::{
    account::{CredentialState, CredentialSummary},
    identity_pool::IdentityPool,
    user::{User, UserAddress, UserIdentifier},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    app::{Error, Result, State, accounts::users, principal::Principal},
    http::secureauth::reply::{hex_id, schema_id},
};

/// An identifier of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthIdentifier)]
pub struct IdentifierObject {
    /// `email`, `mobile`, `uid`, `external` or `federated`.
    #[serde(rename = "type")]
    #[schema(example = "email")]
    kind: &'static str,
    /// As it was given.
    #[schema(example = "dana@acme.com")]
    identifier: String,
    /// What you keep with it.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
}

impl From<UserIdentifier> for IdentifierObject {
    fn from(identifier: UserIdentifier) -> Self {
        Self {
            kind: identifier.text.kind().as_str(),
            identifier: identifier.text.as_str().to_owned(),
            metadata: identifier.metadata,
        }
    }
}

/// An address of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthAddress)]
pub struct AddressObject {
    /// `email` or `mobile`.
    #[serde(rename = "type")]
    #[schema(example = "email")]
    kind: &'static str,
    /// As it was given.
    #[schema(example = "dana@acme.com")]
    address: String,
    /// Whether it was proven that it is the user's.
    verified: bool,
    /// `active` or `inactive`: whether it is used.
    status: &'static str,
    /// Of a mobile number: `sms` or `voice`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    preferred_contact_method: Option<&'static str>,
}

impl From<UserAddress> for AddressObject {
    fn from(address: UserAddress) -> Self {
        Self {
            kind: address.kind.as_str(),
            verified: address.is_verified(),
            status: address.status.as_str(),
            preferred_contact_method: address.preferred_contact_method.map(|method| method.as_str()),
            address: address.address,
        }
    }
}

/// A credential of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthCredential)]
pub struct CredentialObject {
    /// `password`, `webauthn` or `totp`.
    #[serde(rename = "type")]
    #[schema(example = "password")]
    kind: &'static str,
    /// `valid`, `must_be_changed` or `must_be_reset`.
    #[schema(example = "valid")]
    state: &'static str,
    /// Until when it can be used; `null` for no end.
    expires_at: Option<Timestamp>,
    /// When it was set.
    created_at: Timestamp,
}

impl CredentialObject {
    /// A credential as the surface shows it. Recovery codes are none of its kinds.
    fn new(summary: &CredentialSummary) -> Option<Self> {
        let valid = CredentialState::Valid;
        let (kind, state, expires_at, created_at) = match summary {
            CredentialSummary::Password { state, changed_at, expires_at } => {
                ("password", *state, *expires_at, *changed_at)
            }
            CredentialSummary::Passkey { passkey, .. } => ("webauthn", valid, None, passkey.created_at),
            CredentialSummary::Totp { created_at } => ("totp", valid, None, *created_at),
            CredentialSummary::RecoveryCodes { .. } => return None,
        };
        Some(Self { kind, state: state.as_str(), expires_at, created_at })
    }
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthUser)]
pub struct UserObject {
    /// The id: 32 hexadecimal digits.
    id: String,
    /// The environment, as issuers name it.
    tenant_id: String,
    /// The identity pool.
    user_pool_id: String,
    /// `new`, `active`, `inactive` or `deleted`.
    #[schema(example = "active")]
    status: &'static str,
    /// By what the user is found.
    identifiers: Vec<IdentifierObject>,
    /// Where the user is reached.
    verifiable_addresses: Vec<AddressObject>,
    /// The profile.
    #[schema(value_type = Object)]
    payload: Map<String, Value>,
    /// The schema that the profile fits.
    payload_schema_id: String,
    /// What you keep with the user.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// The schema that it fits.
    metadata_schema_id: String,
    /// What the administrators of the organization keep with the user.
    #[schema(value_type = Object)]
    business_metadata: Map<String, Value>,
    /// The schema that it fits; empty for none.
    business_metadata_schema_id: String,
    /// What the user authenticates with, without what proves anything; lists leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Vec<CredentialObject>)]
    credentials: Option<Vec<CredentialObject>>,
    /// What you call the kind of the account.
    user_type: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    status_updated_at: Timestamp,
}

/// A user with credentials, as the surface shows one.
pub(super) async fn one(
    state: &State,
    principal: &Principal,
    tenant: &str,
    user: &User,
) -> Result<UserObject> {
    let credentials = users::credentials(state, principal, user).await?;
    let (pool, details) = users::details(state, principal, user.pool_id, vec![user.clone()]).await?;
    let details = details.into_iter().next().ok_or_else(|| Error::internal("a user of another pool"))?;
    let credentials = credentials.iter().filter_map(CredentialObject::new).collect();
    Ok(UserObject { credentials: Some(credentials), ..object(&pool, tenant, details) })
}

/// These users of one pool as the surface shows them.
pub(in crate::http::secureauth) async fn of(
    state: &State,
    principal: &Principal,
    tenant: &str,
    found: Vec<User>,
) -> Result<Vec<UserObject>> {
    let Some(pool_id) = found.first().map(|user| user.pool_id) else { return Ok(Vec::new()) };
    let (pool, details) = users::details(state, principal, pool_id, found).await?;
    Ok(details.into_iter().map(|details| object(&pool, tenant, details)).collect())
}

fn object(pool: &IdentityPool, tenant: &str, details: users::UserDetails) -> UserObject {
    let users::UserDetails { user, identifiers, addresses } = details;
    let business_metadata = users::business_metadata_of(&user);
    UserObject {
        id: hex_id(user.id),
        tenant_id: tenant.to_owned(),
        user_pool_id: hex_id(user.pool_id),
        status: user.status.as_str(),
        identifiers: identifiers.into_iter().map(IdentifierObject::from).collect(),
        verifiable_addresses: addresses.into_iter().map(AddressObject::from).collect(),
        payload: user.payload,
        payload_schema_id: schema_id(pool.payload_schema),
        metadata: user.metadata,
        metadata_schema_id: schema_id(pool.metadata_schema),
        business_metadata,
        business_metadata_schema_id: pool.business_metadata_schema.map(schema_id).unwrap_or_default(),
        credentials: None,
        user_type: user.user_type,
        created_at: user.created_at,
        updated_at: user.updated_at,
        status_updated_at: user.status_updated_at,
    }
}
