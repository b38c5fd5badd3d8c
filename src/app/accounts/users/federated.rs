//! Users as an identity provider of their organization names them: found by its name for them, linked by an address of theirs, or
//! made at their first sign-in.

use base::{
    connection_id::ConnectionId,
    id::{EnvironmentId, OrganizationId, UserId},
    secret::Digest,
    time::Timestamp,
};
use model::{
    email::Email,
    identity_pool::IdentityPool,
    identity_schema::{SchemaRef, SystemSchema},
    user::{
        AddressKind, AddressStatus, IdentifierKey, IdentifierKind, IdentifierText, User, UserAddress,
        UserIdentifier, UserSource, UserStatus,
    },
};
use serde_json::{Map, Value};

use super::{
    addresses::{MAX_ADDRESSES, NewAddress},
    create::{self, NewUser},
    identifiers::{MAX_IDENTIFIERS, NewIdentifier},
    place::{Purpose, lock_pool},
    profile::Profile,
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{credentials, pools},
        audit::{self, Entry},
        principal::Principal,
        resource::update_locked,
    },
    store::{self, Conn, Transaction, identity_pools, table, user_addresses, user_identifiers},
};

/// How an identity provider names somebody for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastingName {
    /// By their e-mail address; this is its key.
    Address(String),
    /// By another name: its digest, with format and qualifiers.
    Other(Digest),
}

/// Somebody whom a connection of an organization has asserted. The domain of the address counts for that organization.
#[derive(Debug, Clone)]
pub struct AssertedPerson<'a> {
    /// The environment.
    pub environment_id: EnvironmentId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The connection.
    pub connection_id: ConnectionId,
    /// Their address.
    pub email: &'a Email,
    /// How the identity provider names them; `None` where the name is good for one session only.
    pub name: Option<LastingName>,
    /// What it says about them, by the names of OpenID Connect.
    pub claims: Map<String, Value>,
}

/// Why nobody can sign in as the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAccount {
    /// Their account is switched off, or counts as deleted.
    NotActive,
    /// The account with their address is linked to another person of the identity provider.
    LinkedElsewhere,
}

impl AssertedPerson<'_> {
    /// The federated identifier of the person.
    fn identifier(&self) -> Result<Option<IdentifierText>> {
        let name = match &self.name {
            Some(LastingName::Address(key)) => key.clone(),
            Some(LastingName::Other(digest)) => digest.to_hex(),
            None => return Ok(None),
        };
        let text = format!("{}#{name}", self.connection_id);
        // An address that is too long for it finds its user by the address alone.
        Ok(IdentifierText::parse(IdentifierKind::Federated, &text).ok())
    }

    /// Whether an identifier names another person of the same identity provider. Names that are addresses change with these.
    fn is_another(&self, identifier: &UserIdentifier) -> bool {
        let Some(LastingName::Other(own)) = &self.name else { return false };
        if identifier.text.kind() != IdentifierKind::Federated {
            return false;
        }
        let prefix = format!("{}#", self.connection_id);
        let name = identifier.text.as_str().strip_prefix(&prefix);
        name.is_some_and(|name| !name.contains('@') && *name != own.to_hex())
    }
}

/// Gives an organization its first pool, where it has none: before the transaction in which somebody is found.
pub async fn ensure_pool(
    state: &State,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<()> {
    let first = {
        let mut conn = state.db.read().await?;
        identity_pools::find_first(&mut conn, environment_id, organization_id).await?
    };
    if first.is_none() {
        let mut tx = state.db.write().await?;
        let principal = Principal::service(environment_id);
        pools::first_of(&mut tx, state, &principal, environment_id, organization_id).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The account of a person, locked: found, linked, or made in the first pool of the organization. One that was not activated
/// becomes active: the identity provider vouches for the address. What somebody set up before, who had not proven it, goes, whether
/// the account was active or not.
pub async fn find_or_create(
    tx: &mut Transaction,
    state: &State,
    person: &AssertedPerson<'_>,
) -> Result<Result<User, NoAccount>> {
    let (environment_id, organization_id) = (person.environment_id, person.organization_id);
    let federated = person.identifier()?.map(|text| (text.key(true), text));
    if let Some((key, _)) = &federated {
        let found =
            store::users::find_by_key_in_organization(tx, environment_id, organization_id, key).await?;
        if let Some(found) = found
            && let Some(mut user) = lock(tx, &found).await?
        {
            return go_in(tx, state, person, &mut user).await.map(|may| may.map(|()| user));
        }
    }
    let pool_id = match find_by_address(tx, person).await? {
        Some(user) => user.pool_id,
        None => {
            let first = identity_pools::find_first(tx, environment_id, organization_id).await?;
            first.ok_or_else(|| Error::internal("an organization without a pool"))?.id
        }
    };
    // Whoever comes first links or makes the account; the others find it.
    let pool = lock_pool(tx, environment_id, pool_id, Purpose::Add).await?;
    let found = match &federated {
        Some((key, _)) => {
            store::users::find_by_key_in_organization(tx, environment_id, organization_id, key).await?
        }
        None => None,
    };
    let found = match found {
        Some(user) => Some(user),
        None => find_by_address(tx, person).await?,
    };
    let Some(found) = found else {
        return Ok(Ok(create(tx, state, &pool, person, federated.map(|(_, text)| text)).await?));
    };
    let Some(mut user) = lock(tx, &found).await? else { return Ok(Err(NoAccount::NotActive)) };
    link(tx, state, person, federated, &mut user).await.map(|may| may.map(|()| user))
}

/// The user of the organization who signs in with the person's address, else the only one who has proven it.
async fn find_by_address(conn: &mut Conn, person: &AssertedPerson<'_>) -> Result<Option<User>> {
    let (environment_id, organization_id) = (person.environment_id, person.organization_id);
    let key = person.email.key();
    if let Some(typed) = IdentifierKey::of_typed(&key, true)
        && let Some(user) =
            store::users::find_by_key_in_organization(conn, environment_id, organization_id, &typed).await?
    {
        return Ok(Some(user));
    }
    let found =
        store::users::list_by_address_in_organization(conn, environment_id, organization_id, &key, 2).await?;
    let mut found = found.into_iter();
    Ok(found.next().filter(|_| found.next().is_none()))
}

async fn lock(tx: &mut Transaction, found: &User) -> Result<Option<User>> {
    Ok(table::find_for_update(tx, found.environment_id, found.id).await?)
}

/// Whether a locked user may go in; one that is new is activated.
async fn go_in(
    tx: &mut Transaction,
    state: &State,
    person: &AssertedPerson<'_>,
    user: &mut User,
) -> Result<std::result::Result<(), NoAccount>> {
    match user.status {
        // An image of another user is nobody's account here, whatever its name is.
        _ if user.shadow_of.is_some() => Ok(Err(NoAccount::NotActive)),
        UserStatus::Active => Ok(Ok(())),
        UserStatus::Inactive | UserStatus::Deleted => Ok(Err(NoAccount::NotActive)),
        UserStatus::New => {
            end_unproven(tx, state, person, user).await?;
            user.set_status(UserStatus::Active, state.now());
            update_locked(tx, user, state).await?;
            let entry = Entry::of(user, "activated");
            audit::record(
                tx,
                state,
                Some(user.environment_id),
                &Principal::service(user.environment_id),
                entry,
            )
            .await?;
            Ok(Ok(()))
        }
    }
}

/// Ends what somebody set up for a locked user who had not proven to have the address: it may be somebody else than the person for
/// whom the identity provider vouches, who waited for them. That is every credential, session and token, and other addresses by which
/// they could come back.
async fn end_unproven(
    tx: &mut Transaction,
    state: &State,
    person: &AssertedPerson<'_>,
    user: &User,
) -> Result<()> {
    let account = user.id.into();
    let had_some = !credentials::summaries(tx, account).await?.is_empty();
    store::passwords::remove(tx, account).await?;
    store::totp_secrets::remove(tx, account).await?;
    store::recovery_codes::remove_all(tx, account).await?;
    store::passkeys::remove_all(tx, account).await?;
    store::users::end_use(tx, user.id, state.now()).await?;
    let asserted = person.email.key();
    let known = user_addresses::list(tx, &[user.id]).await?.remove(&user.id).unwrap_or_default();
    let others = known.into_iter().filter(|address| address.is_verified() && address.key() != asserted);
    for address in others {
        // They stay to be seen, and are to be proven anew.
        if let Some(key) = IdentifierKey::of_typed(&address.key(), true) {
            user_identifiers::remove(tx, user.pool_id, user.id, &key).await?;
        }
        user_addresses::update(tx, user.id, &UserAddress { verified_at: None, ..address }).await?;
    }
    if had_some {
        let principal = Principal::service(user.environment_id);
        let entry = Entry::of(user, "credentials_removed");
        audit::record(tx, state, Some(user.environment_id), &principal, entry).await?;
    }
    Ok(())
}

/// Links a locked user to the person.
async fn link(
    tx: &mut Transaction,
    state: &State,
    person: &AssertedPerson<'_>,
    federated: Option<(IdentifierKey, IdentifierText)>,
    user: &mut User,
) -> Result<std::result::Result<(), NoAccount>> {
    let identifiers = user_identifiers::list(tx, &[user.id]).await?.remove(&user.id).unwrap_or_default();
    if identifiers.iter().any(|identifier| person.is_another(identifier)) {
        return Ok(Err(NoAccount::LinkedElsewhere));
    }
    let known = user_addresses::list(tx, &[user.id]).await?.remove(&user.id).unwrap_or_default();
    let asserted = person.email.key();
    let is_proven = known.iter().any(|address| address.is_verified() && address.key() == asserted);
    if user.status.is_active() && !is_proven {
        end_unproven(tx, state, person, user).await?;
    }
    if let Err(none) = go_in(tx, state, person, user).await? {
        return Ok(Err(none));
    }
    let now = state.now();
    let mut changed = verify_address(tx, user.pool_id, user.id, person.email, now).await?;
    if let Some((key, text)) = federated
        && identifiers.len() < MAX_IDENTIFIERS
        && identifiers.iter().all(|identifier| identifier.text != text)
    {
        let identifier = UserIdentifier { text, metadata: Map::new(), created_at: now };
        user_identifiers::insert(tx, user.pool_id, user.id, &identifier, &key).await?;
        let entry = Entry::of(user, "identifier_added")
            .with_values(model::audit::audit_fields! { "type": IdentifierKind::Federated.as_str() });
        audit::record(tx, state, Some(user.environment_id), &Principal::service(user.environment_id), entry)
            .await?;
        changed = true;
    }
    if changed {
        // Identifiers and addresses belong to the version of the user.
        update_locked(tx, user, state).await?;
    }
    Ok(Ok(()))
}

/// Makes the address one that the user has proven. Returns whether it was not.
async fn verify_address(
    tx: &mut Transaction,
    pool_id: base::id::IdentityPoolId,
    user_id: UserId,
    email: &Email,
    now: Timestamp,
) -> Result<bool> {
    let known = user_addresses::list(tx, &[user_id]).await?.remove(&user_id).unwrap_or_default();
    let key = email.key();
    match known.iter().find(|address| address.key() == key) {
        Some(address) if address.is_verified() => return Ok(false),
        Some(_) => {
            user_addresses::update_verified(tx, user_id, &key, now).await?;
        }
        None if known.len() < MAX_ADDRESSES => {
            let address = UserAddress {
                kind: AddressKind::Email,
                address: email.to_string(),
                verified_at: Some(now),
                status: AddressStatus::Active,
                preferred_contact_method: None,
                created_at: now,
            };
            user_addresses::insert(tx, pool_id, user_id, &address).await?;
        }
        None => return Ok(false),
    }
    Ok(true)
}

/// Makes an account for the person.
async fn create(
    tx: &mut Transaction,
    state: &State,
    pool: &IdentityPool,
    person: &AssertedPerson<'_>,
    federated: Option<IdentifierText>,
) -> Result<User> {
    let mut new = NewUser { source: UserSource::Jit, ..NewUser::new(UserStatus::Active) };
    new.identifiers.push(NewIdentifier::new(IdentifierKind::Email, person.email.to_string()));
    let federated = federated.map(|text| NewIdentifier::new(IdentifierKind::Federated, text.as_str()));
    new.identifiers.extend(federated);
    new.addresses.push(NewAddress::email(person.email.to_string(), true));
    // A schema of the environment's own may ask for what nobody said: such a profile begins empty.
    if pool.payload_schema == SchemaRef::System(SystemSchema::User) && !person.claims.is_empty() {
        new.profile = Profile { payload: Some(person.claims.clone()), ..Profile::default() };
    }
    create::insert(tx, state, &Principal::service(person.environment_id), pool, &new).await
}
