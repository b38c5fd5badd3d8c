//! The user's own addresses, and which of them they sign in with.

use model::{
    account::OneTimeCodePurpose,
    email::Email,
    letter::{Asker, LetterError, LetterKind},
    user::{AddressKind, IdentifierKind, UserAddress, UserIdentifier},
};

use super::{SignedIn, signed_in::end_codes};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            one_time_codes::{self, GivenCode},
            user_credentials::{codes, letters, place::addresses_of},
            users::{
                NewAddress, NewIdentifier, UserEdit,
                addresses::{self, mark_verified},
                identifiers,
            },
        },
        mail::{Onward, outbox},
        members::auto_join,
        retry::retry_deadlocks,
    },
    store::{self, Transaction, user_identifiers},
};

/// What a user is reached or found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAddress {
    /// As it is written.
    pub text: String,
    /// Whether it is an e-mail address: those are changed here.
    pub is_email: bool,
    /// Whether they have proven that it is theirs.
    pub is_verified: bool,
    /// Whether it is kept as an address, and not only as what they sign in with.
    pub is_address: bool,
    /// Whether they sign in with it.
    pub is_identifier: bool,
}

/// What a user is reached and found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAddresses {
    /// Each once, those that are proven first.
    pub all: Vec<OwnAddress>,
    /// Whether there is one thing only that they sign in with: it stays.
    pub has_one_identifier: bool,
    /// The identity providers of their company through which they sign in.
    pub companies: Vec<String>,
    /// Whether letters are sent: nothing is proven without.
    pub can_send: bool,
}

/// Whether two texts name the same address.
fn is_same(one: &str, other: &str) -> bool {
    UserAddress::key_of_any(one).is_some_and(|key| Some(key) == UserAddress::key_of_any(other))
}

/// These addresses and identifiers, each once.
pub fn join(addresses: &[UserAddress], identifiers: &[UserIdentifier]) -> Vec<OwnAddress> {
    let own = |text: &str| identifiers.iter().any(|identifier| is_same(identifier.text.as_str(), text));
    let mut all: Vec<OwnAddress> = addresses
        .iter()
        .map(|address| OwnAddress {
            text: address.address.clone(),
            is_email: address.kind == AddressKind::Email,
            is_verified: address.is_verified(),
            is_address: true,
            is_identifier: own(&address.address),
        })
        .collect();
    let known = |text: &str| addresses.iter().any(|address| is_same(&address.address, text));
    let others = identifiers.iter().filter(|identifier| !known(identifier.text.as_str()));
    all.extend(others.map(|identifier| OwnAddress {
        text: identifier.text.as_str().to_owned(),
        is_email: identifier.text.kind() == IdentifierKind::Email,
        is_verified: false,
        is_address: false,
        is_identifier: true,
    }));
    all.sort_by_key(|address| !address.is_verified);
    all
}

/// Whether letters are sent.
pub fn can_send(state: &State) -> bool {
    outbox::is_set_up(state)
}

fn require_letters(state: &State) -> Result<()> {
    if can_send(state) {
        return Ok(());
    }
    Err(Error::FailedPrecondition(
        "no letters are sent here, so no address can be proven; ask whoever manages the accounts of your organization"
            .into(),
    ))
}

fn key_of(text: &str) -> Result<String> {
    let email = Email::parse(text.trim());
    email
        .and_then(|email| UserAddress::key_of(AddressKind::Email, email.as_str()).ok())
        .ok_or_else(|| Error::invalid("address", "must be an e-mail address, such as dana@example.com"))
}

/// Adds an address, which is not proven yet, and sends a code there. The answer is the same where it is somebody else's: they
/// are told that somebody tried.
pub async fn add(state: &State, signed_in: &SignedIn, text: &str) -> Result<()> {
    signed_in.require_recent(state)?;
    let key = key_of(text)?;
    require_letters(state)?;
    retry_deadlocks(async || {
        let mut edit = signed_in.edit(state).await?;
        let stored = addresses_of(&mut edit.edit.tx, edit.edit.row.id).await?;
        if stored.iter().any(|address| address.key() == key) {
            return Err(Error::invalid("address", "this address is yours already"));
        }
        let new = NewAddress::email(text.trim(), false);
        addresses::insert_one(state, &signed_in.principal(), &mut edit, &new).await?;
        send_proof(&mut edit, state, &key, text).await?;
        edit.edit.commit().await.map(drop)
    })
    .await
}

/// Sends the code that proves an address again. The earlier ones end.
pub async fn send_again(state: &State, signed_in: &SignedIn, text: &str) -> Result<()> {
    let key = key_of(text)?;
    require_letters(state)?;
    retry_deadlocks(async || {
        let mut edit = signed_in.edit(state).await?;
        let stored = addresses_of(&mut edit.edit.tx, edit.edit.row.id).await?;
        let address = stored.iter().find(|address| address.key() == key);
        let address = address.ok_or_else(|| Error::not_found("address", ""))?;
        if address.is_verified() {
            return Err(Error::FailedPrecondition("this address is proven already".into()));
        }
        send_proof(&mut edit, state, &key, &address.address).await?;
        edit.edit.commit().await.map(drop)
    })
    .await
}

/// Sends the code that proves an address to it; where it is another user's, a letter that tells them.
async fn send_proof(edit: &mut UserEdit, state: &State, key: &str, text: &str) -> Result<()> {
    let (pool, user, tx) = (&edit.pool, &edit.edit.row, &mut edit.edit.tx);
    // Asked first, so that it says nothing of who has the address. A code that is in no letter is none that somebody could have.
    if !outbox::has_room(tx, state, user.id.into(), Asker::Holder).await? {
        return Err(Error::FailedPrecondition(
            "you had many letters in the last hour; wait, and try again".into(),
        ));
    }
    match codes::require_nobodys(tx, pool, user, key).await {
        Ok(()) => {
            let purpose = OneTimeCodePurpose::VerifyAddress;
            let code = codes::create(tx, state, pool, user, purpose, Some(key.to_owned())).await?;
            letters::send_code(tx, state, user, &code, None, (Asker::Holder, &Onward::default())).await
        }
        Err(Error::Conflict { .. }) => {
            // It counts as a letter to whoever asked, or the limit would tell whose address it is.
            let (kind, recipient) = (LetterKind::VerifyAddress, Email::parse(text.trim()));
            let why = (Asker::Holder, LetterError::AddressTaken);
            letters::send_none(tx, state, user, kind, recipient.as_ref(), why).await?;
            match letters::find_registered(tx, pool, key).await? {
                Some(other) => letters::send_already_registered(tx, state, &other, text).await,
                None => Ok(()),
            }
        }
        Err(error) => Err(error),
    }
}

/// Marks an address as proven, by the code that was sent there, and tells the addresses that were proven before.
pub async fn verify(state: &State, signed_in: &SignedIn, text: &str, code: &str) -> Result<()> {
    let key = key_of(text)?;
    let attempt = signed_in.begin_attempt(state)?;
    let given = GivenCode::parse(code.trim());
    let verified = retry_deadlocks(async || {
        let mut edit = signed_in.edit(state).await?;
        let (user, purpose) = (edit.edit.row.clone(), OneTimeCodePurpose::VerifyAddress);
        let tx = &mut edit.edit.tx;
        let found = one_time_codes::consume(tx, state, user.id, purpose, Some(&key), &given).await?;
        if found.is_none() {
            // The attempt counts.
            edit.edit.tx.commit().await?;
            return Ok::<_, Error>(false);
        }
        codes::require_nobodys(tx, &edit.pool, &user, &key).await?;
        if !mark_verified(tx, state, &signed_in.principal(), &user, &key).await? {
            return Ok(false);
        }
        letters::send_notice(tx, state, &user, LetterKind::AddressAdded, Some(&key)).await?;
        edit.touch(state).await?;
        edit.edit.commit().await?;
        Ok(true)
    })
    .await?;
    if verified {
        auto_join::join(state, &signed_in.account.user).await;
        return Ok(());
    }
    attempt.fail();
    signed_in.record_refused(state, "address_not_verified").await;
    Err(Error::invalid("code", "this code is wrong, was used, or has expired"))
}

/// Makes a proven address what the user signs in with, too.
pub async fn sign_in_with(state: &State, signed_in: &SignedIn, text: &str) -> Result<()> {
    signed_in.require_recent(state)?;
    let key = key_of(text)?;
    retry_deadlocks(async || {
        let mut edit = signed_in.edit(state).await?;
        let stored = addresses_of(&mut edit.edit.tx, edit.edit.row.id).await?;
        let address = stored.into_iter().find(|address| address.key() == key && address.is_verified());
        let address = address.ok_or_else(|| {
            Error::FailedPrecondition("you sign in with addresses that you have proven only".into())
        })?;
        let new = NewIdentifier::new(IdentifierKind::Email, address.address);
        identifiers::insert_one(state, &signed_in.principal(), &mut edit, &new).await?;
        edit.edit.commit().await.map(drop)
    })
    .await
}

/// Removes an address, also as what the user signs in with, unless they sign in with nothing else. Codes that were sent there are
/// good for nothing any more.
pub async fn remove(state: &State, signed_in: &SignedIn, text: &str) -> Result<()> {
    signed_in.require_recent(state)?;
    let key = key_of(text)?;
    retry_deadlocks(async || {
        let mut edit = signed_in.edit(state).await?;
        let (user, principal) = (edit.edit.row.clone(), signed_in.principal());
        let tx = &mut edit.edit.tx;
        let is_address = addresses_of(tx, user.id).await?.iter().any(|address| address.key() == key);
        let identifiers = user_identifiers::list(tx, &[user.id]).await?.remove(&user.id).unwrap_or_default();
        let is_identifier = identifiers.iter().any(|identifier| is_same(identifier.text.as_str(), &key));
        if !is_address && !is_identifier {
            return Err(Error::not_found("address", ""));
        }
        if is_identifier && identifiers.len() == 1 {
            return Err(Error::FailedPrecondition(
                "you sign in with this address and no other; choose another one to sign in with first".into(),
            ));
        }
        letters::send_notice(tx, state, &user, LetterKind::AddressRemoved, None).await?;
        end_all_codes(tx, state, &user, &key).await?;
        if is_address {
            addresses::remove_one(state, &principal, &mut edit, &key).await?;
        }
        if is_identifier {
            identifiers::remove_one(state, &principal, &mut edit, &key).await?;
        }
        edit.edit.commit().await.map(drop)
    })
    .await
}

async fn end_all_codes(
    tx: &mut Transaction,
    state: &State,
    user: &model::user::User,
    key: &str,
) -> Result<()> {
    let purpose = OneTimeCodePurpose::VerifyAddress;
    store::one_time_codes::end(tx, user.id, purpose, Some(key), state.now()).await?;
    end_codes(tx, state, user).await
}

#[cfg(test)]
mod tests {
    use base::time::Timestamp;
    use model::user::{AddressStatus, IdentifierText};
    use serde_json::Map;

    use super::*;

    #[test]
    fn what_somebody_is_reached_and_found_by_is_named_once() {
        let now = Timestamp::from_millis(0);
        let address = |text: &str, verified| UserAddress {
            kind: AddressKind::Email,
            address: text.to_owned(),
            verified_at: verified,
            status: AddressStatus::Active,
            preferred_contact_method: None,
            created_at: now,
        };
        let identifier = |kind, text: &str| UserIdentifier {
            text: IdentifierText::parse(kind, text).unwrap(),
            metadata: Map::new(),
            created_at: now,
        };
        let all = join(
            &[address("new@acme.com", None), address("Dana@Acme.com", Some(now))],
            &[
                identifier(IdentifierKind::Email, "dana@acme.com"),
                identifier(IdentifierKind::Uid, "dana"),
                identifier(IdentifierKind::Email, "other@acme.com"),
            ],
        );
        let told: Vec<_> = all
            .iter()
            .map(|one| (one.text.as_str(), one.is_verified, one.is_address, one.is_identifier))
            .collect();
        assert_eq!(
            told,
            [
                ("Dana@Acme.com", true, true, true),
                ("new@acme.com", false, true, false),
                ("dana", false, false, true),
                ("other@acme.com", false, false, true),
            ]
        );
    }
}
