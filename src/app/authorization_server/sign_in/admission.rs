//! Whether somebody who has proven who they are may sign in. Asked after every first factor, whatever it was, in the transaction
//! that begins the session: what ends sessions comes before it, and is seen, or after it, and finds the session.

use base::id::{EnvironmentId, UserId};
use model::{
    email::Email,
    user::{AddressKind, IdentifierKind, User},
};

use super::refusal::Refusal;
use crate::{
    app::{
        Result,
        login::eligibility::{self, LoginSubject},
    },
    store::{self, Transaction, table, user_addresses, user_identifiers},
};

/// How somebody has proven who they are.
#[derive(Debug, Clone, Copy)]
pub(super) enum FirstFactor<'a> {
    /// By a credential of their account.
    Own,
    /// By their organization's identity provider.
    Asserted(LoginSubject<'a>),
}

/// Locks a user, who may sign in: the account is active, the organization in use, the connection too if there is one, and no
/// directory of the organization has switched the person off.
pub(super) async fn admit(
    tx: &mut Transaction,
    (environment_id, id): (EnvironmentId, UserId),
    factor: FirstFactor<'_>,
) -> Result<Result<User, Refusal>> {
    // Organization, connection and directory before the user, as whoever changes them.
    if let FirstFactor::Asserted(login) = factor
        && eligibility::check(tx, login, &mut Vec::new()).await?.is_err()
    {
        return Ok(Err(Refusal::NotActive));
    }
    // A user never leaves their organization.
    let known: Option<User> = table::find(tx, environment_id, id).await?;
    let Some(known) = known else { return Ok(Err(Refusal::NotActive)) };
    let organization = store::users::lock_organization(tx, environment_id, known.organization_id).await?;
    if !matches!(organization, Some((_, false))) {
        return Ok(Err(Refusal::NotActive));
    }
    let user: Option<User> = table::find_for_update(tx, environment_id, id).await?;
    let Some(user) = user.filter(|user| user.may_sign_in()) else { return Ok(Err(Refusal::NotActive)) };
    // Who is suspended at home signs in nowhere; who was removed from there neither.
    let home = user.organization_id;
    let membership = store::memberships::find_for_update(tx, environment_id, home, user.id).await?;
    if !membership.is_some_and(|membership| membership.is_active()) {
        return Ok(Err(Refusal::NotActive));
    }
    if let FirstFactor::Own = factor {
        let emails = addresses(tx, &user).await?;
        if eligibility::is_switched_off(tx, user.organization_id, &emails).await? {
            return Ok(Err(Refusal::NotActive));
        }
    }
    Ok(Ok(user))
}

/// The e-mail addresses by which a directory may know a user: those that they sign in with, and have proven.
async fn addresses(tx: &mut Transaction, user: &User) -> Result<Vec<Email>> {
    let identifiers = user_identifiers::list(tx, &[user.id]).await?.remove(&user.id).unwrap_or_default();
    let typed = identifiers.into_iter().filter(|identifier| identifier.text.kind() == IdentifierKind::Email);
    let known = user_addresses::list(tx, &[user.id]).await?.remove(&user.id).unwrap_or_default();
    let proven =
        known.into_iter().filter(|address| address.kind == AddressKind::Email && address.is_verified());
    let texts = typed
        .map(|identifier| identifier.text.as_str().to_owned())
        .chain(proven.map(|address| address.address));
    let mut emails: Vec<Email> = texts.filter_map(|text| Email::parse(&text)).collect();
    emails.sort_by_key(Email::key);
    emails.dedup_by_key(|email| email.key());
    Ok(emails)
}
