//! What people do for themselves where they sign in at an organization: a new password by a letter, an account of their own.

use base::id::{EnvironmentId, OrganizationId, UserId};
use model::{
    account::OneTimeCodePurpose,
    identity_pool::{AuthenticationMechanism, IdentityPool},
    letter::Asker,
    user::{User, UserAddress, UserStatus},
};

use super::{
    codes, letters,
    place::{account, addresses_of, find_by_address, find_by_identifier, lock_user},
    sign_in::{MAX_POOLS, MAX_TEXT, restriction},
};
use crate::{
    app::{
        Error, Result, State,
        mail::{Onward, outbox},
        retry::retry_deadlocks,
    },
    store::{self, Conn, Transaction, identity_pools},
};

/// What the people of an organization can do by themselves. Nothing where passwords are not allowed, or nobody gets mail.
#[derive(Clone, Default)]
pub struct SelfService {
    /// The pools whose users set a new password by a letter, the oldest first.
    pub resets: Vec<IdentityPool>,
    /// The pool in which people register.
    pub registration: Option<IdentityPool>,
}

/// What the people of an organization can do by themselves.
pub async fn self_service(
    conn: &mut Conn,
    state: &State,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<SelfService> {
    let password = AuthenticationMechanism::Password;
    let restriction = restriction(conn, environment_id, organization_id).await?;
    if !outbox::is_set_up(state) || restriction.is_some_and(|allowed| !allowed.contains(&password)) {
        return Ok(SelfService::default());
    }
    let pools =
        identity_pools::list_by_organization(conn, environment_id, organization_id, MAX_POOLS).await?;
    let usable = pools.into_iter().filter(|pool| pool.first_factors.allowed.contains(&password));
    let mut offered = SelfService::default();
    for pool in usable {
        if offered.registration.is_none() && pool.public_registration_allowed {
            offered.registration = Some(pool.clone());
        }
        if pool.self_reset_allowed {
            offered.resets.push(pool);
        }
    }
    Ok(offered)
}

/// Whether a text can name somebody. What cannot is refused before anybody is looked for.
pub fn can_name_somebody(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TEXT && !text.chars().any(char::is_control)
}

/// Sends whoever has this identifier or proven address a letter by which they get in: to set a new password, or, if their
/// account is new and they had a letter about that, to activate it. For nobody the same is done, and noted at the most.
/// [`Error::FailedPrecondition`] where nobody at the organization may do this.
pub async fn send_way_in(
    state: &State,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    text: &str,
    onward: &Onward,
) -> Result<()> {
    let (pool, user) = {
        let mut conn = state.db.read().await?;
        let offered = self_service(&mut conn, state, environment_id, organization_id).await?;
        let first = offered.resets.first().cloned().ok_or_else(not_allowed)?;
        match find(&mut conn, &offered.resets, text).await? {
            Some((pool, user)) => (pool, Some(user)),
            None => (first, None),
        }
    };
    let id = user.as_ref().map_or(nobody(), |user| user.id);
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let locked = match lock_user(&mut tx, &pool, id).await {
            Ok(user) => Some(user),
            Err(Error::NotFound { .. } | Error::FailedPrecondition(_)) => None,
            Err(error) => return Err(error),
        };
        let asked = store::letters::has_of_kind(&mut tx, id, OneTimeCodePurpose::Activation.into()).await?;
        let purpose = match locked.as_ref().map(|user| user.status) {
            Some(UserStatus::New) if asked => OneTimeCodePurpose::Activation,
            _ => OneTimeCodePurpose::ResetPassword,
        };
        let may = |user: &User| user.status.is_active() || purpose == OneTimeCodePurpose::Activation;
        match locked.filter(may) {
            Some(user) => make_and_send(&mut tx, state, &pool, &user, purpose, Some(text), onward).await?,
            None => send_nobody(&mut tx, state, &pool, purpose, Some(text)).await?,
        }
        Ok(tx.commit().await?)
    })
    .await
}

fn not_allowed() -> Error {
    Error::FailedPrecondition("people do not set new passwords here by themselves".into())
}

/// The user of one of these pools with this identifier, else with this address, which they have proven. Every pool is asked both,
/// whoever is found.
async fn find(conn: &mut Conn, pools: &[IdentityPool], text: &str) -> Result<Option<(IdentityPool, User)>> {
    let (mut by_identifier, mut by_address) = (None, None);
    for pool in pools {
        let found = find_by_identifier(conn, pool, text).await?;
        by_identifier = by_identifier.or(found.map(|user| (pool.clone(), user)));
        let found = find_by_address(conn, pool, text).await?;
        by_address = by_address.or(found.map(|user| (pool.clone(), user)));
    }
    Ok(by_identifier.or(by_address))
}

/// Makes a code for a locked user that anybody may have asked for, and sends it; the earlier ones stay good until one is used. Where
/// that is one letter too many, the last one stays good: nobody keeps them out by asking again and again. It takes as long.
pub(super) async fn make_and_send(
    tx: &mut Transaction,
    state: &State,
    pool: &IdentityPool,
    user: &User,
    purpose: OneTimeCodePurpose,
    wanted: Option<&str>,
    onward: &Onward,
) -> Result<()> {
    let address_key = match purpose {
        OneTimeCodePurpose::Activation => codes::address_for(tx, pool, user, purpose, None).await?,
        _ => letters::proven_by_reset(tx, pool, user, wanted).await?,
    };
    let recipient = letters::recipient_of(tx, user, address_key.as_deref(), wanted).await?;
    let recipient = recipient.as_ref();
    let kind = purpose.into();
    let refusal = match outbox::is_set_up(state) {
        true => outbox::refusal_for_stranger(tx, state, account(user), kind, recipient).await?,
        false => None,
    };
    match refusal {
        None => {
            let code = codes::create_another(tx, state, pool, user.id, purpose, address_key).await?;
            if !outbox::is_set_up(state) {
                return Ok(());
            }
            letters::send_code_to(tx, state, user, &code, recipient, (Asker::Stranger, onward)).await
        }
        Some(why) => {
            codes::create_another(tx, state, pool, nobody(), purpose, None).await?;
            letters::send_none(tx, state, user, kind, recipient, (Asker::Stranger, why)).await
        }
    }
}

/// What [`make_and_send`] does for nobody: as much, with a code that opens nothing and a letter that is not sent.
pub(super) async fn send_nobody(
    tx: &mut Transaction,
    state: &State,
    pool: &IdentityPool,
    purpose: OneTimeCodePurpose,
    wanted: Option<&str>,
) -> Result<()> {
    if let Some(key) = wanted.and_then(UserAddress::key_of_any) {
        addresses_of(tx, nobody()).await?;
        find_by_identifier(tx, pool, &key).await?;
    }
    addresses_of(tx, nobody()).await?;
    if outbox::is_set_up(state) {
        outbox::refusal_for_stranger(tx, state, nobody().into(), purpose.into(), None).await?;
    }
    codes::create_another(tx, state, pool, nobody(), purpose, None).await?;
    letters::send_nobody(tx, state, pool, purpose, wanted).await
}

/// Whose codes are made for nobody.
fn nobody() -> UserId {
    UserId::from_bits(0)
}
