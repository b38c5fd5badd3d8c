//! Members are added, removed and changed by those who administer the organization, each as far as their tier goes; members leave.
//! Nobody touches the owner but by a transfer of ownership; a tenant administrator suspends one.

use base::id::UserId;
use model::{
    email::Email,
    membership::{Membership, MembershipSource, MembershipStatus, Tier},
    organization::{Organization, root_id},
    user::{IdentifierText, User, UserStatus},
};

use super::{
    caller::Standing,
    change::{self, Done},
    list::{self, Member, no_member},
};
use crate::{
    app::{Error, Result, Rule, RuleKind, State, permissions::Action, principal::On, retry::retry_deadlocks},
    store::{Conn, Transaction, memberships, table, user_addresses, users},
};

/// Whom somebody names: by the id, else by the address.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// The id.
    pub user_id: Option<String>,
    /// The address.
    pub email: Option<String>,
}

fn unknown_user() -> Error {
    Error::Rule(Rule::new(
        RuleKind::NotFound,
        "user_not_found",
        "there is no such user in the tenant: invite them by their e-mail address",
    ))
}

fn use_transfer() -> Error {
    Error::unprocessable(
        "use_transfer_ownership",
        "an organization's owner changes by a transfer of ownership only",
    )
}

/// The tier with this name, that of the owner refused.
pub fn parse_role(text: &str) -> Result<Tier> {
    match text.parse() {
        Ok(tier) => Ok(tier),
        Err(_) => Err(Error::invalid("role", "must be admin or member")),
    }
}

/// Adds a user of the tenant. No domain is asked.
pub async fn add(state: &State, standing: &Standing, named: &Named, role: Tier) -> Result<Member> {
    let place = standing.place();
    standing.principal.authorize(Action::MembersManage, On::Organization(place.1))?;
    if role == Tier::Owner && !standing.everywhere {
        return Err(use_transfer());
    }
    let user_id = {
        let mut conn = state.db.read().await?;
        find_user(&mut conn, &standing.organization, named).await?.ok_or_else(unknown_user)?
    };
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        lock(&mut tx, standing).await?;
        if memberships::find(&mut tx, place.0, place.1, user_id).await?.is_some() {
            return Err(change::already_member());
        }
        if role == Tier::Owner && memberships::find_owner(&mut tx, place.1).await?.is_some() {
            return Err(use_transfer());
        }
        // The user stays until the membership is there.
        let user: Option<User> = table::find_for_update(&mut tx, place.0, user_id).await?;
        if user.is_none_or(|user| user.status == UserStatus::Deleted) {
            return Err(unknown_user());
        }
        let membership = Membership::new(place, user_id, role, MembershipSource::Manual, state.now());
        change::add(&mut tx, state, &standing.principal, &membership).await?;
        let member = list::one(&mut tx, membership).await?;
        tx.commit().await?;
        Ok(member)
    })
    .await
}

/// The user of the root's pools, or of the organization's own, whom somebody names.
async fn find_user(conn: &mut Conn, organization: &Organization, named: &Named) -> Result<Option<UserId>> {
    let environment_id = organization.environment_id;
    let homes = [root_id(environment_id), organization.id];
    let good = |user: &User| {
        homes.contains(&user.organization_id)
            && user.shadow_of.is_none()
            && user.status != UserStatus::Deleted
    };
    match (&named.user_id, &named.email) {
        (Some(_), Some(_)) => Err(Error::invalid("email", "must not be given together with user_id")),
        (None, None) => Err(Error::invalid("user_id", "is required, or email")),
        (Some(id), None) => {
            let Ok(id) = id.parse::<UserId>() else { return Ok(None) };
            let user: Option<User> = table::find(conn, environment_id, id).await?;
            Ok(user.filter(good).map(|user| user.id))
        }
        (None, Some(email)) => {
            let refused = || Error::invalid("email", "must be an e-mail address");
            let email = Email::parse(email.trim()).ok_or_else(refused)?;
            for home in homes {
                if let Some(user) = find_by_email(conn, organization, home, &email).await?.filter(good) {
                    return Ok(Some(user.id));
                }
            }
            Ok(None)
        }
    }
}

async fn find_by_email(
    conn: &mut Conn,
    organization: &Organization,
    home: base::id::OrganizationId,
    email: &Email,
) -> Result<Option<User>> {
    let environment_id = organization.environment_id;
    let mut found =
        users::list_by_address_in_organization(conn, environment_id, home, &email.key(), 2).await?;
    match found.len() {
        0 => {}
        1 => return Ok(found.pop()),
        // Where two have proven it, nobody is meant.
        _ => return Ok(None),
    }
    let Ok(text) = IdentifierText::parse(model::user::IdentifierKind::Email, email.as_str()) else {
        return Ok(None);
    };
    let named = users::find_by_key_in_organization(conn, environment_id, home, &text.key(false)).await?;
    let Some(user) = named else { return Ok(None) };
    // Whoever took the address for a name, and has not proven it, may be anybody.
    let addresses = user_addresses::list(conn, &[user.id]).await?;
    let mut of_user = addresses.get(&user.id).into_iter().flatten();
    let is_claimed = of_user.any(|address| {
        address.verified_at.is_none()
            && Email::parse(&address.address).is_some_and(|own| own.key() == email.key())
    });
    Ok((!is_claimed).then_some(user))
}

/// Locks the organization of a change, which is still there.
async fn lock(tx: &mut Transaction, standing: &Standing) -> Result<()> {
    let (environment_id, id) = standing.place();
    match memberships::lock_organization(tx, environment_id, id).await? {
        true => Ok(()),
        false => Err(Error::not_found("organization", id)),
    }
}

/// The membership that is changed, locked. The caller may still do it: they were not demoted or removed meanwhile.
async fn load(tx: &mut Transaction, standing: &Standing, user_id: UserId) -> Result<Membership> {
    lock(tx, standing).await?;
    let (environment_id, id) = standing.place();
    still_may(tx, standing).await?;
    memberships::find_for_update(tx, environment_id, id, user_id).await?.ok_or_else(no_member)
}

/// Requires that the caller has the tier in the transaction with which they were let in.
pub(super) async fn still_may(tx: &mut Transaction, standing: &Standing) -> Result<()> {
    let Some(own) = standing.membership.as_ref().filter(|_| !standing.everywhere) else { return Ok(()) };
    let (environment_id, id) = standing.place();
    let now = memberships::find(tx, environment_id, id, own.user_id).await?;
    match now.is_some_and(|now| now.is_active() && now.tier >= own.tier) {
        true => Ok(()),
        false => Err(Error::Forbidden("your role in the organization has changed".into())),
    }
}

/// Removes a member, or leaves. `force`: of the owner, also one whom a directory manages.
pub async fn remove(state: &State, standing: &Standing, user_id: UserId, force: bool) -> Result<()> {
    let on = On::Organization(standing.place().1);
    let is_own = standing.user.as_ref().is_some_and(|user| user.id == user_id);
    match is_own {
        true => standing.principal.authorize(Action::MembersView, on)?,
        false => standing.principal.authorize(Action::MembersManage, on)?,
    };
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let membership = load(&mut tx, standing, user_id).await?;
        if membership.tier == Tier::Owner {
            return Err(Error::state(
                "owner_cannot_be_removed",
                "the owner hands the organization over first, by a transfer of ownership",
            ));
        }
        require_free_of_directory(standing, &membership, force)?;
        change::keep_break_glass(&mut tx, &standing.organization, &membership).await?;
        if is_own && membership.tier.administers() {
            change::keep_administrator(&mut tx, &standing.organization, user_id).await?;
        }
        change::end(&mut tx, state, &standing.principal, &membership).await?;
        Ok(tx.commit().await?)
    })
    .await
}

/// What a directory manages is changed there; the owner may insist.
fn require_free_of_directory(standing: &Standing, membership: &Membership, force: bool) -> Result<()> {
    if !membership.is_directory_managed() || force && standing.tier() == Tier::Owner {
        return Ok(());
    }
    Err(Error::state("directory_managed", "a directory manages this member: change it there"))
}

/// Gives a member another role: administrator or plain member.
pub async fn change_role(state: &State, standing: &Standing, user_id: UserId, role: Tier) -> Result<Member> {
    standing.principal.authorize(Action::MembersManage, On::Organization(standing.place().1))?;
    if role == Tier::Owner {
        return Err(use_transfer());
    }
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let before = load(&mut tx, standing, user_id).await?;
        if before.tier == Tier::Owner {
            return Err(use_transfer());
        }
        require_free_of_directory(standing, &before, false)?;
        let break_glass = before.break_glass && role.administers();
        let after = Membership { tier: role, break_glass, updated_at: state.now(), ..before.clone() };
        if before.tier != after.tier {
            if before.tier.administers() {
                change::keep_break_glass(&mut tx, &standing.organization, &before).await?;
                if standing.user.as_ref().is_some_and(|user| user.id == user_id) {
                    change::keep_administrator(&mut tx, &standing.organization, user_id).await?;
                }
            }
            let both = (&before, &after);
            change::update(&mut tx, state, &standing.principal, both, Done::RoleChanged).await?;
        }
        let member = list::one(&mut tx, if before.tier == role { before } else { after }).await?;
        tx.commit().await?;
        Ok(member)
    })
    .await
}

/// What is changed of a member besides the role.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemberChange {
    /// Whether it counts.
    pub status: Option<MembershipStatus>,
    /// Whether they are kept outside of an enforced single sign-on.
    pub break_glass: Option<bool>,
}

/// Suspends or reactivates a member, or says whether they are kept outside of an enforced single sign-on. `force`: as in [`remove`].
pub async fn change_member(
    state: &State,
    standing: &Standing,
    user_id: UserId,
    wanted: MemberChange,
    force: bool,
) -> Result<Member> {
    let on = On::Organization(standing.place().1);
    standing.principal.authorize(Action::MembersManage, on)?;
    if wanted.break_glass.is_some() {
        standing.principal.authorize(Action::OrganizationsOwn, on)?;
    }
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let before = load(&mut tx, standing, user_id).await?;
        let after = Membership {
            status: wanted.status.unwrap_or(before.status),
            break_glass: wanted.break_glass.unwrap_or(before.break_glass),
            ..before.clone()
        };
        if after == before {
            let member = list::one(&mut tx, before).await?;
            return Ok(member);
        }
        let after = Membership { updated_at: state.now(), ..after };
        check_change(&mut tx, standing, (&before, &after), force).await?;
        let done = match (before.status, after.status) {
            (MembershipStatus::Active, MembershipStatus::Suspended) => Done::Suspended,
            (MembershipStatus::Suspended, MembershipStatus::Active) => Done::Reactivated,
            _ => Done::Updated,
        };
        change::update(&mut tx, state, &standing.principal, (&before, &after), done).await?;
        let member = list::one(&mut tx, after).await?;
        tx.commit().await?;
        Ok(member)
    })
    .await
}

async fn check_change(
    tx: &mut Transaction,
    standing: &Standing,
    (before, after): (&Membership, &Membership),
    force: bool,
) -> Result<()> {
    if before.status != after.status {
        if before.tier == Tier::Owner && !standing.everywhere {
            return Err(Error::state(
                "owner_cannot_be_suspended",
                "only a tenant administrator suspends the owner of an organization",
            ));
        }
        require_free_of_directory(standing, before, force)?;
        let is_own = standing.user.as_ref().is_some_and(|user| user.id == before.user_id);
        if is_own && before.tier.administers() && !after.is_active() {
            change::keep_administrator(tx, &standing.organization, before.user_id).await?;
        }
    }
    if after.break_glass && !before.break_glass && !after.tier.administers() {
        return Err(Error::unprocessable(
            "break_glass_requires_admin",
            "only an owner or an administrator is kept outside of an enforced single sign-on",
        ));
    }
    let stays = after.break_glass && after.is_active();
    match stays {
        true => Ok(()),
        false => change::keep_break_glass(tx, &standing.organization, before).await,
    }
}
