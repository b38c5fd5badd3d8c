//! The user whom a call is about: found within their pool, and locked while they change.

use base::id::{IdKind as _, IdentityPoolId, UserId, UserKind};
use model::{
    account::AccountId,
    identity_pool::IdentityPool,
    user::{IdentifierKey, User, UserAddress},
};

use crate::{
    app::{
        Error, Result, State,
        accounts::{
            Device,
            attempts::Attempt,
            totp::{self, TotpSecret},
            user_sessions, users,
        },
        audit::{self, Entry},
        permissions::Action,
        principal::{On, Principal},
        resource, roles,
    },
    store::{self, Conn, Transaction, table, user_addresses, user_identifiers},
};

/// The maximum length of a text that a user is found by, in bytes.
const MAX_TEXT: usize = 2000;

/// How a call names a user: by one of these.
#[derive(Clone, Default)]
pub struct UserReference {
    /// Their id. What is no id is nobody's.
    pub user_id: Option<String>,
    /// One of their identifiers.
    pub identifier: Option<String>,
    /// An address that they have proven.
    pub address: Option<String>,
}

/// Shows nothing, to keep personal data out of logs.
impl std::fmt::Debug for UserReference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("UserReference(…)")
    }
}

impl UserReference {
    /// Returns an error if it names nobody, or names one by id and by identifier.
    pub(super) fn check(&self) -> Result<()> {
        match (&self.user_id, &self.identifier, &self.address) {
            (None, None, None) => Err(Error::invalid("identifier", "give userID, identifier or address")),
            (Some(_), Some(_), _) => Err(Error::invalid("identifier", "give either userID or identifier")),
            _ => Ok(()),
        }
    }

    /// The text that attempts are counted by where there is no such user.
    fn text(&self) -> &str {
        let texts = [&self.user_id, &self.identifier, &self.address];
        texts.into_iter().flatten().next().map_or("", String::as_str)
    }

    /// The user of a pool whom it names. An address beside the id or an identifier says nothing of who it is.
    pub(super) async fn find(&self, conn: &mut Conn, pool: &IdentityPool) -> Result<Option<User>> {
        if self.text().len() > MAX_TEXT {
            return Ok(None);
        }
        match self {
            Self { user_id: Some(id), .. } => {
                let Ok(id) = id.parse::<UserId>() else { return Ok(None) };
                let found: Option<User> = table::find(conn, pool.environment_id, id).await?;
                Ok(found.filter(|user| user.pool_id == pool.id && user.shadow_of.is_none()))
            }
            Self { identifier: Some(text), .. } => find_by_identifier(conn, pool, text).await,
            Self { address: Some(text), .. } => find_by_address(conn, pool, text).await,
            _ => Ok(None),
        }
    }
}

/// The user of a pool with this identifier. Whoever is an image of another user has no credentials: nobody is found.
pub(super) async fn find_by_identifier(
    conn: &mut Conn,
    pool: &IdentityPool,
    text: &str,
) -> Result<Option<User>> {
    let keys = IdentifierKey::candidates(text, pool.identifier_case_insensitive);
    let found = store::users::find_by_key(conn, pool.environment_id, pool.id, &keys).await?;
    Ok(found.filter(|user| user.shadow_of.is_none()))
}

/// The user of a pool who has proven this address; none where several have.
pub(super) async fn find_by_address(
    conn: &mut Conn,
    pool: &IdentityPool,
    text: &str,
) -> Result<Option<User>> {
    let Some(key) = UserAddress::key_of_any(text) else { return Ok(None) };
    let found = store::users::list_by_address(conn, pool.environment_id, pool.id, &key, true, 2).await?;
    let mut found = found.into_iter();
    Ok(found.next().filter(|user| found.next().is_none() && user.shadow_of.is_none()))
}

/// The addresses of a user.
pub(in crate::app::accounts) async fn addresses_of(conn: &mut Conn, id: UserId) -> Result<Vec<UserAddress>> {
    Ok(user_addresses::list(conn, &[id]).await?.remove(&id).unwrap_or_default())
}

/// What a password of a user must not be made of: their addresses, identifiers and names.
pub(super) async fn own_words(conn: &mut Conn, user: &User) -> Result<Vec<String>> {
    let mut words: Vec<String> = vec![user.display_name()];
    words.extend(addresses_of(conn, user.id).await?.into_iter().map(|address| address.address));
    let identifiers = user_identifiers::list(conn, &[user.id]).await?.remove(&user.id).unwrap_or_default();
    words.extend(identifiers.iter().map(|identifier| identifier.text.as_str().to_owned()));
    Ok(words)
}

/// The pool of a call about credentials in it, of an organization that is in use.
pub(super) async fn find_pool(
    conn: &mut Conn,
    principal: &Principal,
    id: IdentityPoolId,
) -> Result<IdentityPool> {
    let environment_id = principal.authorize(Action::UsersManage, On::AnyOrganization)?;
    let pool: IdentityPool = resource::load(conn, environment_id, id).await?;
    let on = On::Organization(pool.organization_id);
    resource::hide(id, principal.authorize(Action::UsersManage, on))?;
    match store::users::is_organization_in_use(conn, environment_id, pool.organization_id).await? {
        true => Ok(pool),
        false => Err(switched_off()),
    }
}

fn switched_off() -> Error {
    let why = "the organization is switched off (disabled); the credentials of its users are not used and not changed";
    Error::FailedPrecondition(why.into())
}

/// The pool and the user of a call. A user of another pool is not found.
pub(super) async fn find_user(
    state: &State,
    principal: &Principal,
    (pool_id, id): (IdentityPoolId, UserId),
) -> Result<(IdentityPool, User)> {
    let mut conn = state.db.read().await?;
    let pool = find_pool(&mut conn, principal, pool_id).await?;
    let user: User = resource::load(&mut conn, pool.environment_id, id).await?;
    users::refuse_shadow(&user)?;
    if user.pool_id != pool.id {
        return Err(Error::not_found(UserKind::NOUN, id));
    }
    roles::require_over(&mut conn, principal, &user).await?;
    Ok((pool, user))
}

/// Locks a user whose credentials change, in an organization that is in use.
pub(super) async fn lock_user(tx: &mut Transaction, pool: &IdentityPool, id: UserId) -> Result<User> {
    let organization = store::users::lock_organization(tx, pool.environment_id, pool.organization_id).await?;
    if let Some((_, true)) = organization {
        return Err(switched_off());
    }
    let found: Option<User> = match organization {
        Some(_) => table::find_for_update(tx, pool.environment_id, id).await?,
        None => None,
    };
    let found = found.filter(|user| user.pool_id == pool.id);
    let user = found.ok_or_else(|| Error::not_found(UserKind::NOUN, id))?;
    users::refuse_shadow(&user)?;
    Ok(user)
}

/// The one error for every code that is not accepted, and for every user who is not there.
pub(super) fn refused() -> Error {
    Error::Unauthenticated("this code is wrong, used or expired".into())
}

/// Begins an attempt to prove to be a user: counted by the account, and where there is none by the text that was given.
pub(super) fn begin_attempt(
    state: &State,
    pool: &IdentityPool,
    user: Option<&User>,
    reference: &UserReference,
    device: &Device,
) -> Result<Attempt> {
    let whose = user.map_or_else(|| counted_text(reference.text()), |user| user.id.to_string());
    Attempt::begin(state, &format!("{}/{whose}", pool.id), device)
}

/// What attempts are counted by where nobody has what was typed: all spellings of one identifier are one, as they are for somebody
/// who has it.
pub fn counted_text(typed: &str) -> String {
    IdentifierKey::of_typed(typed, true)
        .map_or_else(|| typed.trim().to_owned(), |key| key.as_str().to_owned())
}

/// The account of a user.
pub(super) fn account(user: &User) -> AccountId {
    AccountId::User(user.id)
}

/// The program through which a call comes.
pub(super) fn device_of(principal: &Principal) -> Device {
    Device { address: principal.address, user_agent: String::new() }
}

/// Sets the authenticator app of a locked user, and ends their sessions.
pub(super) async fn set_totp(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    user: &User,
    secret: &TotpSecret,
    done: &str,
) -> Result<()> {
    totp::set(tx, state, account(user), secret).await?;
    user_sessions::end_all(tx, state, user.id).await?;
    audit::record(tx, state, Some(user.environment_id), principal, Entry::of(user, done)).await
}
