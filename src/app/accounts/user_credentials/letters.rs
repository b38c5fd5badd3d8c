//! Letters with one-time codes: to which address.

use model::{
    account::OneTimeCodePurpose,
    email::Email,
    identity_pool::IdentityPool,
    letter::{Asker, LetterError, LetterKind},
    user::{AddressKind, AddressStatus, IdentifierKind, User, UserAddress, UserIdentifier},
};

use super::place::{self, account, addresses_of};
use crate::{
    app::{
        Result, State,
        accounts::one_time_codes::NewCode,
        mail::{
            Onward,
            outbox::{self, Link},
        },
    },
    store::{Conn, Transaction, user_identifiers},
};

/// Puts the letter with a code into the outbox. `wanted` is how the user was named, if by an address; `for_whom`, who asked for it, and
/// where its link leads on.
pub(in crate::app::accounts) async fn send_code(
    tx: &mut Transaction,
    state: &State,
    user: &User,
    code: &NewCode,
    wanted: Option<&str>,
    for_whom: (Asker, &Onward),
) -> Result<()> {
    if !outbox::is_set_up(state) {
        return Ok(());
    }
    let recipient = recipient_of(tx, user, code.code.address_key.as_deref(), wanted).await?;
    send_code_to(tx, state, user, code, recipient.as_ref(), for_whom).await
}

/// [`send_code`] to this address.
pub(super) async fn send_code_to(
    tx: &mut Transaction,
    state: &State,
    user: &User,
    code: &NewCode,
    recipient: Option<&Email>,
    (asker, onward): (Asker, &Onward),
) -> Result<()> {
    let letter = outbox::NewLetter {
        environment_id: user.environment_id,
        organization_id: user.organization_id,
        account: Some(account(user)),
        kind: code.code.purpose.into(),
        asked_by: Some(asker),
        not_sent: None,
        recipient,
        code: Some(code),
        link: Link::Page(onward),
    };
    outbox::put(tx, state, &letter).await
}

/// Notes why a user gets no letter.
pub(in crate::app::accounts) async fn send_none(
    tx: &mut Transaction,
    state: &State,
    user: &User,
    kind: LetterKind,
    recipient: Option<&Email>,
    (asker, why): (Asker, LetterError),
) -> Result<()> {
    let onward = Onward::default();
    let letter = outbox::NewLetter {
        environment_id: user.environment_id,
        organization_id: user.organization_id,
        account: Some(account(user)),
        kind,
        asked_by: Some(asker),
        not_sent: Some(why),
        recipient,
        code: None,
        link: Link::Page(&onward),
    };
    outbox::put(tx, state, &letter).await
}

/// The normal form of the address that a code for a reset proves: the one that the user was named by, where they sign in with it and
/// have not proven it yet. Any other code goes to an address that they have proven.
pub(super) async fn proven_by_reset(
    tx: &mut Transaction,
    pool: &IdentityPool,
    user: &User,
    wanted: Option<&str>,
) -> Result<Option<String>> {
    let Some(key) = wanted.and_then(UserAddress::key_of_any) else { return Ok(None) };
    let addresses = addresses_of(tx, user.id).await?;
    let is_unproven = |address: &UserAddress| {
        address.key() == key && address.kind == AddressKind::Email && !address.is_verified()
    };
    let signs_in_with_it =
        place::find_by_identifier(tx, pool, &key).await?.is_some_and(|found| found.id == user.id);
    let proves = signs_in_with_it
        && addresses.iter().any(|address| address.status == AddressStatus::Active && is_unproven(address))
        && !addresses.iter().any(|address| address.key() == key && address.is_verified());
    Ok(proves.then_some(key))
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
    let recipient = wanted.and_then(|text| Email::parse(text.trim()));
    let onward = Onward::default();
    let letter = outbox::NewLetter {
        environment_id: pool.environment_id,
        organization_id: pool.organization_id,
        account: None,
        kind: purpose.into(),
        asked_by: Some(Asker::Stranger),
        not_sent: None,
        recipient: recipient.as_ref(),
        code: None,
        link: Link::Page(&onward),
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
    let (kind, recipient) = (LetterKind::AlreadyRegistered, Email::parse(address.trim()));
    if !outbox::is_set_up(state) {
        return Ok(());
    }
    match outbox::refusal_for_stranger(tx, state, account(user), kind, recipient.as_ref()).await? {
        Some(why) => send_none(tx, state, user, kind, recipient.as_ref(), (Asker::Stranger, why)).await,
        None => send_without_code(tx, state, user, kind, address, Some(Asker::Stranger)).await,
    }
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
        return send_without_code(tx, state, user, kind, email.as_str(), None).await;
    }
    for address in addresses.iter().filter(|address| is_usable(address) && address.is_verified()) {
        if except != Some(&address.key()) {
            send_without_code(tx, state, user, kind, &address.address, None).await?;
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
    asked_by: Option<Asker>,
) -> Result<()> {
    let recipient = Email::parse(address.trim());
    let onward = Onward::default();
    let letter = outbox::NewLetter {
        environment_id: user.environment_id,
        organization_id: user.organization_id,
        account: Some(account(user)),
        kind,
        asked_by,
        not_sent: None,
        recipient: recipient.as_ref(),
        code: None,
        link: Link::Page(&onward),
    };
    outbox::put(tx, state, &letter).await
}

/// Whether a letter with an activation code, which proves no address, reaches a user.
pub(super) async fn reaches(conn: &mut Conn, state: &State, user: &User) -> Result<bool> {
    Ok(outbox::is_set_up(state) && by_identifier(conn, user).await?.is_some())
}

/// The e-mail address to which a code goes. One that proves an address goes to that; any other one to an address that the user
/// has proven, if possible the one that was named.
pub(super) async fn recipient_of(
    conn: &mut Conn,
    user: &User,
    address_key: Option<&str>,
    wanted: Option<&str>,
) -> Result<Option<Email>> {
    let addresses = addresses_of(conn, user.id).await?;
    let mut usable = addresses.iter().filter(|address| is_usable(address));
    let found = match address_key {
        Some(key) => usable.find(|address| address.key() == key),
        None => {
            let wanted = wanted.and_then(UserAddress::key_of_any);
            let proven: Vec<&UserAddress> = usable.filter(|address| address.is_verified()).collect();
            let named = proven.iter().find(|address| Some(address.key()) == wanted);
            named.or(proven.first()).copied()
        }
    };
    match found {
        Some(address) => Ok(Email::parse(&address.address)),
        None if address_key.is_none() && addresses.is_empty() => by_identifier(conn, user).await,
        None => Ok(None),
    }
}

/// The e-mail address of a user who is written to without having asked: one that they have proven, else, where they have no
/// address at all, the first that they sign in with.
pub(in crate::app) fn usual_address(
    addresses: &[UserAddress],
    identifiers: &[UserIdentifier],
) -> Option<Email> {
    match addresses {
        [] => first_of(identifiers),
        _ => {
            let mut proven = addresses.iter().filter(|address| is_usable(address) && address.is_verified());
            proven.next().and_then(|address| Email::parse(&address.address))
        }
    }
}

fn first_of(identifiers: &[UserIdentifier]) -> Option<Email> {
    let mut texts = identifiers.iter().filter(|identifier| identifier.text.kind() == IdentifierKind::Email);
    texts.find_map(|identifier| Email::parse(identifier.text.as_str()))
}

fn is_usable(address: &UserAddress) -> bool {
    address.kind == AddressKind::Email && address.status == AddressStatus::Active
}

/// The first e-mail address by which a user without any address signs in: whoever made the user vouches for it.
async fn by_identifier(conn: &mut Conn, user: &User) -> Result<Option<Email>> {
    let identifiers = user_identifiers::list(conn, &[user.id]).await?.remove(&user.id).unwrap_or_default();
    Ok(first_of(&identifiers))
}

/// The user who has the identifier, or has proven it as an address.
pub(in crate::app) async fn find_registered(
    conn: &mut Conn,
    pool: &IdentityPool,
    identifier: &str,
) -> Result<Option<User>> {
    match place::find_by_identifier(conn, pool, identifier).await? {
        Some(user) => Ok(Some(user)),
        None => place::find_by_address(conn, pool, identifier).await,
    }
}
