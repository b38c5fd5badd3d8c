//! Letters with one-time codes: to which address.

use model::{
    account::{OneTimeCode, OneTimeCodePurpose},
    email::Email,
    identity_pool::IdentityPool,
    letter::LetterKind,
    user::{AddressKind, AddressStatus, IdentifierKind, User, UserAddress},
};

use super::place::{self, account, addresses_of};
use crate::{
    app::{Result, State, accounts::one_time_codes::NewCode, mail::outbox},
    store::{Conn, Transaction, user_identifiers},
};

/// Puts the letter with a code into the outbox. `wanted` is how the user was named, if by an address.
pub(in crate::app::accounts) async fn send_code(
    tx: &mut Transaction,
    state: &State,
    user: &User,
    code: &NewCode,
    wanted: Option<&str>,
) -> Result<()> {
    if !outbox::is_set_up(state) {
        return Ok(());
    }
    let recipient = recipient_of(tx, user, &code.code, wanted).await?;
    let letter = outbox::NewLetter {
        environment_id: user.environment_id,
        organization_id: user.organization_id,
        account: Some(account(user)),
        kind: code.code.purpose.into(),
        recipient: recipient.as_ref(),
        code: Some(code),
    };
    outbox::put(tx, state, &letter).await
}

/// Notes that somebody asked for a letter to an address that nobody has. It takes as long as [`send_code`].
pub(super) async fn send_nobody(
    tx: &mut Transaction,
    state: &State,
    pool: &IdentityPool,
    purpose: OneTimeCodePurpose,
    wanted: Option<&str>,
) -> Result<()> {
    if !outbox::is_set_up(state) {
        return Ok(());
    }
    addresses_of(tx, base::id::UserId::from_bits(0)).await?;
    let recipient = wanted.and_then(|text| Email::parse(text.trim()));
    let letter = outbox::NewLetter {
        environment_id: pool.environment_id,
        organization_id: pool.organization_id,
        account: None,
        kind: purpose.into(),
        recipient: recipient.as_ref(),
        code: None,
    };
    outbox::put(tx, state, &letter).await
}

/// Tells the user who has an address that somebody tried to register with it.
pub(in crate::app::accounts) async fn send_already_registered(
    tx: &mut Transaction,
    state: &State,
    user: &User,
    address: &str,
) -> Result<()> {
    send_without_code(tx, state, user, LetterKind::AlreadyRegistered, address).await
}

/// Tells a user what was done to their account, at every e-mail address that they have proven; not at that with the key
/// `except`. Whoever has no address at all gets it where they sign in.
pub(in crate::app::accounts) async fn send_notice(
    tx: &mut Transaction,
    state: &State,
    user: &User,
    kind: LetterKind,
    except: Option<&str>,
) -> Result<()> {
    if !outbox::is_set_up(state) {
        return Ok(());
    }
    let addresses = addresses_of(tx, user.id).await?;
    if addresses.is_empty()
        && let Some(email) = by_identifier(tx, user).await?
    {
        return send_without_code(tx, state, user, kind, email.as_str()).await;
    }
    for address in addresses.iter().filter(|address| is_usable(address) && address.is_verified()) {
        if except != Some(&address.key()) {
            send_without_code(tx, state, user, kind, &address.address).await?;
        }
    }
    Ok(())
}

/// Puts a letter of a kind that has no code into the outbox.
pub(super) async fn send_without_code(
    tx: &mut Transaction,
    state: &State,
    user: &User,
    kind: LetterKind,
    address: &str,
) -> Result<()> {
    let recipient = Email::parse(address.trim());
    let letter = outbox::NewLetter {
        environment_id: user.environment_id,
        organization_id: user.organization_id,
        account: Some(account(user)),
        kind,
        recipient: recipient.as_ref(),
        code: None,
    };
    outbox::put(tx, state, &letter).await
}

/// Whether a letter with an activation code, which proves no address, reaches a user.
pub(super) async fn reaches(conn: &mut Conn, state: &State, user: &User) -> Result<bool> {
    Ok(outbox::is_set_up(state) && by_identifier(conn, user).await?.is_some())
}

/// The e-mail address to which a code goes. One that proves an address goes to that; any other one to an address that the user
/// has proven, if possible the one that was named.
async fn recipient_of(
    conn: &mut Conn,
    user: &User,
    code: &OneTimeCode,
    wanted: Option<&str>,
) -> Result<Option<Email>> {
    let addresses = addresses_of(conn, user.id).await?;
    let mut usable = addresses.iter().filter(|address| is_usable(address));
    let found = match &code.address_key {
        Some(key) => usable.find(|address| address.key() == *key),
        None => {
            let wanted = wanted.and_then(UserAddress::key_of_any);
            let proven: Vec<&UserAddress> = usable.filter(|address| address.is_verified()).collect();
            let named = proven.iter().find(|address| Some(address.key()) == wanted);
            named.or(proven.first()).copied()
        }
    };
    match found {
        Some(address) => Ok(Email::parse(&address.address)),
        None if code.address_key.is_none() && addresses.is_empty() => by_identifier(conn, user).await,
        None => Ok(None),
    }
}

fn is_usable(address: &UserAddress) -> bool {
    address.kind == AddressKind::Email && address.status == AddressStatus::Active
}

/// The first e-mail address by which a user without any address signs in: whoever made the user vouches for it.
async fn by_identifier(conn: &mut Conn, user: &User) -> Result<Option<Email>> {
    let identifiers = user_identifiers::list(conn, &[user.id]).await?.remove(&user.id).unwrap_or_default();
    let mut texts = identifiers.iter().filter(|identifier| identifier.text.kind() == IdentifierKind::Email);
    Ok(texts.find_map(|identifier| Email::parse(identifier.text.as_str())))
}

/// The user who has the identifier, or has proven it as an address.
pub(in crate::app::accounts) async fn find_registered(
    conn: &mut Conn,
    pool: &IdentityPool,
    identifier: &str,
) -> Result<Option<User>> {
    match place::find_by_identifier(conn, pool, identifier).await? {
        Some(user) => Ok(Some(user)),
        None => place::find_by_address(conn, pool, identifier).await,
    }
}
