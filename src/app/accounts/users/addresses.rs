//! Addresses of users, added, changed and removed.

use base::{
    id::{IdKind as _, IdentityPoolId, UserId, UserKind},
    time::Timestamp,
};
use model::{
    audit::audit_fields,
    entity_tag::EntityTags,
    user::{AddressKind, AddressStatus, ContactMethod, User, UserAddress},
};

use super::place::{Purpose, UserEdit};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        principal::Principal,
        retry::retry_deadlocks,
    },
    store::{Transaction, user_addresses},
};

/// The maximum number of addresses of a user.
pub(super) const MAX_ADDRESSES: usize = 20;

/// An address as it is asked for, unvalidated.
#[derive(Clone)]
pub struct NewAddress {
    /// What it is.
    pub kind: AddressKind,
    /// The address.
    pub address: String,
    /// Whether the caller vouches that it is the user's; `None` leaves it as it is.
    pub verified: Option<bool>,
    /// Whether it is used; `None` leaves it as it is.
    pub status: Option<AddressStatus>,
    /// Of a number: how the user wants to be reached there; `None` leaves it as it is.
    pub preferred_contact_method: Option<ContactMethod>,
}

impl NewAddress {
    /// An e-mail address, proven or not.
    pub fn email(address: impl Into<String>, verified: bool) -> Self {
        Self {
            kind: AddressKind::Email,
            address: address.into(),
            verified: Some(verified),
            status: None,
            preferred_contact_method: None,
        }
    }

    /// Validates the address, with what it leaves as it is from `before`. `prefix` is that of its fields in errors.
    fn resolve(
        &self,
        principal: &Principal,
        prefix: &str,
        before: Option<&UserAddress>,
        now: Timestamp,
    ) -> Result<UserAddress> {
        let address = self.address.trim().to_owned();
        UserAddress::key_of(self.kind, &address)
            .map_err(|error| Error::invalid(format!("{prefix}address"), error.to_string()))?;
        if self.kind == AddressKind::Email && self.preferred_contact_method.is_some() {
            return Err(Error::invalid(format!("{prefix}preferred_contact_method"), "is of a mobile number"));
        }
        let proven = before.and_then(|before| before.verified_at);
        if self.verified == Some(true) && proven.is_none() && principal.is_confined() {
            // It would stand in tokens as proven, whoever's it is: an organization's administrator is no witness for that.
            return Err(Error::invalid(
                format!("{prefix}verified"),
                "can be set by the vendor only: who has the address proves it, by a code that is sent there",
            ));
        }
        Ok(UserAddress {
            kind: self.kind,
            address,
            verified_at: match self.verified {
                None => proven,
                Some(true) => proven.or(Some(now)),
                Some(false) => None,
            },
            status: self.status.or(before.map(|before| before.status)).unwrap_or(AddressStatus::Active),
            preferred_contact_method: self
                .preferred_contact_method
                .or(before.and_then(|before| before.preferred_contact_method)),
            created_at: before.map_or(now, |before| before.created_at),
        })
    }
}

/// Validates addresses, with what they leave as it is from `before`. No two of them are the same.
pub(super) fn parse(
    principal: &Principal,
    addresses: &[NewAddress],
    before: &[UserAddress],
    now: Timestamp,
) -> Result<Vec<UserAddress>> {
    if addresses.len() > MAX_ADDRESSES {
        return Err(too_many());
    }
    let mut parsed: Vec<UserAddress> = Vec::new();
    for (at, address) in addresses.iter().enumerate() {
        let prefix = format!("verifiable_addresses[{at}].");
        let key = UserAddress::key_of(address.kind, &address.address).ok();
        let stored = before.iter().find(|stored| key.as_deref() == Some(&stored.key()));
        let address = address.resolve(principal, &prefix, stored, now)?;
        if parsed.iter().any(|other| other.key() == address.key()) {
            return Err(Error::invalid(format!("{prefix}address"), "is the same as another one of the list"));
        }
        parsed.push(address);
    }
    Ok(parsed)
}

fn too_many() -> Error {
    Error::invalid("verifiable_addresses", format!("a user has at most {MAX_ADDRESSES}"))
}

/// Adds addresses that the user does not have.
pub(super) async fn insert_all(tx: &mut Transaction, user: &User, addresses: &[UserAddress]) -> Result<()> {
    for address in addresses {
        user_addresses::insert(tx, user.pool_id, user.id, address)
            .await
            .map_err(Error::conflict_on(UserKind::NOUN, "address"))?;
    }
    Ok(())
}

async fn stored(edit: &mut UserEdit) -> Result<Vec<UserAddress>> {
    let id = edit.edit.row.id;
    Ok(user_addresses::list(&mut edit.edit.tx, &[id]).await?.remove(&id).unwrap_or_default())
}

/// Makes the addresses of a locked user these. Those that stay are still proven, unless it is said otherwise.
pub(super) async fn replace_all(
    state: &State,
    principal: &Principal,
    edit: &mut UserEdit,
    addresses: &[NewAddress],
) -> Result<bool> {
    let stored = stored(edit).await?;
    let wanted = parse(principal, addresses, &stored, state.now())?;
    let mut changed = false;
    for gone in stored.iter().filter(|stored| wanted.iter().all(|wanted| wanted.key() != stored.key())) {
        user_addresses::remove(&mut edit.edit.tx, edit.edit.row.id, &gone.key()).await?;
        record(state, principal, edit, "address_removed", gone).await?;
        changed = true;
    }
    for address in &wanted {
        match stored.iter().find(|stored| stored.key() == address.key()) {
            None => {
                insert_all(&mut edit.edit.tx, &edit.edit.row, std::slice::from_ref(address)).await?;
                record(state, principal, edit, "address_added", address).await?;
            }
            Some(before) if before != address => {
                user_addresses::update(&mut edit.edit.tx, edit.edit.row.id, address).await?;
                record(state, principal, edit, "address_updated", address).await?;
            }
            Some(_) => continue,
        }
        changed = true;
    }
    Ok(changed)
}

/// Adds an address to a user.
pub async fn add_address(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    expected: Option<&EntityTags>,
    address: &NewAddress,
) -> Result<(User, UserAddress)> {
    retry_deadlocks(async || {
        let mut edit = UserEdit::begin(state, principal, of, expected, Purpose::Add).await?;
        let new = insert_one(state, principal, &mut edit, address).await?;
        Ok((edit.edit.commit().await?, new))
    })
    .await
}

/// Adds an address to a locked user.
pub(in crate::app::accounts) async fn insert_one(
    state: &State,
    principal: &Principal,
    edit: &mut UserEdit,
    address: &NewAddress,
) -> Result<UserAddress> {
    if stored(edit).await?.len() >= MAX_ADDRESSES {
        return Err(too_many());
    }
    let new = address.resolve(principal, "", None, state.now())?;
    insert_all(&mut edit.edit.tx, &edit.edit.row, std::slice::from_ref(&new)).await?;
    record(state, principal, edit, "address_added", &new).await?;
    edit.touch(state).await?;
    Ok(new)
}

/// What changes of an address; `None` stays as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct AddressChange {
    /// Whether the caller vouches that it is the user's.
    pub verified: Option<bool>,
    /// Whether it is used.
    pub status: Option<AddressStatus>,
    /// Of a number: how the user wants to be reached there.
    pub preferred_contact_method: Option<ContactMethod>,
}

/// Changes the address of a user that a text names. [`Error::NotFound`]: the user does not have it.
pub async fn update_address(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    expected: Option<&EntityTags>,
    text: &str,
    change: AddressChange,
) -> Result<(User, UserAddress)> {
    retry_deadlocks(async || {
        let mut edit = UserEdit::begin(state, principal, of, expected, Purpose::Add).await?;
        let before = named(&mut edit, text).await?;
        let wanted = NewAddress {
            kind: before.kind,
            address: before.address.clone(),
            verified: change.verified,
            status: change.status,
            preferred_contact_method: change.preferred_contact_method,
        };
        let new = wanted.resolve(principal, "", Some(&before), state.now())?;
        if new != before {
            user_addresses::update(&mut edit.edit.tx, edit.edit.row.id, &new).await?;
            record(state, principal, &mut edit, "address_updated", &new).await?;
            edit.touch(state).await?;
        }
        Ok((edit.edit.commit().await?, new))
    })
    .await
}

/// Removes the address of a user that a text names. [`Error::NotFound`]: the user does not have it.
pub async fn remove_address(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    expected: Option<&EntityTags>,
    text: &str,
) -> Result<User> {
    retry_deadlocks(async || {
        let mut edit = UserEdit::begin(state, principal, of, expected, Purpose::Remove).await?;
        remove_one(state, principal, &mut edit, text).await?;
        edit.edit.commit().await
    })
    .await
}

/// Removes the address of a locked user that a text names.
pub(in crate::app::accounts) async fn remove_one(
    state: &State,
    principal: &Principal,
    edit: &mut UserEdit,
    text: &str,
) -> Result<()> {
    let gone = named(edit, text).await?;
    user_addresses::remove(&mut edit.edit.tx, edit.edit.row.id, &gone.key()).await?;
    record(state, principal, edit, "address_removed", &gone).await?;
    edit.touch(state).await
}

/// The address of a locked user that a text names.
async fn named(edit: &mut UserEdit, text: &str) -> Result<UserAddress> {
    let key = UserAddress::key_of_any(text);
    let found = stored(edit).await?.into_iter().find(|stored| key.as_deref() == Some(&stored.key()));
    found.ok_or_else(|| Error::not_found("address", ""))
}

/// Stores, within the caller's transaction, that a user proved an address: whoever changes the user holds the lock. Returns
/// whether they have it.
pub async fn mark_verified(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    user: &User,
    address_key: &str,
) -> Result<bool> {
    if !user_addresses::update_verified(tx, user.id, address_key, state.now()).await? {
        return Ok(false);
    }
    let entry = Entry::of(user, "address_verified");
    audit::record(tx, state, Some(user.environment_id), principal, entry).await?;
    Ok(true)
}

/// Records that an address came, changed or went: its kind, not its text.
async fn record(
    state: &State,
    principal: &Principal,
    edit: &mut UserEdit,
    done: &str,
    address: &UserAddress,
) -> Result<()> {
    let entry = Entry::of(&edit.edit.row, done).with_values(audit_fields! {
        "type": address.kind.as_str(),
        "verified": address.is_verified(),
        "status": address.status.as_str(),
    });
    audit::record(&mut edit.edit.tx, state, Some(principal.environment()?), principal, entry).await
}
